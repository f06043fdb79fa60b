//! Named states of a task that can be gone back to.

mod manager;
mod snapshot;

pub use manager::StateManager;
pub use snapshot::{Snapshot, SnapshotInfo, check_name};
