//! Reads the log: the newest records, pages, and what was appended after a mark.
//!
//! Every statement reads its rows in their order from an index, so that the first row of a million takes no
//! longer than that of ten. Texts and damaged rows are sorted out here.

use az_core::clock::from_micros;
use az_core::log::{Level, LogCursor, LogMark, LogPage, LogQuery, LogRecord, LogTail};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::log::{RECORD, rank, record};
use super::log_count::PERIOD;
use super::row::{Columns, bound, first, micros, prepare};
use crate::error::Result;

/// The most records in a page.
const PAGE: usize = 500;
/// The most rows that are read for a page: with a text, few of them may match.
const EXAMINED: usize = 20_000;

/// A place in the order of times: the time and the number of the record before it.
pub(super) type Place = (i64, i64);
/// The place before all records.
pub(super) const START: Place = (i64::MIN, i64::MIN);

/// Returns the newest records up to the limit of a query, oldest first.
pub(super) fn newest(conn: &Connection, query: &LogQuery) -> Result<Vec<LogRecord>> {
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    scan(conn, query, Order::NewestFirst, START, |_, record| {
        found.extend(record);
        found.len() < limit
    })?;
    found.reverse();
    Ok(found)
}

/// Returns the page after a cursor, or the first page.
pub(super) fn page(
    conn: &mut Connection,
    query: &LogQuery,
    after: Option<LogCursor>,
) -> Result<LogPage> {
    let snapshot = conn.transaction()?;
    let after = match (after, query.limit) {
        (Some(after), _) => (micros(after.at), after.number),
        // All of them are in the page, and are read once.
        (None, Some(limit)) if limit <= PAGE => {
            return Ok(LogPage::new(newest(&snapshot, query)?, None));
        }
        (None, Some(limit)) => before_newest(&snapshot, query, limit)?,
        (None, None) => START,
    };
    let (mut found, mut examined, mut end) = (Vec::new(), 0, after);
    let is_last = scan(&snapshot, query, Order::OldestFirst, after, |place, record| {
        found.extend(record);
        end = place;
        examined += 1;
        found.len() < PAGE && examined < EXAMINED
    })?;
    let next = (!is_last).then(|| LogCursor::new(from_micros(end.0), end.1));
    Ok(LogPage::new(found, next))
}

/// Returns the place before the newest records of this number.
fn before_newest(conn: &Connection, query: &LogQuery, limit: usize) -> Result<Place> {
    let limit = bound(limit);
    let of_task = query.task.is_some();
    if query.text.is_none() && query.up_to.is_none() && (!of_task || query.level.is_none()) {
        return if of_task { nth_newest(conn, query, limit) } else { counted(conn, query, limit) };
    }
    // As many records of all tasks and texts are often all that there are.
    let LogQuery { level, since, until, .. } = *query;
    let all = LogQuery { level, since, until, ..LogQuery::default() };
    if counted(conn, &all, limit)? == START {
        return Ok(START);
    }
    let (mut count, mut before) = (0, START);
    let is_all = scan(conn, query, Order::NewestFirst, START, |place, record| {
        count += i64::from(record.is_some());
        before = place;
        count <= limit
    })?;
    Ok(if is_all { START } else { before })
}

/// Returns the place before the newest records of this number, of all tasks, without reading the entries of an
/// index that are in between: they are counted for each period of ten minutes.
fn counted(conn: &Connection, query: &LogQuery, limit: i64) -> Result<Place> {
    let mut left = limit;
    let until = query.until.map_or(i64::MAX, micros);
    // The last period may be cut; its records are counted one by one.
    let whole = until.saturating_sub(until.rem_euclid(PERIOD));
    if until != i64::MAX {
        let last = LogQuery { since: Some(from_micros(whole)), ..query.clone() };
        let (sql, values) = statement(&last, Order::NewestFirst, START, "id, at");
        let sql = format!("SELECT count(*) FROM ({sql})");
        let count = first(conn, &sql, params_from_iter(values), |row| row.take::<i64>())?;
        left -= count.unwrap_or(0);
    }
    if left < 0 {
        return nth_newest(conn, query, limit);
    }
    let sql = "SELECT start, sum(records) FROM log_count \
        WHERE namespace = az_namespace() AND start < ?1 AND level >= ?2 \
        GROUP BY start ORDER BY start DESC";
    let mut statement = prepare(conn, sql)?;
    let mut rows = statement.query((whole, query.level.map_or(0, rank)))?;
    while let Some(row) = rows.next()? {
        let (start, count): (i64, i64) = (row.get(0)?, row.get(1)?);
        if left < count {
            let until = Some(from_micros(start.saturating_add(PERIOD)));
            return nth_newest(conn, &LogQuery { until, ..query.clone() }, left);
        }
        left -= count;
    }
    Ok(START)
}

