//! A state that was saved.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
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

/// Checks the name of a snapshot that is to be saved, for implementers of stores.
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
