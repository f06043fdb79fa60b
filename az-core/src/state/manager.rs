//! The contract of saved states.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use super::snapshot::{Snapshot, SnapshotInfo};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TaskId;

/// Stores states of tasks.
///
/// # Contract
///
/// 1. A state is returned as it was saved.
/// 2. Without a name, the state saved last is loaded, whatever its time; with a name, the one saved
///    last under it. If there is none, the result is `None`.
/// 3. Saving under a used name keeps the older state: ids differ, and the name refers to the
///    newest.
/// 4. Snapshots are listed oldest first, and only those of the task.
/// 5. Deleting by id removes that snapshot and returns whether it existed.
/// 6. Acknowledged writes survive a restart, if the backend is durable.
#[async_trait]
pub trait StateManager: fmt::Debug + Send + Sync + 'static {
    /// Saves a state; returns the snapshot's id.
    ///
    /// # Errors
    ///
    /// `Invalid` for an empty name, or the backend's own.
    async fn save_snapshot(
        &self,
        task: &TaskId,
        state: &Value,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<String>;

    /// Loads the newest state, or the newest of a name.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn load_snapshot(&self, task: &TaskId, name: Option<&str>) -> Result<Option<Snapshot>>;

    /// Lists the snapshots of a task.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn list_snapshots(&self, task: &TaskId) -> Result<Vec<SnapshotInfo>>;

    /// Deletes a snapshot by its id; returns whether it existed.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn delete_snapshot(&self, task: &TaskId, id: &str) -> Result<bool>;
}
