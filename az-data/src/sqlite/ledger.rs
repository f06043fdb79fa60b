//! The ledger: one row per paid call, and sums of them.

use az_core::cost::{
    Calendar, Charge, CostEntry, Payer, Reconciliation, Settlement, TimeRange, Usage,
};
use az_core::id::CallId;
use az_core::money::Usd;
use rusqlite::{Connection, Params, named_params};

use super::row::{Columns, all, first, micros, run};
use super::{bucket, entry_sum, json, log, payer};
use crate::error::{Result, unreadable};

/// The columns of a sum: whole dollars and nano-dollars separately, which cannot overflow.
pub(super) const SUM: &str = "sum(cost / 1000000000), sum(cost % 1000000000)";

/// The columns of an entry, in the order in which [`entry`] reads them.
pub(super) const ENTRY: &str = "SELECT payer, call_id, provider, model, usage, input_tokens, \
    output_tokens, cost, computed, saved, estimated, uncertain, at FROM entry WHERE namespace = az_namespace()";

/// Books an entry, and adds its cost to its task if it has one; returns whether it was new.
pub(super) fn book(conn: &Connection, entry: &CostEntry) -> Result<bool> {
    entry.check()?;
    let sql = "INSERT INTO entry (namespace, payer, call_id, provider, model, usage, input_tokens, \
            output_tokens, cached_tokens, cost, computed, saved, unknown_saving, estimated, uncertain, at) \
        VALUES (az_namespace(), :payer, :call, :provider, :model, :usage, :input, :output, :cached, :cost, \
            :computed, :saved, :unknown_saving, :estimated, :uncertain, :at) \
        ON CONFLICT (namespace, payer, call_id) DO NOTHING";
    let params = named_params! {
        ":payer": entry.payer.to_string(),
        ":call": entry.call.as_str(),
        ":provider": entry.provider,
        ":model": entry.model,
        ":usage": json::write("usage", &entry.charge.usage)?,
        ":input": entry.charge.usage.total_input().cast_signed(),
        ":output": entry.charge.usage.total_output().cast_signed(),
        ":cached": entry.charge.usage.cache_read.cast_signed(),
        ":cost": entry.charge.cost.map(Usd::nanos),
        ":computed": entry.charge.computed.map(Usd::nanos),
        ":saved": entry.charge.saved.map(Usd::nanos),
        ":unknown_saving": entry.charge.saving().is_none(),
        ":estimated": entry.charge.estimated,
        ":uncertain": entry.charge.uncertain,
        ":at": micros(entry.at),
    };
    let is_new = run(conn, sql, params)? == 1;
    if is_new {
        entry_sum::add(conn, entry)?;
        charge(conn, entry, &Charge::default())?;
    }
    Ok(is_new)
}

/// Decides what an uncertain entry cost; returns the entry as it is now, or `None` if there was nothing
/// to decide.
pub(super) fn reconcile(
    conn: &Connection,
    calendar: &Calendar,
    reconciliation: &Reconciliation,
) -> Result<Option<CostEntry>> {
    let Reconciliation { payer, call, decision, .. } = reconciliation;
    let Some(before) = find(conn, payer, call)? else { return Ok(None) };
    let Some(after) = decision.apply(&before)? else { return Ok(None) };
    replace(conn, calendar, &before, &after)?;
    log::add(conn, &reconciliation.log_record(&before))?;
    Ok(Some(after))
}

/// Settles a call whose hold is not open any more: replaces its entry if that is uncertain.
pub(super) fn settle(
    conn: &Connection,
    calendar: &Calendar,
    (payer, call): (&Payer, &CallId),
    settlement: &Settlement,
) -> Result<()> {
    let Some(before) = find(conn, payer, call)? else { return Ok(()) };
    match settlement.apply(&before)? {
        Some(after) => replace(conn, calendar, &before, &after),
        None => Ok(()),
    }
}

fn find(conn: &Connection, payer: &Payer, call: &CallId) -> Result<Option<CostEntry>> {
    let sql = format!("{ENTRY} AND payer = ?1 AND call_id = ?2");
    first(conn, &sql, (payer.to_string(), call.as_str()), entry)
}

