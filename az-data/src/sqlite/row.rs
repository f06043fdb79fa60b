//! Conversion of values to and from columns.

use az_core::clock::{Timestamp, from_micros};
use az_core::money::Usd;
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, Params, Row};

use super::namespace;
use crate::error::Result;

/// Takes the columns of a row in order.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) const fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// Takes the next column.
    pub(super) fn take<T: FromSql>(&mut self) -> Result<T> {
        let column = self.next;
        // Also after an error, so that the columns behind it can be read.
        self.next += 1;
        Ok(self.row.get(column)?)
    }

    /// Takes a time.
    pub(super) fn time(&mut self) -> Result<Timestamp> {
        Ok(from_micros(self.take()?))
    }

    /// Takes a time, if there is one.
    pub(super) fn time_if_any(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(from_micros))
    }

    /// Takes an amount of money.
    pub(super) fn money(&mut self) -> Result<Usd> {
        Ok(Usd::from_nanos(self.take()?))
    }

    /// Takes an amount of money, if it is known.
    pub(super) fn money_if_known(&mut self) -> Result<Option<Usd>> {
        Ok(self.take::<Option<i64>>()?.map(Usd::from_nanos))
    }

    /// Takes a count, which is stored as its bits, because columns are signed.
    pub(super) fn count(&mut self) -> Result<u64> {
        Ok(self.take::<i64>()?.cast_unsigned())
    }

    /// Takes text and parses it.
    pub(super) fn parsed<T>(&mut self, parse: impl FnOnce(&str) -> Result<T>) -> Result<T> {
        parse(&self.take::<String>()?)
    }

    /// Takes text and parses it, if there is any.
    pub(super) fn parsed_if_any<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Result<T>,
    ) -> Result<Option<T>> {
        self.take::<Option<String>>()?.as_deref().map(parse).transpose()
    }
}

/// Converts a time to its stored value.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Prepares a statement of the store's own, or takes it from the cache.
pub(super) fn prepare<'c>(conn: &'c Connection, sql: &str) -> Result<CachedStatement<'c>> {
    #[cfg(test)]
    super::plans::record(sql);
    debug_assert!(namespace::is_bound(sql), "a table without its namespace: {sql}");
    Ok(conn.prepare_cached(sql)?)
}

/// Returns the first row of a query, if there is one.
pub(super) fn first<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&mut Columns<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut query = prepare(conn, sql)?;
    let mut rows = query.query(params)?;
    match rows.next()? {
        Some(row) => Ok(Some(read(&mut Columns::of(row))?)),
        None => Ok(None),
    }
}

/// Returns all rows of a query.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&mut Columns<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut query = prepare(conn, sql)?;
    let rows = query.query_and_then(params, |row| read(&mut Columns::of(row)))?;
    rows.collect()
}

/// Returns the rows of a query that can be read, and warns of the others.
pub(super) fn readable<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&mut Columns<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut query = prepare(conn, sql)?;
    let mut rows = query.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match read(&mut Columns::of(row)) {
            Ok(value) => found.push(value),
            Err(error) if error.is_unreadable() => {
                tracing::warn!("{error}; it is left out");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Runs a statement; returns the number of rows that it changed.
pub(super) fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    Ok(prepare(conn, sql)?.execute(params)?)
}

/// Converts a limit or an offset for SQLite.
pub(super) fn bound(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
