//! Sums of the ledger by hour and by day, provider and model.
//!
//! They are written in the transaction that writes an entry, so that the sum of a long range reads days,
//! the hours before and after them, and the entries before and after those. Amounts are summed up as whole dollars and nano-dollars, and tokens as
//! upper and lower halves, which cannot overflow.

use az_core::cost::{CostEntry, TimeRange};
use az_core::money::Usd;
use rusqlite::{Connection, TransactionBehavior, named_params};

use super::ledger::bounds;
use super::row::{all, micros, run};
use crate::error::Result;

/// An hour in microseconds.
const HOUR: i64 = 3_600_000_000;
/// A day of UTC in microseconds.
const DAY: i64 = 24 * HOUR;

/// The columns of an entry as a row of sums.
pub(super) const OF_ENTRY: &str = "1 AS calls, cost IS NULL AS unpriced, estimated, uncertain, \
    coalesce(cost, 0) / 1000000000 AS dollars, coalesce(cost, 0) % 1000000000 AS nanos, \
    iif(uncertain, coalesce(cost, 0) / 1000000000, 0) AS uncertain_dollars, \
    iif(uncertain, coalesce(cost, 0) % 1000000000, 0) AS uncertain_nanos, \
    (input_tokens >> 32) & 4294967295 AS input_upper, input_tokens & 4294967295 AS input_lower, \
    (output_tokens >> 32) & 4294967295 AS output_upper, output_tokens & 4294967295 AS output_lower, \
    (cached_tokens >> 32) & 4294967295 AS cached_upper, cached_tokens & 4294967295 AS cached_lower, \
    coalesce(saved, 0) / 1000000000 AS saved_dollars, coalesce(saved, 0) % 1000000000 AS saved_nanos, \
    unknown_saving AS unknown_savings";

/// The sums of these columns.
pub(super) const SUMS: &str = "sum(calls), sum(unpriced), sum(estimated), sum(uncertain), \
    sum(dollars), sum(nanos), sum(uncertain_dollars), sum(uncertain_nanos), \
    sum(input_upper), sum(input_lower), sum(output_upper), sum(output_lower), \
    sum(cached_upper), sum(cached_lower), sum(saved_dollars), sum(saved_nanos), \
    sum(unknown_savings)";

/// The rows of a range as a table. The parameters are those of [`parts`].
pub(super) fn rows() -> String {
    let entries = |from: u8, to: u8| {
        format!(
            "SELECT provider, model, {OF_ENTRY} FROM entry \
             WHERE namespace = az_namespace() AND at >= ?{from} AND at < ?{to}"
        )
    };
    let sums = |unit: i64, from: u8, to: u8| {
        format!(
            "SELECT provider, model, calls, unpriced, estimated, uncertain, dollars, nanos, \
                uncertain_dollars, uncertain_nanos, input_upper, input_lower, output_upper, \
                output_lower, cached_upper, cached_lower, saved_dollars, saved_nanos, \
                unknown_savings \
             FROM entry_sum WHERE namespace = az_namespace() AND unit = {unit} \
                AND start >= ?{from} AND start < ?{to}"
        )
    };
    let parts = [entries(1, 2), sums(HOUR, 2, 3), sums(DAY, 3, 4), sums(HOUR, 4, 5), entries(5, 6)];
    format!("({})", parts.join(" UNION ALL "))
}

/// Returns the times at which a range begins, its first whole hour, its first whole day, the end of its
/// last whole day, that of its last whole hour, and its own. What it does not contain is empty.
pub(super) fn parts(span: TimeRange) -> [i64; 6] {
    let (start, end) = bounds(span);
    let (first_hour, last_hour) = whole(HOUR, start, end);
    let (first_day, last_day) = whole(DAY, first_hour, last_hour);
    [start, first_hour, first_day, last_day, last_hour, end]
}

/// Returns the bounds of the whole units between two times; without one, twice the end.
fn whole(unit: i64, start: i64, end: i64) -> (i64, i64) {
    let first = start + (-start).rem_euclid(unit);
    let last = end - end.rem_euclid(unit);
    if first < last { (first, last) } else { (end, end) }
}

/// Adds an entry.
pub(super) fn add(conn: &Connection, entry: &CostEntry) -> Result<()> {
    change(conn, entry, 1)
}

/// Takes an entry out.
pub(super) fn remove(conn: &Connection, entry: &CostEntry) -> Result<()> {
    change(conn, entry, -1)
}

/// Adds an entry this many times.
fn change(conn: &Connection, entry: &CostEntry, times: i64) -> Result<()> {
    [HOUR, DAY].into_iter().try_for_each(|unit| change_in(conn, unit, entry, times))
}