/// Replaces the charge of an entry, also in its task and in the buckets.
fn replace(
    conn: &Connection,
    calendar: &Calendar,
    before: &CostEntry,
    after: &CostEntry,
) -> Result<()> {
    let sql = "UPDATE entry SET usage = :usage, input_tokens = :input, output_tokens = :output, \
            cached_tokens = :cached, cost = :cost, computed = :computed, saved = :saved, \
            unknown_saving = :unknown_saving, estimated = :estimated, uncertain = :uncertain \
        WHERE namespace = az_namespace() AND payer = :payer AND call_id = :call";
    let params = named_params! {
        ":payer": after.payer.to_string(),
        ":call": after.call.as_str(),
        ":usage": json::write("usage", &after.charge.usage)?,
        ":input": after.charge.usage.total_input().cast_signed(),
        ":output": after.charge.usage.total_output().cast_signed(),
        ":cached": after.charge.usage.cache_read.cast_signed(),
        ":cost": after.charge.cost.map(Usd::nanos),
        ":computed": after.charge.computed.map(Usd::nanos),
        ":saved": after.charge.saved.map(Usd::nanos),
        ":unknown_saving": after.charge.saving().is_none(),
        ":estimated": after.charge.estimated,
        ":uncertain": after.charge.uncertain,
    };
    run(conn, sql, params)?;
    entry_sum::remove(conn, before)?;
    entry_sum::add(conn, after)?;
    charge(conn, after, &before.charge)?;
    bucket::respend(conn, calendar, before, after)
}

/// Books an entry to its task in place of `before`, if its payer is a stored task.
fn charge(conn: &Connection, entry: &CostEntry, before: &Charge) -> Result<()> {
    let Some(task) = entry.payer.task() else {
        return Ok(());
    };
    let sql = "SELECT cost, actual_tokens FROM task WHERE namespace = az_namespace() AND id = ?1";
    let stored = first(conn, sql, [task.as_str()], |row| Ok((row.money()?, row.count()?)))?;
    let Some(stored) = stored else {
        return Ok(());
    };
    let (cost, tokens) = entry.charge.booked_to(stored, before);
    let sql = "UPDATE task SET cost = ?2, actual_tokens = ?3 \
        WHERE namespace = az_namespace() AND id = ?1";
    run(conn, sql, (task.as_str(), cost.nanos(), tokens.cast_signed()))?;
    Ok(())
}

/// Returns `true` if a call was booked.
pub(super) fn is_booked(conn: &Connection, payer: &Payer, call: &CallId) -> Result<bool> {
    let sql =
        "SELECT 1 FROM entry WHERE namespace = az_namespace() AND payer = ?1 AND call_id = ?2";
    let found = first(conn, sql, (payer.to_string(), call.as_str()), |row| row.take::<i64>())?;
    Ok(found.is_some())
}

/// Runs a query that selects [`SUM`].
pub(super) fn total(conn: &Connection, sql: &str, params: impl Params) -> Result<Usd> {
    Ok(first(conn, sql, params, money)?.unwrap_or_default())
}

/// Reads the columns of [`SUM`]: no rows are zero, and an amount that is too large saturates.
pub(super) fn money(row: &mut Columns<'_>) -> Result<Usd> {
    let (dollars, nanos): (Option<i64>, Option<i64>) = (row.take()?, row.take()?);
    let whole = i128::from(dollars.unwrap_or(0)) * 1_000_000_000;
    let exact = whole + i128::from(nanos.unwrap_or(0));
    let largest = if exact < 0 { i64::MIN } else { i64::MAX };
    Ok(Usd::from_nanos(i64::try_from(exact).unwrap_or(largest)))
}

/// Lists the entries of a range, oldest first, of one payer if given.
pub(super) fn entries(
    conn: &Connection,
    span: TimeRange,
    payer: Option<&Payer>,
) -> Result<Vec<CostEntry>> {
    let (start, end) = bounds(span);
    match payer {
        Some(payer) => {
            // The signs make SQLite find the entries by the payer instead of the time.
            let sql = format!("{ENTRY} AND payer = ?1 AND +at >= ?2 AND +at < ?3 ORDER BY +at, id");
            all(conn, &sql, (payer.to_string(), start, end), entry)
        }
        None => {
            let sql = format!("{ENTRY} AND at >= ?1 AND at < ?2 ORDER BY at, id");
            all(conn, &sql, (start, end), entry)
        }
    }
}

