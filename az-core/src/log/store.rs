//! The contract of the log.

use std::fmt;

use async_trait::async_trait;

use super::page::{LogCursor, LogMark, LogPage, LogRetention, LogTail};
use super::query::LogQuery;
use super::record::LogRecord;
use crate::error::Result;

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
/// 6. The pages of a query contain each record that matched when the first page was read exactly once, in
///    the order of clause 1, whatever is appended meanwhile. With a limit, they begin with the newest
///    records of that number.
/// 7. A tail contains each record that was appended after its mark exactly once, whatever the record's
///    time. Reading without a mark returns the mark of the present end. A query up to a mark returns, as
///    [`query`](Self::query) and [`page`](Self::page), only records that were appended before it: together
///    with the tail after it they are all records, each once.
/// 8. [`prune`](Self::prune) removes records that the retention does not keep, oldest first, and no others;
///    the record that was appended last is kept. A caller that repeats it until it removes none has
///    removed all of them.
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

    /// Reads a page of the records that match, oldest first: the first page, or the one after a cursor of
    /// the same query. Memory and time are bounded by the size of a page, not by that of the log.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn page(&self, query: &LogQuery, after: Option<LogCursor>) -> Result<LogPage>;

    /// Reads the records that match and were appended after a mark. The limit and the mark of the query are ignored.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn appended(&self, query: &LogQuery, after: Option<LogMark>) -> Result<LogTail>;

    /// Removes a limited number of records that are too old or too many; returns the number.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn prune(&self, retention: &LogRetention) -> Result<usize>;
}
