//! Named states of a task that can be restored.

mod manager;
mod snapshot;

pub use manager::StateManager;
pub use snapshot::{Snapshot, SnapshotInfo, check_name};
