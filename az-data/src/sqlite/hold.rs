//! Holds: taken in every budget that applies or in none, and settled once.

use az_core::clock::{Timestamp, to_micros};
use az_core::cost::{Alert, Calendar, Hold, Settlement};
use az_core::error::Error;
use az_core::id::{CallId, TaskId};
use az_core::log::{Level, LogRecord};
use az_core::money::Usd;
use rusqlite::{Connection, named_params};

use super::bucket::{self, Bucket};
use super::ledger::{self, call_id};
use super::log;
use super::row::{Columns, all, first, micros, run};
use super::task_row::task_id;
use crate::error::Result;

/// The columns of a hold, in the order in which [`hold`] reads them.
const HOLD: &str = "SELECT task_id, call_id, provider, model, amount, at, until FROM hold";

/// Takes a hold; returns the alerts that it crossed.
pub(super) fn take(conn: &Connection, calendar: &Calendar, hold: &Hold) -> Result<Vec<Alert>> {
    if hold.amount.is_some_and(Usd::is_negative) {
        return Err(Error::invalid("amount", "a hold is not negative").into());
    }
    let known = find(conn, &hold.task, &hold.call)?;
    if known.as_ref().is_some_and(|known| is_same(known, hold)) {
        return Ok(Vec::new());
    }
    if known.is_some() || ledger::is_booked(conn, &hold.task, &hold.call)? {
        let id = format!("{}/{}", hold.task, hold.call);
        return Err(Error::AlreadyExists { what: "hold", id }.into());
    }
    let buckets = bucket::applying(conn, calendar, (&hold.task, &hold.model), hold.at)?;
    // Whoever writes does so alone: nobody can come between the check and what it allows.
    for bucket in &buckets {
        bucket.status(conn)?.check(hold)?;
    }
    add(conn, hold)?;
    bucket::hold(conn, hold)?;
    alerts(conn, &buckets, hold)
}

/// Settles a hold, if it is open; returns the alerts that it crossed.
pub(super) fn settle(
    conn: &Connection,
    calendar: &Calendar,
    call: (&TaskId, &CallId),
    settlement: &Settlement,
) -> Result<Vec<Alert>> {
    let Some(hold) = find(conn, call.0, call.1)? else {
        return Ok(Vec::new());
    };
    let buckets = close(conn, calendar, call, settlement)?;
    alerts(conn, &buckets, &hold)
}

/// Settles what is held for a task in full.
pub(super) fn settle_all(conn: &Connection, calendar: &Calendar, task: &TaskId) -> Result<()> {
    let open = all(conn, &format!("{HOLD} WHERE task_id = ?1"), [task.as_str()], hold)?;
    for hold in &open {
        close(conn, calendar, (task, &hold.call), &Settlement::Full)?;
    }
    Ok(())
}

/// Books a hold, if it is open, and frees what it held; returns the buckets that it may have moved.
/// Their alerts are left to whoever can tell them to somebody.
fn close(
    conn: &Connection,
    calendar: &Calendar,
    (task, call): (&TaskId, &CallId),
    settlement: &Settlement,
) -> Result<Vec<Bucket>> {
    let Some(hold) = find(conn, task, call)? else {
        return Ok(Vec::new());
    };
    // Also the buckets of budgets that were set since the hold was taken.
    let buckets = bucket::applying(conn, calendar, (task, &hold.model), hold.at)?;
    if let Some(entry) = hold.book(settlement)
        && ledger::book(conn, &entry)?
    {
        bucket::spend(conn, &entry)?;
    }
    let sql = "UPDATE bucket SET held = max(held - :amount, 0) \
        WHERE (scope, period, start) IN (SELECT scope, period, start FROM hold_bucket \
            WHERE task_id = :task AND call_id = :call)";
    let params = named_params! {
        ":task": task.as_str(),
        ":call": call.as_str(),
        ":amount": hold.amount.unwrap_or_default().nanos(),
    };
    run(conn, sql, params)?;
    let sql = "DELETE FROM hold WHERE task_id = ?1 AND call_id = ?2";
    run(conn, sql, [task.as_str(), call.as_str()])?;
    Ok(buckets)
}

/// Settles in full what ran out by `now` and belongs to no task that is still worked on.
pub(super) fn sweep(conn: &Connection, calendar: &Calendar, now: Timestamp) -> Result<usize> {
    let sql = format!(
        "{HOLD} WHERE until <= ?1 AND NOT EXISTS \
         (SELECT 1 FROM task WHERE id = hold.task_id AND lease_until > ?1)"
    );
    let left = all(conn, &sql, [micros(now)], hold)?;
    for hold in &left {
        close(conn, calendar, (&hold.task, &hold.call), &Settlement::Full)?;
    }
    Ok(left.len())
}

/// Lists the holds that are open.
pub(super) fn open(conn: &Connection) -> Result<Vec<Hold>> {
    all(conn, &format!("{HOLD} ORDER BY task_id, call_id"), [], hold)
}

fn find(conn: &Connection, task: &TaskId, call: &CallId) -> Result<Option<Hold>> {
    let sql = format!("{HOLD} WHERE task_id = ?1 AND call_id = ?2");
    first(conn, &sql, [task.as_str(), call.as_str()], hold)
}

fn add(conn: &Connection, hold: &Hold) -> Result<()> {
    let sql = "INSERT INTO hold (task_id, call_id, provider, model, amount, at, until) \
        VALUES (:task, :call, :provider, :model, :amount, :at, :until)";
    let params = named_params! {
        ":task": hold.task.as_str(),
        ":call": hold.call.as_str(),
        ":provider": hold.provider,
        ":model": hold.model,
        ":amount": hold.amount.map(Usd::nanos),
        ":at": micros(hold.at),
        ":until": micros(hold.until),
    };
    run(conn, sql, params)?;
    Ok(())
}

/// Reports the marks that are crossed, and puts them into the log: whoever is told may be gone.
fn alerts(conn: &Connection, buckets: &[Bucket], hold: &Hold) -> Result<Vec<Alert>> {
    let mut alerts = Vec::new();
    for bucket in buckets {
        alerts.extend(bucket.alerts(conn)?);
    }
    for alert in &alerts {
        let record = LogRecord {
            at: hold.at,
            level: Level::Warn,
            target: "budget".to_owned(),
            task: Some(hold.task.clone()),
            message: alert.to_string(),
        };
        log::add(conn, &record)?;
    }
    Ok(alerts)
}

fn is_same(known: &Hold, given: &Hold) -> bool {
    *known == Hold { at: to_micros(given.at), until: to_micros(given.until), ..given.clone() }
}

fn hold(row: &mut Columns<'_>) -> Result<Hold> {
    Ok(Hold {
        task: row.parsed(task_id)?,
        call: row.parsed(call_id)?,
        provider: row.take()?,
        model: row.take()?,
        amount: row.money_if_known()?,
        at: row.time()?,
        until: row.time()?,
    })
}
