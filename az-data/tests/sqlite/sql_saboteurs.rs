//! Repositories that each break one clause, which the kit has to detect.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::testing::{Capabilities, Fixture};
use az_core::{Error, Result};
use az_data::repository::{Record, SqlRepository};
use az_data::sqlite::SqliteStore;
use az_data::testing::sql_repository;
use serde_json::json;

use crate::support::Home;

/// The fault of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Breaks `SqlRepository` 1. Ignores values without a parameter.
    IgnoresValues,
    /// Breaks `SqlRepository` 2. Reads a name up to a semicolon.
    CutsNames,
    /// Breaks `SqlRepository` 3. Runs the first of several statements.
    RunsTheFirst,
    /// Breaks `SqlRepository` 4.
    AddsRowsWhenFetching,
    /// Breaks `SqlRepository` 5. Takes no condition for all rows.
    ChangesAllRows,
    /// Breaks `SqlRepository` 6. Ignores statements about transactions.
    IgnoresTransactions,
    /// Breaks `SqlRepository` 7. Ignores a second row of a key.
    IgnoresRows,
    /// Breaks `SqlRepository` 8. Has floats of single precision.
    RoundsFloats,
    /// Breaks `SqlRepository` 9.
    ForgetsAtARestart,
}

#[derive(Debug)]
struct Bent {
    store: SqliteStore,
    fault: Fault,
}

impl Bent {
    fn is_ignored(&self, sql: &str) -> bool {
        let of_transactions = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT"];
        self.fault == Fault::IgnoresTransactions
            && of_transactions.iter().any(|word| sql.starts_with(word))
    }

    fn table<'a>(&self, name: &'a str) -> &'a str {
        match self.fault {
            Fault::CutsNames => name.split(';').next().unwrap_or_default(),
            _ => name,
        }
    }

    fn condition<'a>(&self, condition: &'a str) -> &'a str {
        match self.fault {
            Fault::ChangesAllRows if condition.trim().is_empty() => "1 = 1",
            _ => condition,
        }
    }

    fn params(&self, params: &Record, condition: &str) -> Record {
        let mut params = params.clone();
        if self.fault == Fault::IgnoresValues {
            params.retain(|name, _| condition.contains(&format!(":{name}")));
        }
        params
    }
}

#[async_trait]
impl SqlRepository for Bent {
    async fn execute(&self, sql: &str, params: &Record) -> Result<usize> {
        if self.is_ignored(sql) {
            return Ok(0);
        }
        match self.fault {
            Fault::RunsTheFirst => {
                self.store.execute(sql.split(';').next().unwrap_or_default(), params).await
            }
            _ => self.store.execute(sql, params).await,
        }
    }

    async fn fetch_all(&self, sql: &str, params: &Record) -> Result<Vec<Record>> {
        if self.is_ignored(sql) {
            return Ok(Vec::new());
        }
        if self.fault == Fault::AddsRowsWhenFetching && sql.starts_with("INSERT") {
            let sql = sql.split(" RETURNING").next().unwrap_or_default();
            return self.store.execute(sql, params).await.map(|_| Vec::new());
        }
        self.store.fetch_all(sql, params).await
    }

    async fn fetch_one(&self, sql: &str, params: &Record) -> Result<Option<Record>> {
        let mut found = self.store.fetch_one(sql, params).await?;
        let floats = found.iter_mut().flatten().filter(|_| self.fault == Fault::RoundsFloats);
        for (_, value) in floats.filter(|(_, value)| value.is_f64()) {
            let float = value.as_f64().unwrap_or_default();
            *value = json!((float * 1e6).round() / 1e6);
        }
        Ok(found)
    }

    async fn insert(&self, table: &str, row: &Record) -> Result<i64> {
        match self.store.insert(self.table(table), row).await {
            Err(Error::AlreadyExists { .. }) if self.fault == Fault::IgnoresRows => Ok(0),
            inserted => inserted,
        }
    }

    async fn update(
        &self,
        table: &str,
        changes: &Record,
        condition: &str,
        params: &Record,
    ) -> Result<usize> {
        let (table, condition) = (self.table(table), self.condition(condition));
        let params = self.params(params, condition);
        self.store.update(table, changes, condition, &params).await
    }

    async fn delete(&self, table: &str, condition: &str, params: &Record) -> Result<usize> {
        let (table, condition) = (self.table(table), self.condition(condition));
        self.store.delete(table, condition, &self.params(params, condition)).await
    }
}

struct Sabotaged {
    home: Home,
    fault: Fault,
}

#[async_trait]
impl Fixture<dyn SqlRepository> for Sabotaged {
    async fn open(&self) -> Arc<dyn SqlRepository> {
        let store = Home::open(&self.home);
        if self.fault == Fault::ForgetsAtARestart {
            // The first handle finds no table.
            store.execute("DELETE FROM note", &Record::new()).await.ok();
        }
        Arc::new(Bent { store, fault: self.fault })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

#[tokio::test]
async fn every_fault_fails_the_scenarios_of_its_clause() {
    for (fault, expected) in [
        (Fault::IgnoresValues, "every_value_has_a_parameter"),
        (Fault::CutsNames, "a_name_is_a_name"),
        (Fault::RunsTheFirst, "one_call_runs_one_statement"),
        (Fault::AddsRowsWhenFetching, "fetching_changes_nothing"),
        (Fault::ChangesAllRows, "changing_rows_needs_a_condition"),
        (Fault::IgnoresTransactions, "transactions_are_not_for_statements"),
        (Fault::IgnoresRows, "a_key_is_unique"),
        (Fault::RoundsFloats, "values_come_back_as_they_went_in"),
        (Fault::ForgetsAtARestart, "rows_survive_a_restart"),
    ] {
        let report = sql_repository(|| Sabotaged { home: Home::new(), fault }).await;
        assert_eq!(report.failed(), [expected], "{fault:?}\n{report}");
    }
}
