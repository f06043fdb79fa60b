//! The kit of [`SqlRepository`].

use std::sync::Arc;

use az_core::testing::{Checked, Fixture, Report, Violation};
use az_core::{Error, ensure, ensure_eq, ensure_refused};
use serde_json::{Value, json};

use crate::repository::{Record, SqlRepository};

/// The fixture of a scenario.
type Tables<'a> = &'a dyn Fixture<dyn SqlRepository>;

/// Runs every scenario of [`SqlRepository`]'s contract.
///
/// `make` is called once per scenario. The names of the store's own tables are not part of the
/// contract, so each store tests that they are read-only.
pub async fn sql_repository<F: Fixture<dyn SqlRepository>>(make: impl Fn() -> F) -> Report {
    let mut report = Report::new("sql_repository");
    macro_rules! play {
        ($($scenario:ident)+) => {
            $(report.add(stringify!($scenario), $scenario(&make()).await.into());)+
        };
    }
    play! {
        rows_are_added_found_changed_and_deleted
        values_come_back_as_they_went_in
        a_value_is_never_a_part_of_the_statement
        every_parameter_has_a_value
        every_value_has_a_parameter
        a_name_is_a_name
        one_call_runs_one_statement
        fetching_changes_nothing
        changing_rows_needs_a_condition
        transactions_are_not_for_statements
        a_key_is_unique
        a_row_that_breaks_a_rule_changes_nothing
        rows_survive_a_restart
    }
    report
}

async fn open(fixture: Tables<'_>) -> Checked<Arc<dyn SqlRepository>> {
    let tables = fixture.open().await;
    let sql = "CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT UNIQUE, size REAL NOT NULL)";
    tables.execute(sql, &none()).await?;
    Ok(tables)
}

fn none() -> Record {
    Record::new()
}

/// Returns a note, or the parameters of a statement.
fn record(fields: &[(&str, Value)]) -> Record {
    let owned = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
    fields.iter().map(owned).collect()
}

fn note(title: &str) -> Record {
    record(&[("title", json!(title)), ("size", json!(1.5))])
}

async fn titles(tables: &dyn SqlRepository) -> Checked<Vec<Value>> {
    let sql = "SELECT title FROM note ORDER BY id";
    let rows = tables.fetch_all(sql, &none()).await?;
    let title = |mut row: Record| row.remove("title").unwrap_or_default();
    Ok(rows.into_iter().map(title).collect())
}

/// Checks `SqlRepository` 8.
async fn rows_are_added_found_changed_and_deleted(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let first = tables.insert("note", &note("one")).await?;
    let second = tables.insert("note", &note("two")).await?;
    ensure!(first != second, "clause 8: two rows have the id {first}");
    let of = record(&[("id", json!(second))]);
    let change = record(&[("title", json!("three"))]);
    let changed = tables.update("note", &change, "id = :id", &of).await?;
    ensure_eq!(changed, 1, "the count of changed rows");
    ensure_eq!(titles(&*tables).await?, [json!("one"), json!("three")], "the rows");
    let sql = "SELECT title FROM note WHERE id = :id";
    let found = tables.fetch_one(sql, &of).await?;
    ensure_eq!(found, Some(change), "the row of id {second}");
    ensure_eq!(tables.delete("note", "id = :id", &of).await?, 1, "the count of deleted rows");
    ensure_eq!(tables.delete("note", "id = :id", &of).await?, 0, "deleting again");
    ensure_eq!(tables.fetch_one(sql, &of).await?, None, "a deleted row");
    Ok(())
}

/// Checks `SqlRepository` 8.
async fn values_come_back_as_they_went_in(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let given = record(&[
        ("absent", Value::Null),
        ("least", json!(i64::MIN)),
        ("float", json!(0.1 + 0.2)),
        ("text", json!("größe 🦀 ' \" ; --\n")),
    ]);
    let sql = "SELECT :absent AS absent, :least AS least, :float AS float, :text AS text";
    let found = tables.fetch_one(sql, &given).await?;
    ensure_eq!(found, Some(given), "clause 8: the values");
    let kept = record(&[("yes", json!(true)), ("list", json!([1, null]))]);
    let found = tables.fetch_one("SELECT :yes AS yes, :list AS list", &kept).await?;
    let expected = record(&[("yes", json!(1)), ("list", json!("[1,null]"))]);
    ensure_eq!(found, Some(expected), "clause 8: values that columns do not have");
    Ok(())
}

/// Checks `SqlRepository` 1.
async fn a_value_is_never_a_part_of_the_statement(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let nasty = "'); DROP TABLE note; --";
    tables.insert("note", &note(nasty)).await?;
    let of = record(&[("title", json!("x' OR '1' = '1"))]);
    let deleted = tables.delete("note", "title = :title", &of).await?;
    ensure_eq!(deleted, 0, "clause 1: a value was read as a condition");
    ensure_eq!(titles(&*tables).await?, [json!(nasty)], "clause 1: the text");
    Ok(())
}

