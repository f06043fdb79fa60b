//! Saved states of tasks.

use async_trait::async_trait;
use serde_json::Value;

use super::store::MemoryStore;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TaskId;
use crate::state::{Snapshot, SnapshotInfo, StateManager, check_name};

/// The snapshots of one task, in the order in which they were saved.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// The last id that was used; ids are never reused, even after a snapshot is deleted.
    last: u64,
    snapshots: Vec<Snapshot>,
}

#[async_trait]
impl StateManager for MemoryStore {
    async fn save_snapshot(
        &self,
        task: &TaskId,
        state: &Value,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<String> {
        check_name(name)?;
        let mut store = self.lock();
        let shelf = store.shelves.entry(task.clone()).or_default();
        shelf.last += 1;
        let id = shelf.last.to_string();
        let info = SnapshotInfo {
            id: id.clone(),
            task: task.clone(),
            name: name.map(ToOwned::to_owned),
            at: now,
        };
        let state = state.clone();
        shelf.snapshots.push(Snapshot { info, state });
        Ok(id)
    }

    async fn load_snapshot(&self, task: &TaskId, name: Option<&str>) -> Result<Option<Snapshot>> {
        let store = self.lock();
        let snapshots = store.shelves.get(task).map(|shelf| shelf.snapshots.iter());
        let wanted = |saved: &&Snapshot| name.is_none() || saved.info.name.as_deref() == name;
        Ok(snapshots.and_then(|s| s.rev().find(wanted).cloned()))
    }

    async fn list_snapshots(&self, task: &TaskId) -> Result<Vec<SnapshotInfo>> {
        let store = self.lock();
        let snapshots = store.shelves.get(task).map(|shelf| shelf.snapshots.iter());
        let infos = snapshots.into_iter().flatten().map(|s| s.info.clone());
        Ok(infos.collect())
    }

    async fn delete_snapshot(&self, task: &TaskId, id: &str) -> Result<bool> {
        let mut store = self.lock();
        let Some(shelf) = store.shelves.get_mut(task) else {
            return Ok(false);
        };
        let before = shelf.snapshots.len();
        shelf.snapshots.retain(|snapshot| snapshot.info.id != id);
        Ok(shelf.snapshots.len() < before)
    }
}