fn change_in(conn: &Connection, unit: i64, entry: &CostEntry, times: i64) -> Result<()> {
    let sql = "INSERT INTO entry_sum VALUES (az_namespace(), :unit, :start, :provider, :model, :calls, \
            :unpriced, :estimated, :uncertain, :dollars, :nanos, :uncertain_dollars, \
            :uncertain_nanos, :input_upper, :input_lower, :output_upper, :output_lower, :cached_upper, \
            :cached_lower, :saved_dollars, :saved_nanos, :unknown_savings) \
        ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, \
            unpriced = unpriced + excluded.unpriced, \
            estimated = estimated + excluded.estimated, \
            uncertain = uncertain + excluded.uncertain, \
            dollars = dollars + excluded.dollars, nanos = nanos + excluded.nanos, \
            uncertain_dollars = uncertain_dollars + excluded.uncertain_dollars, \
            uncertain_nanos = uncertain_nanos + excluded.uncertain_nanos, \
            input_upper = input_upper + excluded.input_upper, \
            input_lower = input_lower + excluded.input_lower, \
            output_upper = output_upper + excluded.output_upper, \
            output_lower = output_lower + excluded.output_lower, \
            cached_upper = cached_upper + excluded.cached_upper, \
            cached_lower = cached_lower + excluded.cached_lower, \
            saved_dollars = saved_dollars + excluded.saved_dollars, \
            saved_nanos = saved_nanos + excluded.saved_nanos, \
            unknown_savings = unknown_savings + excluded.unknown_savings";
    let (at, charge) = (micros(entry.at), &entry.charge);
    let (dollars, nanos) = in_dollars(charge.cost);
    let (saved_dollars, saved_nanos) = in_dollars(charge.saved);
    let uncertain = i64::from(charge.uncertain);
    let (input, output) = (charge.usage.total_input(), charge.usage.total_output());
    let cached = charge.usage.cache_read;
    let upper = |tokens: u64| (tokens >> 32).cast_signed();
    let lower = |tokens: u64| (tokens & u64::from(u32::MAX)).cast_signed();
    let params = named_params! {
        ":unit": unit,
        ":start": at - at.rem_euclid(unit),
        ":provider": entry.provider,
        ":model": entry.model,
        ":calls": times,
        ":unpriced": times * i64::from(charge.cost.is_none()),
        ":estimated": times * i64::from(charge.estimated),
        ":uncertain": times * uncertain,
        ":dollars": times * dollars,
        ":nanos": times * nanos,
        ":uncertain_dollars": times * uncertain * dollars,
        ":uncertain_nanos": times * uncertain * nanos,
        ":input_upper": times * upper(input),
        ":input_lower": times * lower(input),
        ":output_upper": times * upper(output),
        ":output_lower": times * lower(output),
        ":cached_upper": times * upper(cached),
        ":cached_lower": times * lower(cached),
        ":saved_dollars": times * saved_dollars,
        ":saved_nanos": times * saved_nanos,
        ":unknown_savings": times * i64::from(charge.saving().is_none()),
    };
    run(conn, sql, params)?;
    Ok(())
}

