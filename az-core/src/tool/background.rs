//! Processes that calls leave running.

use serde::{Deserialize, Serialize};

/// A process that a call left running in the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BackgroundProcess {
    /// Its process id.
    pub pid: u32,
    /// Its command line.
    pub command: String,
}

impl BackgroundProcess {
    /// Creates the description of a process.
    pub fn new(pid: u32, command: impl Into<String>) -> Self {
        Self { pid, command: command.into() }
    }
}
