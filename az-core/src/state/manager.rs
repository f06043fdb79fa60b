//! Saves and finds states.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use super::snapshot::{Snapshot, SnapshotInfo};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TaskId;

/// Keeps states of tasks.
///
/// # Contract
///
/// 1. A state comes back as it was saved.
/// 2. Without a name, the one saved last is loaded, whatever its time says; with one, the one last
///    saved under that name. None is `None`.
/// 3. Saving under a name in use keeps the older state too: ids differ, the name means the newest.
/// 4. Snapshots are listed oldest first, and only those of the task.
/// 5. Deleting by id takes that one and says whether it was there.
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

    /// Lists what was saved.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn list_snapshots(&self, task: &TaskId) -> Result<Vec<SnapshotInfo>>;

    /// Deletes a snapshot by its id; says whether there was one.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn delete_snapshot(&self, task: &TaskId, id: &str) -> Result<bool>;
}
