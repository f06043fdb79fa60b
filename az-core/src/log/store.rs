//! Keeps the log.

use std::fmt;

use async_trait::async_trait;

use super::record::{Level, LogRecord};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TaskId;

/// Keeps log records.
///
/// # Contract
///
/// 1. Records come back as they were appended, oldest first; those of one time in the order in
///    which they were appended.
/// 2. Filters combine by *and*; `since` belongs to the answer, `until` does not; a level lets
///    itself and all that matter more through.
/// 3. Text is found anywhere in the message, whatever the case of ASCII letters, and never as a
///    pattern.
/// 4. With a limit, the newest records are the ones returned.
#[async_trait]
pub trait LogStore: fmt::Debug + Send + Sync + 'static {
    /// Adds records.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn append(&self, records: &[LogRecord]) -> Result<()>;

    /// Finds records.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn query(&self, query: &LogQuery) -> Result<Vec<LogRecord>>;
}

/// Which records to return.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// Only those that matter at least so much.
    pub level: Option<Level>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// Only of this task.
    pub task: Option<TaskId>,
    /// Only with this text.
    pub text: Option<String>,
    /// At most this many, the newest.
    pub limit: Option<usize>,
}

impl LogQuery {
    /// Whether the query lets a record through, the limit aside.
    pub fn matches(&self, record: &LogRecord) -> bool {
        let has = |text: &String| {
            record.message.to_ascii_lowercase().contains(&text.to_ascii_lowercase())
        };
        self.level.is_none_or(|l| record.level >= l)
            && self.since.is_none_or(|t| record.at >= t)
            && self.until.is_none_or(|t| record.at < t)
            && self.task.as_ref().is_none_or(|t| record.task.as_ref() == Some(t))
            && self.text.as_ref().is_none_or(has)
    }
}
