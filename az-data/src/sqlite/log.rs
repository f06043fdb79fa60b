//! The log in SQLite.

use async_trait::async_trait;
use az_core::error::Error;
use az_core::log::{Level, LogQuery, LogRecord, LogStore};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::row::{Columns, micros, prepare, run};
use super::store::SqliteStore;
use super::task_row::task_id;
use super::writer::Durability;
use crate::error::{Result, unreadable};

#[async_trait]
impl LogStore for SqliteStore {
    async fn append(&self, records: &[LogRecord]) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let records = records.to_vec();
        self.write_with(Durability::Relaxed, move |conn| {
            records.iter().try_for_each(|record| add(conn, record))
        })
        .await
    }

    async fn query(&self, query: &LogQuery) -> Result<Vec<LogRecord>, Error> {
        let query = query.clone();
        self.scan(move |conn| find(conn, &query)).await
    }
}

/// Adds a record.
pub(super) fn add(conn: &Connection, record: &LogRecord) -> Result<()> {
    let sql = "INSERT INTO log (namespace, at, level, target, task_id, message) \
        VALUES (az_namespace(), ?1, ?2, ?3, ?4, ?5)";
    let task = record.task.as_ref().map(|task| task.as_str());
    let (at, level) = (micros(record.at), rank(record.level));
    run(conn, sql, (at, level, &record.target, task, &record.message))?;
    Ok(())
}

/// Finds records, newest first up to the limit. The database filters by its indexes; the query
/// itself makes the final decision, so that text matches as the contract requires.
fn find(conn: &Connection, query: &LogQuery) -> Result<Vec<LogRecord>> {
    let wanted = [
        ("level >= ?", query.level.map(|level| rank(level).into())),
        ("at >= ?", query.since.map(|at| micros(at).into())),
        ("at < ?", query.until.map(|at| micros(at).into())),
        ("task_id = ?", query.task.as_ref().map(|task| task.to_string().into())),
    ];
    let mut sql = String::from(
        "SELECT at, level, target, task_id, message FROM log WHERE namespace = az_namespace()",
    );
    let mut values: Vec<Value> = Vec::new();
    for (condition, value) in wanted {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
    }
    sql.push_str(" ORDER BY at DESC, id DESC");

    let limit = query.limit.unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut statement = prepare(conn, &sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        match record(&mut Columns::of(row)) {
            Ok(record) if query.matches(&record) => found.push(record),
            Ok(_) => {}
            Err(error) if error.is_unreadable() => {
                tracing::warn!("a log record is damaged: {error}; it is left out");
            }
            Err(error) => return Err(error),
        }
    }
    found.reverse();
    Ok(found)
}

fn record(row: &mut Columns<'_>) -> Result<LogRecord> {
    Ok(LogRecord {
        at: row.time()?,
        level: level(row.take()?)?,
        target: row.take()?,
        task: row.take::<Option<String>>()?.as_deref().map(task_id).transpose()?,
        message: row.take()?,
    })
}

/// Returns a level as a number in the order of severity.
const fn rank(level: Level) -> i64 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Error => 3,
    }
}

fn level(number: i64) -> Result<Level> {
    let mut levels = Level::ALL.iter().copied();
    let known = levels.find(|level| rank(*level) == number);
    known.ok_or_else(|| unreadable("level", number))
}
