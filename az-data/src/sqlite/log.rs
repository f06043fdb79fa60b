//! The log in SQLite.

use std::slice;

use async_trait::async_trait;
use az_core::error::Error;
use az_core::log::{
    Level, LogCursor, LogMark, LogPage, LogQuery, LogRecord, LogRetention, LogStore, LogTail,
};
use rusqlite::Connection;

use super::log_page;
use super::log_prune;
use super::row::{Columns, micros, run};
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
        self.write_with(Durability::Relaxed, move |conn| add_all(conn, &records)).await
    }

    async fn query(&self, query: &LogQuery) -> Result<Vec<LogRecord>, Error> {
        let query = query.clone();
        self.scan(move |conn| log_page::newest(conn, &query)).await
    }

    async fn page(&self, query: &LogQuery, after: Option<LogCursor>) -> Result<LogPage, Error> {
        let query = query.clone();
        self.scan(move |conn| log_page::page(conn, &query, after)).await
    }

    async fn appended(&self, query: &LogQuery, after: Option<LogMark>) -> Result<LogTail, Error> {
        let query = query.clone();
        self.point(move |conn| log_page::appended(conn, &query, after)).await
    }

    async fn prune(&self, retention: &LogRetention) -> Result<usize, Error> {
        let retention = *retention;
        self.write_with(Durability::Relaxed, move |conn| log_prune::prune(conn, &retention)).await
    }
}

/// Adds a record.
pub(super) fn add(conn: &Connection, record: &LogRecord) -> Result<()> {
    add_all(conn, slice::from_ref(record))
}

fn add_all(conn: &Connection, records: &[LogRecord]) -> Result<()> {
    let sql = "INSERT INTO log (namespace, at, level, target, task_id, message) \
        VALUES (az_namespace(), ?1, ?2, ?3, ?4, ?5)";
    for record in records {
        let task = record.task.as_ref().map(|task| task.as_str());
        let (at, level) = (micros(record.at), rank(record.level));
        run(conn, sql, (at, level, &record.target, task, &record.message))?;
    }
    let bytes: u64 = records.iter().map(LogRecord::bytes).sum();
    let sql = "INSERT INTO log_size (namespace, bytes) VALUES (az_namespace(), ?1) \
        ON CONFLICT DO UPDATE SET bytes = bytes + ?1";
    run(conn, sql, [i64::try_from(bytes).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// The columns of a record, behind its number and its time.
pub(super) const RECORD: &str = "id, at, level, target, task_id, message";

/// Reads a record from the columns [`RECORD`].
pub(super) fn record(row: &mut Columns<'_>) -> Result<LogRecord> {
    row.take::<i64>()?;
    Ok(LogRecord {
        at: row.time()?,
        level: level(row.take()?)?,
        target: row.take()?,
        task: row.take::<Option<String>>()?.as_deref().map(task_id).transpose()?,
        message: row.take()?,
    })
}

/// Returns a level as a number in the order of severity.
pub(super) const fn rank(level: Level) -> i64 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Error => 3,
    }
}

/// Returns the level of a number.
pub(super) fn level(number: i64) -> Result<Level> {
    let mut levels = Level::ALL.iter().copied();
    let known = levels.find(|level| rank(*level) == number);
    known.ok_or_else(|| unreadable("level", number))
}
