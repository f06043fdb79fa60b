//! States of tasks in SQLite.

use async_trait::async_trait;
use az_core::clock::Timestamp;
use az_core::error::Error;
use az_core::id::TaskId;
use az_core::state::{Snapshot, SnapshotInfo, StateManager, check_name};
use rusqlite::Connection;
use serde_json::Value;

use super::json;
use super::row::{Columns, all, first, micros, run};
use super::store::SqliteStore;
use super::task_row::task_id;
use crate::error::Result;

#[async_trait]
impl StateManager for SqliteStore {
    async fn save_snapshot(
        &self,
        task: &TaskId,
        state: &Value,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<String, Error> {
        check_name(name)?;
        let (task, name) = (task.clone(), name.map(ToOwned::to_owned));
        let state = json::write("state", state)?;
        self.write(move |conn| {
            let sql = "INSERT INTO snapshot (namespace, task_id, name, at, state) \
                VALUES (az_namespace(), ?1, ?2, ?3, ?4)";
            run(conn, sql, (task.as_str(), &name, micros(now), &state))?;
            Ok(conn.last_insert_rowid().to_string())
        })
        .await
    }

    async fn load_snapshot(
        &self,
        task: &TaskId,
        name: Option<&str>,
    ) -> Result<Option<Snapshot>, Error> {
        let (task, name) = (task.clone(), name.map(ToOwned::to_owned));
        self.scan(move |conn| load(conn, &task, name.as_deref())).await
    }

    async fn list_snapshots(&self, task: &TaskId) -> Result<Vec<SnapshotInfo>, Error> {
        let task = task.clone();
        let sql = "SELECT id, task_id, name, at FROM snapshot \
            WHERE namespace = az_namespace() AND task_id = ?1 ORDER BY id";
        self.scan(move |conn| all(conn, sql, [task.as_str()], info)).await
    }

    async fn delete_snapshot(&self, task: &TaskId, id: &str) -> Result<bool, Error> {
        let (task, id) = (task.clone(), id.to_owned());
        self.write(move |conn| {
            // Compared as text, because `01` is not an id.
            let sql = "DELETE FROM snapshot \
                WHERE namespace = az_namespace() AND task_id = ?1 AND CAST(id AS TEXT) = ?2";
            Ok(run(conn, sql, [task.as_str(), &id])? == 1)
        })
        .await
    }
}

fn load(conn: &Connection, task: &TaskId, name: Option<&str>) -> Result<Option<Snapshot>> {
    let columns = "SELECT id, task_id, name, at, state FROM snapshot \
        WHERE namespace = az_namespace()";
    match name {
        Some(name) => {
            let sql = format!("{columns} AND task_id = ?1 AND name = ?2 ORDER BY id DESC LIMIT 1");
            first(conn, &sql, [task.as_str(), name], snapshot)
        }
        None => {
            let sql = format!("{columns} AND task_id = ?1 ORDER BY id DESC LIMIT 1");
            first(conn, &sql, [task.as_str()], snapshot)
        }
    }
}

fn snapshot(row: &mut Columns<'_>) -> Result<Snapshot> {
    let info = info(row)?;
    let state = row.parsed(|text| json::read("state", text));
    let state = state
        .map_err(|error| error.of("state", format_args!("{} of task {}", info.id, info.task)))?;
    Ok(Snapshot { info, state })
}

fn info(row: &mut Columns<'_>) -> Result<SnapshotInfo> {
    Ok(SnapshotInfo {
        id: row.take::<i64>()?.to_string(),
        task: row.parsed(task_id)?,
        name: row.take()?,
        at: row.time()?,
    })
}
