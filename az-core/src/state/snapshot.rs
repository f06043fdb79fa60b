//! A state that was saved.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::id::TaskId;

/// A state as it was at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What is known of it without its content.
    #[serde(flatten)]
    pub info: SnapshotInfo,
    /// The state.
    pub state: Value,
}

/// What is known of a snapshot without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    /// Unique in its task: a number that grows.
    pub id: String,
    /// The task.
    pub task: TaskId,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// When it was saved.
    pub at: Timestamp,
}
