//! The contract of the log.

use std::fmt;

use async_trait::async_trait;

use super::record::{Level, LogRecord};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TaskId;

/// Stores log records.
///
/// # Contract
///
/// 1. Records are returned as they were appended, oldest first; those of one time in the order in
///    which they were appended.
/// 2. Filters combine by *and*; `since` is inclusive, `until` is exclusive; a level includes all
///    more severe ones.
/// 3. Text is found anywhere in the message, regardless of the case of ASCII letters, and is never
///    a pattern.
/// 4. With a limit, the newest records are returned.
/// 5. Acknowledged writes survive a restart, if the backend is durable.
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

/// A filter of log records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// Only records of at least this severity.
    pub level: Option<Level>,
    /// Only records from this time on.
    pub since: Option<Timestamp>,
    /// Only records before this time.
    pub until: Option<Timestamp>,
    /// Only records of this task.
    pub task: Option<TaskId>,
    /// Only records whose message contains this text.
    pub text: Option<String>,
    /// At most this many records, the newest.
    pub limit: Option<usize>,
}

impl LogQuery {
    /// Returns `true` if the query matches a record, its limit aside.
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