/// Returns the whole dollars and the remaining nano-dollars of an amount, as SQLite divides.
fn in_dollars(amount: Option<Usd>) -> (i64, i64) {
    let nanos = amount.map_or(0, Usd::nanos);
    (nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// The sums of each hour and day, provider and model, computed from the entries.
fn computed() -> String {
    let of = |unit: i64| {
        format!(
            "SELECT az_namespace(), {unit}, start, provider, model, {SUMS} FROM \
                (SELECT at - ((at % {unit}) + {unit}) % {unit} AS start, provider, model, {OF_ENTRY} \
                 FROM entry WHERE namespace = az_namespace()) GROUP BY start, provider, model"
        )
    };
    format!("{} UNION ALL {}", of(HOUR), of(DAY))
}

/// Returns a message for each hour and day whose sums are not those of its entries.
pub(super) fn differences(conn: &Connection) -> Result<Vec<String>> {
    let sql = format!(
        "WITH stored AS (SELECT * FROM entry_sum WHERE namespace = az_namespace() AND calls <> 0), \
            computed AS ({}) \
         SELECT iif(unit = {DAY}, 'day', 'hour'), \
            strftime('%Y-%m-%dT%H:%MZ', start / 1000000, 'unixepoch'), provider, model \
         FROM (SELECT * FROM (SELECT * FROM stored EXCEPT SELECT * FROM computed) \
            UNION SELECT * FROM (SELECT * FROM computed EXCEPT SELECT * FROM stored)) \
         GROUP BY unit, start, provider, model ORDER BY unit, start, provider, model",
        computed()
    );
    all(conn, &sql, [], |row| {
        let (unit, start): (String, String) = (row.take()?, row.take()?);
        let (provider, model): (String, String) = (row.take()?, row.take()?);
        Ok(format!(
            "the sums of the {unit} from {start} for {model} of {provider} are not those of its ledger \
             entries; `az db clean` computes them anew"
        ))
    })
}

/// Computes all sums from the entries.
pub(super) fn rebuild(conn: &mut Connection) -> Result<()> {
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    run(&change, "DELETE FROM entry_sum WHERE namespace = az_namespace()", [])?;
    run(&change, &format!("INSERT INTO entry_sum {}", computed()), [])?;
    change.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use az_core::clock::{Timestamp, from_micros};
    use az_core::cost::{
        Calendar, Charge, CostEntry, Decision, Grouping, Reconciliation, TimeRange, Usage,
    };
    use az_core::money::Usd;
    use az_core::testing::sample::{call_id, entry, task_id};
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::super::migrate::in_memory;
    use super::super::{ledger, sums};
    use super::{HOUR, differences, rebuild};

    /// Times around the limits of hours, and before 1970.
    fn time() -> impl Strategy<Value = Timestamp> {
        (-50..50_i64, prop_oneof![Just(-1), Just(0), Just(1), 0..HOUR])
            .prop_map(|(hour, offset)| from_micros(hour * HOUR + offset))
    }

    fn charge() -> impl Strategy<Value = Charge> {
        let cost = prop_oneof![Just(0), Just(1_999_999_999), Just(i64::MAX), 0..5_000_000_000_i64];
        let tokens = prop_oneof![Just(u64::MAX), 0..10_000_u64];
        let saved =
            prop_oneof![Just(-1_999_999_999), Just(-5), Just(i64::MAX / 16), 0..5_000_000_000_i64];
        let cached = prop_oneof![Just(0), Just(u64::MAX), 0..10_000_u64];
        let cost = prop::option::of(cost);
        let cache = (cached, prop::option::of(saved));
        (cost, tokens, any::<bool>(), any::<bool>(), cache).prop_map(
            |(cost, input, estimated, uncertain, (cache_read, saved))| Charge {
                estimated,
                uncertain,
                saved: saved.map(Usd::from_nanos),
                ..Charge::new(
                    Usage { cache_read, ..Usage::tokens(input, 7) },
                    cost.map(Usd::from_nanos),
                )
            },
        )
    }

    fn entries() -> impl Strategy<Value = Vec<CostEntry>> {
        let of =
            (time(), charge(), 0..2, 0..2).prop_map(|(at, charge, provider, model)| CostEntry {
                at,
                charge,
                provider: format!("p{provider}"),
                model: format!("m{model}"),
                ..entry("t", "c", 0, 0)
            });
        prop::collection::vec(of, 0..12).prop_map(|mut entries| {
            for (i, entry) in entries.iter_mut().enumerate() {
                entry.call = call_id(&format!("c{i}"));
            }
            entries
        })
    }

    fn booked(entries: &[CostEntry]) -> Connection {
        let conn = in_memory();
        for entry in entries {
            assert!(ledger::book(&conn, entry).unwrap());
        }
        conn
    }

    fn release(conn: &Connection, call: &str) {
        let (payer, call) = (task_id("t").into(), call_id(call));
        let released = Reconciliation::new(payer, call, Decision::Released, from_micros(0));
        ledger::reconcile(conn, &Calendar::default(), &released).unwrap();
    }

    proptest! {
        #[test]
        fn sums_of_hours_are_those_of_their_entries(
            entries in entries(), start in time(), end in time(), released in 0..12
        ) {
            let mut conn = booked(&entries);
            release(&conn, &format!("c{released}"));
            let kept = ledger::entries(&conn, TimeRange::ALL, None).unwrap();
            for span in [TimeRange { start, end }, TimeRange::ALL] {
                let inside = |entry: &&CostEntry| span.start <= entry.at && entry.at < span.end;
                for by in [Grouping::All, Grouping::Model, Grouping::Provider] {
                    let expect = by.sums(kept.iter().filter(inside));
                    prop_assert_eq!(sums::sums(&mut conn, span, &by).unwrap(), expect);
                }
                let costs = kept.iter().filter(inside).filter_map(|entry| entry.charge.cost);
                prop_assert_eq!(sums::total(&conn, span).unwrap(), costs.sum());
            }
            prop_assert_eq!(differences(&conn).unwrap(), Vec::<String>::new());
        }
    }

    #[test]
    fn sums_that_are_not_those_of_their_entries_are_found_and_computed_anew() {
        let mut conn = booked(&[CostEntry { at: from_micros(HOUR), ..entry("t", "c0", 5, 0) }]);
        conn.execute("UPDATE entry SET cost = 6", []).unwrap();
        assert_eq!(
            differences(&conn).unwrap(),
            ["hour from 1970-01-01T01:00Z", "day from 1970-01-01T00:00Z"].map(|unit| format!(
                "the sums of the {unit} for m of p are not those of its ledger entries; \
                 `az db clean` computes them anew"
            ))
        );
        rebuild(&mut conn).unwrap();
        assert_eq!(differences(&conn).unwrap(), [""; 0]);
        assert_eq!(sums::total(&conn, TimeRange::ALL).unwrap(), Usd::from_nanos(6));
    }
}
