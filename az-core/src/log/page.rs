//! Reading a log piece by piece, and removing its oldest records.

use super::record::LogRecord;
use crate::clock::Timestamp;

/// A part of the records that a query matches, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LogPage {
    /// The records. A page may be short or empty although more pages follow.
    pub records: Vec<LogRecord>,
    /// The end of the page, to read on from; `None` after the last page.
    pub next: Option<LogCursor>,
}

impl LogPage {
    /// Creates a page.
    pub const fn new(records: Vec<LogRecord>, next: Option<LogCursor>) -> Self {
        Self { records, next }
    }
}

/// A place between two records in the order of their times. Only the store that returned it can use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LogCursor {
    /// The time of the record before it.
    pub at: Timestamp,
    /// The number of that record in the order in which records were appended.
    pub number: i64,
}

impl LogCursor {
    /// Creates the place after a record.
    pub const fn new(at: Timestamp, number: i64) -> Self {
        Self { at, number }
    }
}

/// A place in the order in which records were appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogMark(pub i64);

/// The records that were appended after a mark, in the order in which they were appended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogTail {
    /// The records.
    pub records: Vec<LogRecord>,
    /// The mark to read on from.
    pub mark: LogMark,
}

impl LogTail {
    /// Creates a tail.
    pub const fn new(records: Vec<LogRecord>, mark: LogMark) -> Self {
        Self { records, mark }
    }
}

/// Which records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRetention {
    /// Records before this time are removed.
    pub before: Timestamp,
    /// The oldest records are removed until all that are left have at most this size, as
    /// [`LogRecord::bytes`] counts it.
    pub max_bytes: u64,
}

impl LogRetention {
    /// Creates a retention by age and size.
    pub const fn new(before: Timestamp, max_bytes: u64) -> Self {
        Self { before, max_bytes }
    }
}
