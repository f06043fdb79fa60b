//! Filters of log records.

use super::page::LogMark;
use super::record::{Level, LogRecord};
use crate::clock::Timestamp;
use crate::id::TaskId;

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
    /// Only records that were appended up to this mark.
    pub up_to: Option<LogMark>,
    /// At most this many records, the newest.
    pub limit: Option<usize>,
}

impl LogQuery {
    /// Returns `true` if the query matches a record, its limit and its mark aside.
    pub fn matches(&self, record: &LogRecord) -> bool {
        self.level.is_none_or(|l| record.level >= l)
            && self.since.is_none_or(|t| record.at >= t)
            && self.until.is_none_or(|t| record.at < t)
            && self.task.as_ref().is_none_or(|t| record.task.as_ref() == Some(t))
            && self.matches_text(&record.message)
    }

    /// Returns `true` if a message contains the text, if the query has one.
    pub fn matches_text(&self, message: &str) -> bool {
        self.text.as_deref().is_none_or(|text| contains(message.as_bytes(), text.as_bytes()))
    }
}

/// Whether a text contains another one, regardless of the case of ASCII letters. Without copies: a query may
/// read a million messages.
fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some((first, rest)) = part.split_first() else { return true };
    let starts = text.iter().enumerate().filter(|(_, byte)| byte.eq_ignore_ascii_case(first));
    let mut tails = starts.filter_map(|(start, _)| text.get(start + 1..start + part.len()));
    tails.any(|tail| tail.eq_ignore_ascii_case(rest))
}