/// Checks `SqlRepository` 1.
async fn every_parameter_has_a_value(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let missing = tables.fetch_all("SELECT :id AS id", &none()).await;
    ensure_refused!(missing, Error::Invalid { .. }, "clause 1: a parameter without a value");
    Ok(())
}

/// Checks `SqlRepository` 1.
async fn every_value_has_a_parameter(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let of = record(&[("id", json!(1)), ("other", json!(2))]);
    let extra = tables.delete("note", "id = :id", &of).await;
    ensure_refused!(extra, Error::Invalid { .. }, "clause 1: a value without a parameter");
    Ok(())
}

/// Checks `SqlRepository` 2.
async fn a_name_is_a_name(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let long = "n".repeat(65);
    for name in ["", "note; --", "no te", "\"note\"", "1note", "größe", &long] {
        let row = note("one");
        let added = tables.insert(name, &row).await;
        ensure_refused!(added, Error::Invalid { .. }, "clause 2: inserting into {name:?}");
        let deleted = tables.delete(name, "1 = 1", &none()).await;
        ensure_refused!(deleted, Error::Invalid { .. }, "clause 2: deleting from {name:?}");
        let row = record(&[(name, json!(1))]);
        let added = tables.insert("note", &row).await;
        ensure_refused!(added, Error::Invalid { .. }, "clause 2: setting {name:?}");
        let changed = tables.update("note", &row, "1 = 1", &none()).await;
        ensure_refused!(changed, Error::Invalid { .. }, "clause 2: changing {name:?}");
    }
    Ok(())
}

/// Checks `SqlRepository` 3.
async fn one_call_runs_one_statement(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let two = "INSERT INTO note (size) VALUES (1); DELETE FROM note";
    for sql in [two, "", "-- nothing", "SELEC"] {
        let executed = tables.execute(sql, &none()).await;
        ensure_refused!(executed, Error::Invalid { .. }, "clause 3: {sql:?}");
    }
    ensure_eq!(
        titles(&*tables).await?,
        Vec::<Value>::new(),
        "clause 3: half of two statements was done"
    );
    Ok(())
}

/// Checks `SqlRepository` 4.
async fn fetching_changes_nothing(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let sql = "INSERT INTO note (size) VALUES (1) RETURNING id";
    let fetched = tables.fetch_all(sql, &none()).await;
    ensure_refused!(fetched, Error::Invalid { .. }, "clause 4: a fetch that adds a row");
    ensure_eq!(titles(&*tables).await?, Vec::<Value>::new(), "clause 4: a row was added");
    Ok(())
}

/// Checks `SqlRepository` 5.
async fn changing_rows_needs_a_condition(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    tables.insert("note", &note("one")).await?;
    for empty in ["", " \n"] {
        let changed = tables.update("note", &note("two"), empty, &none()).await;
        ensure_refused!(changed, Error::Invalid { .. }, "clause 5: changing all rows");
        let deleted = tables.delete("note", empty, &none()).await;
        ensure_refused!(deleted, Error::Invalid { .. }, "clause 5: deleting all rows");
    }
    ensure_eq!(titles(&*tables).await?, [json!("one")], "clause 5: the rows");
    Ok(())
}

/// Checks `SqlRepository` 6.
async fn transactions_are_not_for_statements(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    for sql in ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT mine"] {
        let executed = tables.execute(sql, &none()).await;
        ensure_refused!(executed, Error::Invalid { .. }, "clause 6: {sql}");
        let fetched = tables.fetch_all(sql, &none()).await;
        ensure_refused!(fetched, Error::Invalid { .. }, "clause 6: {sql}");
    }
    Ok(())
}

/// Checks `SqlRepository` 7.
async fn a_key_is_unique(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    tables.insert("note", &note("one")).await?;
    let again = tables.insert("note", &note("one")).await;
    ensure_refused!(again, Error::AlreadyExists { .. }, "clause 7: a second row of a key");
    ensure_eq!(titles(&*tables).await?, [json!("one")], "clause 7: the rows");
    Ok(())
}

/// Checks `SqlRepository` 7.
async fn a_row_that_breaks_a_rule_changes_nothing(fixture: Tables<'_>) -> Checked {
    let tables = open(fixture).await?;
    let row = record(&[("title", json!("one"))]);
    let added = tables.insert("note", &row).await;
    ensure_refused!(added, Error::Invalid { .. }, "clause 7: a row without its size");
    ensure_eq!(titles(&*tables).await?, Vec::<Value>::new(), "clause 7: the rows");
    Ok(())
}

/// Checks `SqlRepository` 9.
async fn rows_survive_a_restart(fixture: Tables<'_>) -> Checked {
    if !fixture.capabilities().durable {
        return Err(Violation::Unmet("durable"));
    }
    let tables = open(fixture).await?;
    tables.insert("note", &note("one")).await?;
    drop(tables);
    let again = fixture.open().await;
    ensure_eq!(titles(&*again).await?, [json!("one")], "clause 9: the rows");
    Ok(())
}