/// Lists the uncertain entries of a range, oldest first, of one payer if given.
pub(super) fn uncertain(
    conn: &Connection,
    span: TimeRange,
    payer: Option<&Payer>,
) -> Result<Vec<CostEntry>> {
    let (start, end) = bounds(span);
    let sql = format!(
        "{ENTRY} AND uncertain = 1 AND at >= ?1 AND at < ?2 AND (?3 IS NULL OR payer = ?3) \
         ORDER BY at, id"
    );
    all(conn, &sql, (start, end, payer.map(ToString::to_string)), entry)
}

/// Returns those of these payers that have an entry without a cost, in the given order.
pub(super) fn unpriced_payers(conn: &mut Connection, payers: &[Payer]) -> Result<Vec<Payer>> {
    // In one transaction, which locks the file once instead of once for each payer.
    let conn = conn.transaction()?;
    let mut unpriced = Vec::new();
    for payer in payers {
        if first(&conn, UNPRICED, [payer.to_string()], |row| row.take::<i64>())?.is_some() {
            unpriced.push(payer.clone());
        }
    }
    Ok(unpriced)
}

const UNPRICED: &str = "SELECT 1 FROM entry \
    WHERE namespace = az_namespace() AND payer = ?1 AND cost IS NULL LIMIT 1";

/// Checks that all of an entry can be read.
pub(super) fn check(row: &mut Columns<'_>) -> Result<()> {
    read(row, |usage, _, _| usage).map(drop)
}

/// Reads an entry. If its usage cannot be read, the entry has the sums of its tokens, which are in
/// columns of their own; anything else is an error, so that no list of costs lacks an entry.
fn entry(row: &mut Columns<'_>) -> Result<CostEntry> {
    read(row, |usage, name, sums| match usage {
        Err(error) if error.is_unreadable() => {
            let error = error.of(WHAT, name);
            tracing::warn!("{error}; its cost is intact, and its tokens are shown as sums");
            Ok(sums)
        }
        usage => usage,
    })
}

/// Reads an entry from the columns of [`ENTRY`]. `usage` gets the usage, the name of the entry and
/// the sums of its tokens.
fn read(
    row: &mut Columns<'_>,
    usage: impl FnOnce(Result<Usage>, &str, Usage) -> Result<Usage>,
) -> Result<CostEntry> {
    let (payer, call): (String, String) = (row.take()?, row.take()?);
    let name = format!("{call} of {payer}");
    let read = |row: &mut Columns<'_>| -> Result<CostEntry> {
        let (provider, model) = (row.take()?, row.take()?);
        let stored = row.parsed(|text| json::read("usage", text));
        let sums = Usage::tokens(row.count()?, row.count()?);
        Ok(CostEntry {
            payer: payer::read(&payer)?,
            call: call_id(&call)?,
            provider,
            model,
            charge: Charge {
                usage: usage(stored, &name, sums)?,
                cost: row.money_if_known()?,
                computed: row.money_if_known()?,
                saved: row.money_if_known()?,
                estimated: row.take()?,
                uncertain: row.take()?,
            },
            at: row.time()?,
        })
    };
    read(row).map_err(|error| error.of(WHAT, &name))
}

/// The name of an entry in messages.
const WHAT: &str = "ledger entry";

/// Parses the id of a call.
pub(super) fn call_id(text: &str) -> Result<CallId> {
    CallId::new(text).map_err(|error| unreadable("call id", error))
}

/// Returns the bounds of a range as stored values.
pub(super) fn bounds(span: TimeRange) -> (i64, i64) {
    (micros(span.start), micros(span.end))
}

#[cfg(test)]
mod tests {
    use super::super::plans::plan;
    use super::UNPRICED;

    #[test]
    fn unknown_costs_are_looked_up_by_payer() {
        let expected =
            "SEARCH entry USING INDEX sqlite_autoindex_entry_1 (namespace=? AND payer=?)";
        assert_eq!(plan(UNPRICED), [expected]);
    }
}
