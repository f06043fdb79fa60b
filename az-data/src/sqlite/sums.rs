//! Sums of the ledger, group by group.

use az_core::clock::Timestamp;
use az_core::cost::{Calendar, CostSum, Grouping, Period, TimeRange};
use az_core::money::Usd;
use rusqlite::Connection;

use super::entry_sum::{OF_ENTRY, SUMS};
use super::ledger::{bounds, money};
use super::row::{Columns, all, first};
use super::{entry_sum, ledger};
use crate::error::Result;

/// Sums up the entries of a range.
pub(super) fn sums(conn: &mut Connection, span: TimeRange, by: &Grouping) -> Result<Vec<CostSum>> {
    let mut sums = match by {
        Grouping::All => whole(conn, span)?,
        Grouping::Model => groups(conn, span, "model")?,
        Grouping::Provider => groups(conn, span, "provider")?,
        Grouping::Payer => payers(conn, span, "payer")?,
        Grouping::Task => payers(conn, span, TASK)?,
        Grouping::Day(calendar) => days(conn, span, calendar)?,
    };
    by.sort(&mut sums);
    Ok(sums)
}

/// The id of an entry's task, or an empty text if its payer is not a task.
const TASK: &str = "iif(payer LIKE 'task:%', substr(payer, 6), '')";

/// Sums up all entries of a range, if there are any.
fn whole(conn: &Connection, span: TimeRange) -> Result<Vec<CostSum>> {
    let sql = format!("SELECT 'all', {SUMS} FROM {} HAVING sum(calls) > 0", entry_sum::rows());
    all(conn, &sql, entry_sum::parts(span), sum)
}

/// Sums up the entries of a range by a column that hours have.
fn groups(conn: &Connection, span: TimeRange, column: &str) -> Result<Vec<CostSum>> {
    let rows = entry_sum::rows();
    let sql =
        format!("SELECT {column}, {SUMS} FROM {rows} GROUP BY {column} HAVING sum(calls) > 0");
    all(conn, &sql, entry_sum::parts(span), sum)
}

/// Sums up the entries of a range by their payers.
///
/// The sign keeps SQLite from reading them in the order of an index of payers, at random positions of
/// the file: sorting them takes half as long.
fn payers(conn: &Connection, span: TimeRange, key: &str) -> Result<Vec<CostSum>> {
    let sql = format!(
        "SELECT {key}, {SUMS} FROM (SELECT payer, {OF_ENTRY} FROM entry \
            WHERE namespace = az_namespace() AND at >= ?1 AND at < ?2) GROUP BY +{key}"
    );
    all(conn, &sql, bounds(span), sum)
}

/// Reads a key and the columns of [`SUMS`].
fn sum(row: &mut Columns<'_>) -> Result<CostSum> {
    Ok(CostSum {
        key: row.take()?,
        calls: row.count()?,
        unpriced: row.count()?,
        estimated: row.count()?,
        uncertain_calls: row.count()?,
        cost: money(row)?,
        uncertain: money(row)?,
        input_tokens: tokens(row)?,
        output_tokens: tokens(row)?,
        cached_tokens: tokens(row)?,
        saved: money(row)?,
        unknown_savings: row.count()?,
    })
}

/// Returns the cost of all entries of a range.
pub(super) fn total(conn: &Connection, span: TimeRange) -> Result<Usd> {
    let sql = format!("SELECT sum(dollars), sum(nanos) FROM {}", entry_sum::rows());
    ledger::total(conn, &sql, entry_sum::parts(span))
}

/// Sums up the entries of a range day by day, each between its own bounds, so that the statement
/// does not depend on the length of days and the offsets of zones.
fn days(conn: &mut Connection, span: TimeRange, calendar: &Calendar) -> Result<Vec<CostSum>> {
    // In one transaction, so that the days are consistent with each other.
    let look = conn.transaction()?;
    let mut sums = Vec::new();
    let mut rest = span;
    while let Some(at) = first_in(&look, rest)? {
        let TimeRange { start, end } = calendar.span(Period::Daily, at);
        let day = TimeRange { start: start.max(rest.start), end: end.min(rest.end) };
        let key = calendar.date(at).to_string();
        sums.extend(whole(&look, day)?.pop().map(|sum| CostSum { key, ..sum }));
        rest.start = day.end;
    }
    Ok(sums)
}

/// Returns the time of the first entry in a span.
fn first_in(conn: &Connection, span: TimeRange) -> Result<Option<Timestamp>> {
    let sql = "SELECT at FROM entry WHERE namespace = az_namespace() AND at >= ?1 AND at < ?2 \
        ORDER BY at LIMIT 1";
    first(conn, sql, bounds(span), |row| row.time())
}

/// Reads a sum of tokens: of their upper halves, then of their lower ones.
fn tokens(row: &mut Columns<'_>) -> Result<u64> {
    let (upper, lower): (i64, i64) = (row.take()?, row.take()?);
    let exact = (i128::from(upper) << 32) + i128::from(lower);
    Ok(u64::try_from(exact).unwrap_or(u64::MAX))
}
