//! A saved state.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::TaskId;

/// A saved state of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its id, task, name and time.
    #[serde(flatten)]
    pub info: SnapshotInfo,
    /// The state.
    pub state: Value,
}

/// A snapshot's id, task, name and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    /// The id, unique in its task: a number that grows.
    pub id: String,
    /// The task.
    pub task: TaskId,
    /// The name, if it was given one.
    pub name: Option<String>,
    /// The time at which it was saved.
    pub at: Timestamp,
}

/// Checks the name of a snapshot before it is saved. For implementers of stores.
///
/// # Errors
///
/// `Invalid` for an empty name.
pub fn check_name(name: Option<&str>) -> Result<()> {
    if name.is_some_and(str::is_empty) {
        return Err(Error::invalid("name", "must not be empty; leave it out to save without one"));
    }
    Ok(())
}