/// Returns the place of a record, counted from the newest, from 0 on; the index decides, and no record is read.
fn nth_newest(conn: &Connection, query: &LogQuery, number: i64) -> Result<Place> {
    let (sql, values) = statement(query, Order::NewestFirst, START, "id, at");
    let sql = format!("{sql} LIMIT 1 OFFSET {number}");
    let read = |row: &mut Columns<'_>| {
        let id = row.take()?;
        Ok((row.take()?, id))
    };
    Ok(first(conn, &sql, params_from_iter(values), read)?.unwrap_or(START))
}

/// Returns the records that were appended after a mark, up to the size of a page.
pub(super) fn appended(
    conn: &mut Connection,
    query: &LogQuery,
    after: Option<LogMark>,
) -> Result<LogTail> {
    let snapshot = conn.transaction()?;
    // Numbers are those of the whole file: the last one is found without reading any other.
    let last = "SELECT id FROM log WHERE az_namespace() IS NOT NULL ORDER BY id DESC LIMIT 1";
    let end = first(&snapshot, last, [], |row| row.take())?.unwrap_or(0);
    let Some(LogMark(after)) = after else {
        return Ok(LogTail::new(Vec::new(), LogMark(end)));
    };
    let sql = format!(
        "SELECT {RECORD} FROM log WHERE +namespace = az_namespace() AND id > ?1 AND id <= ?2 \
        ORDER BY id LIMIT ?3"
    );
    let mut statement = prepare(&snapshot, &sql)?;
    let mut rows = statement.query((after, end, bound(PAGE)))?;
    let (mut found, mut read, mut mark) = (Vec::new(), 0, end);
    while let Some(row) = rows.next()? {
        read += 1;
        if read == PAGE {
            mark = row.get(0)?;
        }
        found.extend(matching(row, query)?);
    }
    Ok(LogTail::new(found, LogMark(mark)))
}

/// The direction in which rows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

/// Reads the rows after a place, and calls a function with the place of each and its record, if it matches,
/// until that returns `false`. Returns whether all rows were read.
fn scan(
    conn: &Connection,
    query: &LogQuery,
    order: Order,
    after: Place,
    mut each: impl FnMut(Place, Option<LogRecord>) -> bool,
) -> Result<bool> {
    let (sql, values) = statement(query, order, after, RECORD);
    let mut statement = prepare(conn, &sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let place = (row.get(1)?, row.get(0)?);
        if !each(place, matching(row, query)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the record of a row if it matches. A damaged one is left out.
fn matching(row: &Row<'_>, query: &LogQuery) -> Result<Option<LogRecord>> {
    // Most messages do not contain a text that is searched for, so that they are not copied first.
    if query.text.is_some() && !row.get_ref(5)?.as_str().is_ok_and(|text| query.matches_text(text))
    {
        return Ok(None);
    }
    match record(&mut Columns::of(row)) {
        Ok(record) => Ok(Some(record).filter(|record| query.matches(record))),
        Err(error) if error.is_unreadable() => {
            tracing::warn!("a log record is damaged: {error}; it is left out");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Returns the statement that reads the rows of a query after a place in an order, with its values.
///
/// The records of a task are few, and those below the level are sorted out later. Otherwise the records of
/// each level are read from its part of an index, and SQLite merges them.
pub(super) fn statement(
    query: &LogQuery,
    order: Order,
    after: Place,
    columns: &str,
) -> (String, Vec<Value>) {
    let since = (query.since.map_or(i64::MIN, micros), i64::MIN);
    let after = after.max(since);
    let until = query.until.map_or(i64::MAX, micros);
    let mut values: Vec<Value> = vec![after.0.into(), after.1.into(), until.into()];
    let up_to = query.up_to.map_or_else(String::new, |LogMark(id)| format!(" AND id <= {id}"));
    // The index is named, because the planner takes that of the time for the rows of a level, too.
    let select = |index: &str, condition: &str| {
        format!(
            "SELECT {columns} FROM log INDEXED BY {index} \
            WHERE namespace = az_namespace(){condition} AND (at, id) > (?1, ?2) AND at < ?3{up_to}"
        )
    };
    let mut sql = match (&query.task, query.level) {
        (Some(task), _) => {
            values.push(task.to_string().into());
            select("log_of_task", " AND task_id = ?4")
        }
        (None, Some(level)) if level > Level::Debug => {
            let levels = Level::ALL.iter().filter(|known| **known >= level);
            let of_level = levels
                .map(|level| select("log_of_level", &format!(" AND level = {}", rank(*level))));
            of_level.collect::<Vec<_>>().join(" UNION ALL ")
        }
        (None, _) => select("log_by_time", ""),
    };
    sql.push_str(match order {
        Order::OldestFirst => " ORDER BY at, id",
        Order::NewestFirst => " ORDER BY at DESC, id DESC",
    });
    (sql, values)
}
