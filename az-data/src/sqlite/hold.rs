//! Holds: taken in every budget that applies or in none, and settled once.

use az_core::clock::Timestamp;
use az_core::cost::{Admission, Alert, Calendar, Hold, Payer, Renewal, Settlement};
use az_core::id::{CallId, TaskId};
use az_core::money::Usd;
use rusqlite::{Connection, named_params};

use super::bucket::{self, Bucket, Reading};
use super::ledger::{self, call_id};
use super::row::{Columns, first, micros, readable, run};
use super::{log, payer};
use crate::error::Result;

/// The columns of a hold, in the order in which [`hold`] reads them.
pub(super) const HOLD: &str = "SELECT payer, call_id, provider, model, amount, at, until FROM hold \
    WHERE namespace = az_namespace()";

/// Takes a hold; returns the alerts that it crossed.
pub(super) fn take(conn: &Connection, calendar: &Calendar, hold: &Hold) -> Result<Vec<Alert>> {
    let open = find(conn, &hold.payer, &hold.call)?;
    let is_booked = ledger::is_booked(conn, &hold.payer, &hold.call)?;
    if hold.admit(open.as_ref(), is_booked)? == Admission::AlreadyOpen {
        return Ok(Vec::new());
    }
    let of = (&hold.payer, hold.model.as_str());
    let buckets = bucket::applying(conn, calendar, of, hold.at, Reading::Strict)?;
    // There is only one writer at a time, so nothing changes between the check and the write.
    for bucket in &buckets {
        if bucket.level(conn)?.check(hold).is_err() {
            // The refusal states how much of the spent amount is uncertain.
            bucket.status(conn)?.check(hold)?;
        }
    }
    add(conn, hold)?;
    bucket::hold(conn, hold)?;
    alerts(conn, &buckets, hold)
}

/// Settles a hold, if it is open, and else replaces the uncertain entry of the call; returns the alerts
/// that it crossed.
pub(super) fn settle(
    conn: &Connection,
    calendar: &Calendar,
    call: (&Payer, &CallId),
    settlement: &Settlement,
) -> Result<Vec<Alert>> {
    let Some(hold) = find(conn, call.0, call.1)? else {
        ledger::settle(conn, calendar, call, settlement)?;
        return Ok(Vec::new());
    };
    let buckets = close(conn, calendar, call, settlement)?;
    alerts(conn, &buckets, &hold)
}

/// Extends an open hold, so that it expires no earlier than `until`.
pub(super) fn renew(
    conn: &Connection,
    payer: &Payer,
    call: &CallId,
    until: Timestamp,
) -> Result<Renewal> {
    let sql = "UPDATE hold SET until = max(until, ?3) \
        WHERE namespace = az_namespace() AND payer = ?1 AND call_id = ?2";
    let renewed = run(conn, sql, (payer.to_string(), call.as_str(), micros(until)))?;
    Ok(if renewed == 0 { Renewal::NotOpen } else { Renewal::Renewed })
}

/// Settles the holds of a task in full.
pub(super) fn settle_all(conn: &Connection, calendar: &Calendar, task: &TaskId) -> Result<()> {
    let payer = Payer::from(task);
    let open = readable(conn, &format!("{HOLD} AND payer = ?1"), [payer.to_string()], hold)?;
    for hold in &in_order(open) {
        close(conn, calendar, (&payer, &hold.call), &Settlement::Full)?;
    }
    Ok(())
}

