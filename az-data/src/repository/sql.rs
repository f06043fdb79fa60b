//! The contract of tables of users.

use std::fmt;

use async_trait::async_trait;
use az_core::error::Result;

/// Values by name: the columns of a row, or the parameters of a statement.
pub type Record = serde_json::Map<String, serde_json::Value>;

/// Runs SQL.
///
/// # Contract
///
/// 1. Values are always bound, never written into the statement. A parameter is named `:name`; one
///    without a value, and a value without a parameter, are refused with `Invalid`.
/// 2. Names of tables and columns passed apart from a statement are ASCII letters, digits and `_`,
///    do not begin with a digit, and have at most 64 characters; anything else is refused with
///    `Invalid`.
/// 3. One call runs one statement; a second one in it is refused with `Invalid`.
/// 4. Fetching changes nothing: a statement that changes something is refused with `Invalid`.
/// 5. Updating and deleting need a condition; an empty one is refused with `Invalid`.
/// 6. The store's own tables are read-only. A statement that changes them, begins or ends a
///    transaction, attaches a file or changes a setting is refused with `Invalid`.
/// 7. A row that breaks a unique key is refused with `AlreadyExists`, one that breaks another
///    constraint of its table with `Invalid`. A refused statement changes nothing.
/// 8. Null, whole numbers, text and floats are returned unchanged. Booleans are stored as 0 and 1,
///    lists and objects as JSON text; binary values are returned in hexadecimal.
/// 9. Acknowledged writes survive a restart, if the backend is durable.
#[async_trait]
pub trait SqlRepository: fmt::Debug + Send + Sync + 'static {
    /// Runs a statement; returns the number of rows that it changed.
    ///
    /// # Errors
    ///
    /// `Invalid`, `AlreadyExists`, or the backend's own.
    async fn execute(&self, sql: &str, params: &Record) -> Result<usize>;

    /// Returns all rows of a query.
    ///
    /// # Errors
    ///
    /// `Invalid`, or the backend's own.
    async fn fetch_all(&self, sql: &str, params: &Record) -> Result<Vec<Record>>;

    /// Returns the first row of a query, if there is one.
    ///
    /// # Errors
    ///
    /// `Invalid`, or the backend's own.
    async fn fetch_one(&self, sql: &str, params: &Record) -> Result<Option<Record>>;

    /// Adds a row; returns its row id.
    ///
    /// # Errors
    ///
    /// `Invalid`, `AlreadyExists`, or the backend's own.
    async fn insert(&self, table: &str, row: &Record) -> Result<i64>;

    /// Updates the rows that meet a condition; returns their number.
    ///
    /// # Errors
    ///
    /// `Invalid`, `AlreadyExists`, or the backend's own.
    async fn update(
        &self,
        table: &str,
        row: &Record,
        condition: &str,
        params: &Record,
    ) -> Result<usize>;

    /// Deletes the rows that meet a condition; returns their number.
    ///
    /// # Errors
    ///
    /// `Invalid`, or the backend's own.
    async fn delete(&self, table: &str, condition: &str, params: &Record) -> Result<usize>;
}
