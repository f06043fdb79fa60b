//! Sums of the ledger, group by group.

use az_core::clock::Timestamp;
use az_core::cost::{Calendar, CostSum, Grouping, Period, Span};
use rusqlite::Connection;

use super::ledger::{SUM, bounds, money};
use super::row::{Columns, all, first};
use crate::error::Result;

/// Sums up the entries of a span.
pub(super) fn sums(conn: &mut Connection, span: Span, by: &Grouping) -> Result<Vec<CostSum>> {
    let mut sums = match by {
        Grouping::All => grouped(conn, span, "'all'")?,
        Grouping::Model => grouped(conn, span, "model")?,
        Grouping::Provider => grouped(conn, span, "provider")?,
        Grouping::Task => grouped(conn, span, "task_id")?,
        Grouping::Day(calendar) => days(conn, span, calendar)?,
    };
    by.sort(&mut sums);
    Ok(sums)
}

/// Sums up the entries of a span by a column.
///
/// Counts of tokens are added up in halves, which cannot overflow as whole ones can.
fn grouped(conn: &Connection, span: Span, column: &str) -> Result<Vec<CostSum>> {
    let sql = format!(
        "SELECT {column} AS name, count(*), count(*) - count(cost), sum(estimated), {SUM}, \
            sum((input_tokens >> 32) & 4294967295), sum(input_tokens & 4294967295), \
            sum((output_tokens >> 32) & 4294967295), sum(output_tokens & 4294967295) \
         FROM entry WHERE at >= ?1 AND at < ?2 GROUP BY name"
    );
    all(conn, &sql, bounds(span), |row| {
        Ok(CostSum {
            key: row.take()?,
            calls: row.count()?,
            unpriced: row.count()?,
            estimated: row.count()?,
            cost: money(row)?,
            input_tokens: tokens(row)?,
            output_tokens: tokens(row)?,
        })
    })
}

/// Sums up the entries of a span day by day, each between its own bounds: no length of a day and no
/// offset of a zone has to be known here.
fn days(conn: &mut Connection, span: Span, calendar: &Calendar) -> Result<Vec<CostSum>> {
    // One look at all of it: days that were read one by one might not add up.
    let look = conn.transaction()?;
    let mut sums = Vec::new();
    let mut rest = span;
    while let Some(at) = first_in(&look, rest)? {
        let Span { start, end } = calendar.span(Period::Daily, at);
        let day = Span { start: start.max(rest.start), end: end.min(rest.end) };
        let sum = grouped(&look, day, "'all'")?.pop();
        sums.extend(sum.map(|sum| CostSum { key: calendar.date(at).to_string(), ..sum }));
        rest.start = day.end;
    }
    Ok(sums)
}

/// Returns the time of the first entry in a span.
fn first_in(conn: &Connection, span: Span) -> Result<Option<Timestamp>> {
    let sql = "SELECT at FROM entry WHERE at >= ?1 AND at < ?2 ORDER BY at LIMIT 1";
    first(conn, sql, bounds(span), |row| row.time())
}

/// Takes a sum of tokens: of their upper halves, then of their lower ones.
fn tokens(row: &mut Columns<'_>) -> Result<u64> {
    let (upper, lower): (i64, i64) = (row.take()?, row.take()?);
    let exact = (i128::from(upper) << 32) + i128::from(lower);
    Ok(u64::try_from(exact).unwrap_or(u64::MAX))
}
