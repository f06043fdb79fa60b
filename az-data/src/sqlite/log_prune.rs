//! Removes the oldest log records.

use az_core::log::LogRetention;
use rusqlite::Connection;

use super::row::{first, micros, prepare, run};
use crate::error::Result;

/// The most records that are removed in one transaction, which other writers wait for.
const BATCH: usize = 250;

/// Removes records that are too old or too many; returns the number.
pub(super) fn prune(conn: &Connection, retention: &LogRetention) -> Result<usize> {
    let size = "SELECT bytes FROM log_size WHERE namespace = az_namespace()";
    let bytes: i64 = first(conn, size, [], |row| row.take())?.unwrap_or(0);
    let mut excess = bytes.saturating_sub(i64::try_from(retention.max_bytes).unwrap_or(i64::MAX));
    let (mut removed, mut freed) = (Vec::new(), 0);
    let mut statement = prepare(conn, OLDEST)?;
    let mut rows = statement.query((i64::MIN, i64::MIN))?;
    while removed.len() < BATCH
        && let Some(row) = rows.next()?
    {
        let (id, at, bytes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if at >= micros(retention.before) && excess <= 0 {
            break;
        }
        removed.push(id);
        excess -= bytes;
        freed += bytes;
    }
    drop(rows);
    for id in &removed {
        run(conn, "DELETE FROM log WHERE namespace = az_namespace() AND id = ?1", [id])?;
    }
    if !removed.is_empty() {
        let sql = "UPDATE log_size SET bytes = bytes - ?1 WHERE namespace = az_namespace()";
        run(conn, sql, [freed])?;
    }
    Ok(removed.len())
}

/// The numbers, times and sizes of the records, oldest first. The one with the largest number of the file is
/// not among them: only as long as it exists, new numbers are larger than all that were used before.
const OLDEST: &str = "SELECT id, at, 100 + octet_length(target) + octet_length(message) FROM log \
    WHERE namespace = az_namespace() AND (at, id) > (?1, ?2) \
    AND id < (SELECT max(id) FROM log WHERE az_namespace() IS NOT NULL) ORDER BY at, id";