/// Books a hold and frees its amount, if it is open; returns the buckets that it may have changed.
/// Their alerts are reported by the next operation that can report any.
fn close(
    conn: &Connection,
    calendar: &Calendar,
    (payer, call): (&Payer, &CallId),
    settlement: &Settlement,
) -> Result<Vec<Bucket>> {
    let Some(hold) = find(conn, payer, call)? else {
        return Ok(Vec::new());
    };
    // Includes the buckets of budgets that were set after the hold was taken.
    let of = (&hold.payer, hold.model.as_str());
    let buckets = bucket::applying(conn, calendar, of, hold.at, Reading::Lenient)?;
    if let Some(entry) = hold.book(settlement)
        && ledger::book(conn, &entry)?
    {
        bucket::spend(conn, &entry)?;
    }
    let sql = "UPDATE bucket SET held = max(held - :amount, 0) \
        WHERE namespace = az_namespace() AND (scope, period, start) IN ( \
            SELECT scope, period, start FROM hold_bucket \
            WHERE namespace = az_namespace() AND payer = :payer AND call_id = :call)";
    let params = named_params! {
        ":payer": payer.to_string(),
        ":call": call.as_str(),
        ":amount": hold.amount.unwrap_or_default().nanos(),
    };
    run(conn, sql, params)?;
    let sql = "DELETE FROM hold WHERE namespace = az_namespace() AND payer = ?1 AND call_id = ?2";
    run(conn, sql, (payer.to_string(), call.as_str()))?;
    Ok(buckets)
}

/// Settles in full the holds that have expired by this lease time, except those of a task whose lease
/// has not.
pub(super) fn sweep(conn: &Connection, calendar: &Calendar, lease_now: Timestamp) -> Result<usize> {
    let sql = format!(
        "{HOLD} AND until <= ?1 AND NOT EXISTS \
         (SELECT 1 FROM task WHERE task.namespace = az_namespace() AND hold.payer GLOB 'task:*' \
          AND id = substr(hold.payer, 6) AND lease_until > ?1)"
    );
    // A hold that cannot be read stays open, so that its amount stays held.
    let expired = in_order(readable(conn, &sql, [micros(lease_now)], hold)?);
    for hold in &expired {
        close(conn, calendar, (&hold.payer, &hold.call), &Settlement::Full)?;
    }
    Ok(expired.len())
}

/// Lists the open holds.
pub(super) fn open(conn: &Connection) -> Result<Vec<Hold>> {
    Ok(in_order(readable(conn, HOLD, [], hold)?))
}

/// Sorts holds by payer and call. The order of payers is not that of their text.
fn in_order(mut holds: Vec<Hold>) -> Vec<Hold> {
    holds.sort_by(|a, b| a.key().cmp(&b.key()));
    holds
}

fn find(conn: &Connection, payer: &Payer, call: &CallId) -> Result<Option<Hold>> {
    let sql = format!("{HOLD} AND payer = ?1 AND call_id = ?2");
    first(conn, &sql, (payer.to_string(), call.as_str()), hold)
}

fn add(conn: &Connection, hold: &Hold) -> Result<()> {
    let sql = "INSERT INTO hold (namespace, payer, call_id, provider, model, amount, at, until) \
        VALUES (az_namespace(), :payer, :call, :provider, :model, :amount, :at, :until)";
    let params = named_params! {
        ":payer": hold.payer.to_string(),
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

/// Returns the alerts that are reached and were not reported before, and logs them.
fn alerts(conn: &Connection, buckets: &[Bucket], hold: &Hold) -> Result<Vec<Alert>> {
    let mut alerts = Vec::new();
    for bucket in buckets {
        alerts.extend(bucket.alerts(conn)?);
    }
    alerts.iter().try_for_each(|alert| log::add(conn, &alert.log_record(hold)))?;
    Ok(alerts)
}

pub(super) fn hold(row: &mut Columns<'_>) -> Result<Hold> {
    let (payer, call): (String, String) = (row.take()?, row.take()?);
    let read = |row: &mut Columns<'_>| -> Result<Hold> {
        Ok(Hold {
            payer: payer::read(&payer)?,
            call: call_id(&call)?,
            provider: row.take()?,
            model: row.take()?,
            amount: row.money_if_known()?,
            at: row.time()?,
            until: row.time()?,
        })
    };
    read(row).map_err(|error| error.of("hold", format_args!("{call} of {payer}")))
}
