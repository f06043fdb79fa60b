//! The hints that are not recorded yet, in SQLite.

use async_trait::async_trait;
use az_core::clock::Timestamp;
use az_core::error::Error;
use az_core::id::{CallId, TaskId};
use az_core::journal::{Hint, HintQueue};
use rusqlite::Connection;

use super::ledger::call_id;
use super::row::{all, first, micros, run};
use super::store::SqliteStore;
use super::task_row::find;
use crate::error::Result;

#[async_trait]
impl HintQueue for SqliteStore {
    async fn send_hint(&self, task: &TaskId, hint: &Hint, now: Timestamp) -> Result<(), Error> {
        let (task, hint) = (task.clone(), hint.clone());
        self.write(move |conn| send(conn, &task, &hint, now)).await
    }

    async fn hints(&self, task: &TaskId) -> Result<Vec<Hint>, Error> {
        let task = task.clone();
        self.scan(move |conn| {
            let sql = "SELECT call_id, text FROM hint \
                WHERE namespace = az_namespace() AND task_id = ?1 ORDER BY id";
            all(conn, sql, [task.as_str()], |row| {
                let id = row.parsed(call_id)?;
                Ok(Hint::new(id, row.take::<String>()?)?)
            })
        })
        .await
    }
}

fn send(conn: &Connection, task: &TaskId, hint: &Hint, now: Timestamp) -> Result<()> {
    let stored = find(conn, task)?.ok_or_else(|| Error::not_found("task", task))?;
    Hint::check_open(&stored)?;
    let sql = "SELECT 1 FROM event WHERE namespace = az_namespace() AND task_id = ?1 \
        AND call_id = ?2 AND type = 'hint'";
    let recorded = first(conn, sql, (task.as_str(), hint.id.as_str()), |row| row.take::<i64>())?;
    let sql = "INSERT INTO hint (namespace, task_id, call_id, text, at) \
        VALUES (az_namespace(), ?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let params = (task.as_str(), hint.id.as_str(), &hint.text, micros(now));
    if recorded.is_some() || run(conn, sql, params)? == 0 {
        return Err(hint.repeated().into());
    }
    Ok(())
}

/// Removes a hint that is recorded.
pub(super) fn take(conn: &Connection, task: &TaskId, id: &CallId) -> Result<()> {
    let sql = "DELETE FROM hint WHERE namespace = az_namespace() AND task_id = ?1 AND call_id = ?2";
    run(conn, sql, (task.as_str(), id.as_str())).map(drop)
}

/// Removes the hints of a task that is deleted.
pub(super) fn delete_all(conn: &Connection, task: &TaskId) -> Result<()> {
    let sql = "DELETE FROM hint WHERE namespace = az_namespace() AND task_id = ?1";
    run(conn, sql, [task.as_str()]).map(drop)
}
