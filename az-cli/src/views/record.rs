//! Log records, and the commands that were run.

use az_core::log::{CommandRun, Level, LogRecord};
use az_core::{TaskId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LogRecordView {
    /// When it was logged.
    pub logged_at: Timestamp,
    /// How severe it is: `debug`, `info`, `warn` or `error`.
    pub level: Level,
    /// The part of the program that logged it.
    pub target: String,
    /// The task that it belongs to, if any.
    pub task_id: Option<TaskId>,
    /// What happened.
    pub message: String,
}

impl From<LogRecord> for LogRecordView {
    fn from(record: LogRecord) -> Self {
        let LogRecord { at, level, target, task, message } = record;
        Self { logged_at: at, level, target, task_id: task, message }
    }
}

/// A command that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CommandRunView {
    /// When it started.
    pub started_at: Timestamp,
    /// Its words, such as `task list`.
    pub command: String,
    /// Its duration in microseconds.
    pub duration_us: u64,
    /// Its exit code; 0 is success.
    pub exit_code: u8,
}

impl From<CommandRun> for CommandRunView {
    fn from(run: CommandRun) -> Self {
        let CommandRun { at, command, micros, exit_code, .. } = run;
        Self { started_at: at, command, duration_us: micros, exit_code }
    }
}
