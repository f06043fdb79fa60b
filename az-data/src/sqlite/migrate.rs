//! The schema and its migrations: forward only, one file per step.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[cfg(test)]
use az_core::store::Namespace;
use rusqlite::Connection;

use super::backup;
#[cfg(test)]
use super::namespace;
use crate::error::{Result, SqliteError};

/// A migration that opening a store made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// The schema version before.
    pub from: u32,
    /// The schema version now.
    pub to: u32,
    /// The path of the backup of the database.
    pub backup: PathBuf,
}

/// The application id, `AZOS`, which identifies the file.
const APPLICATION: i32 = 0x415A_4F53;

/// The steps, oldest first; the schema version is the number of steps that were made.
const STEPS: &[&str] = &[
    include_str!("migrations/0001_begin.sql"),
    include_str!("migrations/0002_loose_blobs.sql"),
    include_str!("migrations/0003_computed_cost.sql"),
    include_str!("migrations/0004_entry_tokens.sql"),
    include_str!("migrations/0005_payers.sql"),
    include_str!("migrations/0006_namespaces.sql"),
    include_str!("migrations/0007_lease_anchors.sql"),
    include_str!("migrations/0008_uncertain_entries.sql"),
    include_str!("migrations/0009_log.sql"),
    include_str!("migrations/0010_entry_sums.sql"),
    include_str!("migrations/0011_hints_and_log_counts.sql"),
    include_str!("migrations/0012_waiting.sql"),
    include_str!("migrations/0013_tool_results.sql"),
    include_str!("migrations/0014_cached_input.sql"),
    include_str!("migrations/0015_cancelled_alone.sql"),
];

/// The newest schema version.
const NEWEST: u32 = STEPS.len() as u32;

/// The tables that the steps create.
pub(super) const OWN: &[&str] = &[
    "alert",
    "bucket",
    "budget",
    "command_run",
    "entry",
    "entry_sum",
    "event",
    "hint",
    "hold",
    "hold_bucket",
    "lease_anchor",
    "log",
    "log_count",
    "log_size",
    "orphaned_blob",
    "payer",
    "setting",
    "snapshot",
    "task",
];

