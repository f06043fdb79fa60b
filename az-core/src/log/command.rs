//! The commands that were run.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;

/// A command that was run. Its arguments are not recorded: they may be private.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommandRun {
    /// The time at which it started.
    pub at: Timestamp,
    /// The words of the command, such as `task list`.
    pub command: String,
    /// The duration in microseconds.
    pub micros: u64,
    /// The exit code; 0 is success.
    pub exit_code: u8,
}

impl CommandRun {
    /// Creates a record of a run.
    pub fn new(at: Timestamp, command: impl Into<String>, micros: u64, exit_code: u8) -> Self {
        Self { at, command: command.into(), micros, exit_code }
    }
}

/// A filter of commands that were run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunQuery {
    /// Only runs that started at this time or later.
    pub since: Option<Timestamp>,
    /// Only runs that started before this time.
    pub until: Option<Timestamp>,
    /// Only runs of this command, such as `task list`.
    pub command: Option<String>,
    /// At most this many runs, the newest.
    pub limit: Option<usize>,
}

impl RunQuery {
    /// Returns `true` if the query matches a run, its limit aside.
    pub fn matches(&self, run: &CommandRun) -> bool {
        self.since.is_none_or(|t| run.at >= t)
            && self.until.is_none_or(|t| run.at < t)
            && self.command.as_ref().is_none_or(|command| *command == run.command)
    }

    /// Returns the runs that the query asks for, of all runs in the order in which they were recorded.
    pub fn select(&self, runs: impl IntoIterator<Item = CommandRun>) -> Vec<CommandRun> {
        let mut found: Vec<_> = runs.into_iter().filter(|run| self.matches(run)).collect();
        // A stable sort: runs of one time stay in the order in which they were recorded.
        found.sort_by_key(|run| run.at);
        let left_out = found.len().saturating_sub(self.limit.unwrap_or(usize::MAX));
        found.split_off(left_out)
    }
}

/// Records the commands that were run, with their durations and exit codes.
///
/// A process that has not opened the store for writing records its command with
/// [`StoreFactory::note_run`](crate::store::StoreFactory::note_run).
///
/// # Contract
///
/// 1. Runs are returned as they were recorded, in the order of their times; those of one time in the order
///    in which they were recorded.
/// 2. Filters combine by *and*; `since` is inclusive, `until` is exclusive, a command is matched exactly;
///    with a limit, the newest runs are returned.
/// 3. [`prune_runs`](Self::prune_runs) removes the runs before a time, and the oldest ones above a number.
/// 4. Acknowledged writes survive a restart, if the backend is durable.
#[async_trait]
pub trait CommandLog: fmt::Debug + Send + Sync + 'static {
    /// Records runs.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn record_runs(&self, runs: &[CommandRun]) -> Result<()>;

    /// Finds runs.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn runs(&self, query: &RunQuery) -> Result<Vec<CommandRun>>;

    /// Takes over the runs that were noted without opening the store; returns their number. They are returned
    /// by [`runs`](Self::runs) before that, too.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn collect_runs(&self) -> Result<usize>;

    /// Removes the runs before a time, and the oldest of those that are more than `keep`; returns the
    /// number.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn prune_runs(&self, before: Timestamp, keep: usize) -> Result<usize>;
}
