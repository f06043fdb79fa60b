//! Finds the records that cannot be read.

use rusqlite::Connection;

use super::row::{Columns, prepare};
use super::{bucket, config, hold, journal, ledger, task_row};
use crate::error::Result;

/// Reads a row and drops it.
type Check = fn(&mut Columns<'_>) -> Result<()>;

/// Returns a message for each record that cannot be read.
pub(super) fn find(conn: &Connection) -> Result<Vec<String>> {
    let tasks = format!("SELECT {} FROM task WHERE namespace = az_namespace()", task_row::COLUMNS);
    let tables: [(&str, Check); 6] = [
        (&tasks, task_row::check),
        (bucket::BUDGET, |row| bucket::budget(row).map(drop)),
        (hold::HOLD, |row| hold::hold(row).map(drop)),
        (ledger::ENTRY, ledger::check),
        (config::SETTING, |row| config::setting(row).map(drop)),
        (journal::BODY, journal::check),
    ];
    let mut found = Vec::new();
    for (sql, check) in tables {
        let mut query = prepare(conn, sql)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            match check(&mut Columns::of(row)) {
                Err(error) if error.is_damage() => found.push(error.to_string()),
                checked => checked?,
            }
        }
    }
    Ok(found)
}