/// Migrates a new or older file to the newest version. An older one is backed up first.
pub(super) fn bring_up_to_date(
    conn: &Connection,
    path: &Path,
    patience: Duration,
) -> Result<Option<Migration>> {
    if version(conn, path)? == NEWEST {
        return Ok(None);
    }
    // SQLite does not wait for a lock when it changes the mode, to prevent deadlocks; no lock is
    // held here, so waiting is safe.
    let since = Instant::now();
    while let Err(error) = use_log(conn) {
        if !error.is_busy() || since.elapsed() > patience {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    advance(conn, path, STEPS)
}

/// Checks that this version can read a file that must not be changed.
pub(super) fn check(conn: &Connection, path: &Path) -> Result<()> {
    let supported = NEWEST;
    match version(conn, path)? {
        found if found < supported => Err(SqliteError::Outdated { found, supported }),
        _ => Ok(()),
    }
}

/// Checks, in a transaction, that no other process has migrated the file since it was opened.
///
/// An older version would otherwise write rows that have another meaning in the newer schema.
pub(super) fn check_unchanged(conn: &Connection) -> Result<()> {
    let mut query = conn.prepare_cached("PRAGMA user_version")?;
    match query.query_row([], |row| row.get(0))? {
        NEWEST => Ok(()),
        found => Err(SqliteError::SchemaChanged { found, expected: NEWEST }),
    }
}

/// Sets the mode of the write-ahead log.
pub(super) fn use_log(conn: &Connection) -> Result<()> {
    conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    Ok(())
}

/// Makes the missing steps, all or none.
fn advance(conn: &Connection, path: &Path, steps: &[&str]) -> Result<Option<Migration>> {
    // A step may replace a table that others refer to: dropping the old one must not cascade. The
    // pragma has no effect inside a transaction.
    conn.execute_batch("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE")?;
    let taken = take(conn, path, steps);
    if taken.is_err() {
        // The first error is the one to report; without a transaction, this one has no meaning.
        conn.execute_batch("ROLLBACK").ok();
    }
    let restored = conn.execute_batch("PRAGMA foreign_keys = ON");
    let taken = taken?;
    restored?;
    Ok(taken)
}

/// Makes the missing steps in the open transaction and commits it. Its lock keeps the file
/// unchanged during the backup.
fn take(conn: &Connection, path: &Path, steps: &[&str]) -> Result<Option<Migration>> {
    let from = version(conn, path)?;
    if (1..NAMESPACES).contains(&from) && steps.len() >= NAMESPACES as usize {
        check_references(conn)?;
    }
    let mut missing = steps.iter().zip(1..).skip(from as usize).peekable();
    let backup = match (from, missing.peek()) {
        // A new file, or one that another process has migrated meanwhile.
        (0, _) | (_, None) => None,
        (_, Some(_)) => Some(backup::make(path, from)?),
    };
    let mut to = from;
    for (step, number) in missing {
        conn.execute_batch(step)?;
        conn.pragma_update(None, "user_version", number)?;
        to = number;
    }
    conn.pragma_update(None, "application_id", APPLICATION)?;
    conn.execute_batch("COMMIT")?;
    Ok(backup.map(|backup| Migration { from, to, backup }))
}

/// The schema from which on tasks are identified by namespace and id.
const NAMESPACES: u32 = 6;

/// Checks that no table of a user has a foreign key to `task (id)`, which is no key from schema 6
/// on: with it, no task could be deleted.
fn check_references(conn: &Connection) -> Result<()> {
    let sql = "SELECT t.name FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f \
               WHERE t.type = 'table' AND f.\"table\" = 'task' COLLATE NOCASE";
    let mut query = conn.prepare(sql)?;
    for table in query.query_map([], |row| row.get::<_, String>(0))? {
        let table = table?;
        if !is_own(&table) {
            return Err(SqliteError::References { table });
        }
    }
    Ok(())
}

/// Returns the schema version; 0 for an empty file.
fn version(conn: &Connection, path: &Path) -> Result<u32> {
    // In one transaction: another process may be creating the same file.
    conn.execute_batch("SAVEPOINT look")?;
    let seen = look(conn);
    // After an I/O error SQLite has rolled back the savepoint; the first error is the one to report.
    let released = conn.execute_batch("RELEASE look");
    let foreign = || SqliteError::Foreign { path: path.to_owned() };
    let seen = seen?;
    released?;
    match seen {
        (0, 0, 0) => Ok(0),
        (APPLICATION, found, _) => {
            let found = u32::try_from(found).map_err(|_| foreign())?;
            let supported = NEWEST;
            if found > supported {
                return Err(SqliteError::NewerSchema { found, supported });
            }
            Ok(found)
        }
        _ => Err(foreign()),
    }
}

/// Returns the application id, the schema version, and the number of objects in the file.
fn look(conn: &Connection) -> Result<(i32, i32, i64)> {
    let number = |pragma| conn.pragma_query_value(None, pragma, |row| row.get(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let sql = "SELECT count(*) FROM sqlite_schema";
    let objects = conn.query_row(sql, [], |row| row.get(0))?;
    Ok((application, version, objects))
}

/// Returns `true` if a table is one of the store's own.
pub(super) fn is_own(table: &str) -> bool {
    OWN.iter().any(|own| own.eq_ignore_ascii_case(table))
}

/// Returns a new database in memory, for tests of statements.
#[cfg(test)]
pub(super) fn in_memory() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    advance(&conn, Path::new("memory"), STEPS).unwrap();
    namespace::bind(&conn, &Namespace::default()).unwrap();
    conn
}

/// Returns a new file with the first steps made, for tests of later ones.
#[cfg(test)]
pub(super) fn of_steps(path: &Path, taken: usize) -> Connection {
    let conn = Connection::open(path).unwrap();
    use_log(&conn).unwrap();
    advance(&conn, path, &STEPS[..taken]).unwrap();
    namespace::bind(&conn, &Namespace::default()).unwrap();
    conn
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use az_core::Usd;
    use az_core::clock::from_micros;
    use az_core::cost::{Calendar, Charge, CostEntry, CostSum, Grouping, Payer, TimeRange, Usage};
    use az_core::testing::sample::{call_id, entry, paid, task_id};
    use rusqlite::Connection;

    use super::super::sums::sums;
    use super::super::{entry_sum, hold, ledger, payer};
    use super::{NEWEST, OWN, STEPS, advance, bring_up_to_date, in_memory, of_steps, version};

    fn schema(conn: &Connection) -> Vec<(String, Option<String>)> {
        let sql = "SELECT name, sql FROM sqlite_schema ORDER BY name";
        let mut query = conn.prepare(sql).unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_earlier_version_becomes_the_newest() {
        let newest = schema(&in_memory());
        for taken in 0..=STEPS.len() {
            let home = tempfile::tempdir().unwrap();
            let path = &home.path().join("az.db");
            let conn = of_steps(path, taken);
            bring_up_to_date(&conn, path, Duration::ZERO).unwrap();
            assert_eq!(schema(&conn), newest, "from version {taken}");
            assert_eq!(version(&conn, path).unwrap(), NEWEST);
        }
    }

    #[test]
    fn entries_of_earlier_versions_are_kept_and_counted() {
        // Entries have columns for their tokens since version 4.
        for taken in 1..4 {
            let home = tempfile::tempdir().unwrap();
            let path = &home.path().join("az.db");
            let mut conn = of_steps(path, taken);
            let (task, call) = (task_id("t"), call_id("m0"));
            let usage =
                Usage { cache_read: 3, tool_input: 4, audio_output: 5, ..Usage::tokens(10, 20) };
            let sql = "INSERT INTO entry (task_id, call_id, provider, model, usage, cost, estimated, at) \
                VALUES ('t', ?1, 'p', 'm', ?2, ?3, 0, 7)";
            let text = serde_json::to_string(&usage).unwrap();
            conn.execute(sql, (call.as_str(), text, 5)).unwrap();
            // A count that no column can store.
            let absurd =
                r#"{"input":18446744073709551615,"output":9223372036854775807,"audio_output":1}"#;
            conn.execute(sql, ("m1", absurd, None::<i64>)).unwrap();

            bring_up_to_date(&conn, path, Duration::ZERO).unwrap();
            let kept = ledger::entries(&conn, TimeRange::ALL, Some(&task.into())).unwrap();
            let charge = Charge::new(usage, Some(Usd::from_nanos(5)));
            let first = CostEntry { charge, at: from_micros(7), ..entry("t", "m0", 5, 0) };
            assert_eq!(kept[0], first, "from version {taken}");
            assert_eq!(kept[1].charge.usage.input, u64::MAX, "from version {taken}");
            let largest = i64::MAX.cast_unsigned();
            let sum = CostSum {
                key: "m".to_owned(),
                calls: 2,
                input_tokens: largest + 17,
                cached_tokens: 3,
                output_tokens: largest + 25,
                cost: Usd::from_nanos(5),
                unpriced: 1,
                unknown_savings: 1,
                ..CostSum::default()
            };
            assert_eq!(sums(&mut conn, TimeRange::ALL, &Grouping::Model).unwrap(), [sum]);
            assert_eq!(entry_sum::differences(&conn).unwrap(), [""; 0], "from version {taken}");
        }
    }

    #[test]
    fn what_belonged_to_tasks_belongs_to_payers() {
        let home = tempfile::tempdir().unwrap();
        let path = &home.path().join("az.db");
        let conn = of_steps(path, 4);
        conn.execute_batch(
            "INSERT INTO part VALUES ('child', 'top');
             INSERT INTO budget VALUES ('task:top', 'total', 100, '[]', 1);
             INSERT INTO bucket VALUES ('task:top', 'total', 0, 9, 0, 40);
             INSERT INTO hold VALUES ('child', 'm0', 'p', 'm', 40, 1, 60);
             INSERT INTO hold_bucket VALUES ('child', 'm0', 'task:top', 'total', 0);",
        )
        .unwrap();
        bring_up_to_date(&conn, path, Duration::ZERO).unwrap();
        let child = Payer::from(task_id("child"));
        let line = payer::ancestors(&conn, &child).unwrap();
        assert_eq!(line, [Payer::from(task_id("top"))]);
        hold::settle(&conn, &Calendar::default(), (&child, &call_id("m0")), &paid(30)).unwrap();
        let sql = "SELECT spent, held FROM bucket WHERE scope = 'task:top'";
        let sums = conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(sums, Ok((30, 0)));
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let path = Path::new("memory");
        let conn = Connection::open_in_memory().unwrap();
        let steps = [STEPS[0], "CREATE TABLE fine (x); CREATE TABLE task (again);"];
        assert!(advance(&conn, path, &steps).is_err());
        assert_eq!(schema(&conn), []);
        assert_eq!(version(&conn, path).unwrap(), 0);
    }

    #[test]
    fn the_list_of_own_tables_is_complete() {
        let conn = in_memory();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' \
            AND name NOT LIKE 'sqlite%' ORDER BY name";
        let mut query = conn.prepare(sql).unwrap();
        let names: Vec<String> =
            query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(names, OWN);
    }

    #[test]
    fn the_library_has_the_mended_log() {
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }
}
