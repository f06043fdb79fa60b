//! Sums of the ledger by hour, provider and model.
//!
//! They are written in the transaction that writes an entry, so that the sum of a long range reads
//! hours instead of entries. Amounts are summed up as whole dollars and nano-dollars, and tokens as
//! upper and lower halves, which cannot overflow.

use az_core::cost::{CostEntry, TimeRange};
use az_core::money::Usd;
use rusqlite::{Connection, TransactionBehavior, named_params};

use super::ledger::bounds;
use super::row::{all, micros, run};
use crate::error::Result;

/// An hour in microseconds.
const HOUR: i64 = 3_600_000_000;

/// The columns of an entry as a row of sums.
pub(super) const OF_ENTRY: &str = "1 AS calls, cost IS NULL AS unpriced, estimated, uncertain, \
    coalesce(cost, 0) / 1000000000 AS dollars, coalesce(cost, 0) % 1000000000 AS nanos, \
    iif(uncertain, coalesce(cost, 0) / 1000000000, 0) AS uncertain_dollars, \
    iif(uncertain, coalesce(cost, 0) % 1000000000, 0) AS uncertain_nanos, \
    (input_tokens >> 32) & 4294967295 AS input_upper, input_tokens & 4294967295 AS input_lower, \
    (output_tokens >> 32) & 4294967295 AS output_upper, output_tokens & 4294967295 AS output_lower";

/// The sums of these columns.
pub(super) const SUMS: &str = "sum(calls), sum(unpriced), sum(estimated), sum(uncertain), \
    sum(dollars), sum(nanos), sum(uncertain_dollars), sum(uncertain_nanos), \
    sum(input_upper), sum(input_lower), sum(output_upper), sum(output_lower)";

/// The rows of a range as a table: its whole hours, and the entries before and after them. The
/// parameters are those of [`parts`].
pub(super) fn rows() -> String {
    let entries = format!("SELECT provider, model, {OF_ENTRY} FROM entry");
    format!(
        "(SELECT provider, model, calls, unpriced, estimated, uncertain, dollars, nanos, \
            uncertain_dollars, uncertain_nanos, input_upper, input_lower, output_upper, output_lower \
         FROM entry_sum WHERE namespace = az_namespace() AND hour >= ?3 AND hour < ?4 \
         UNION ALL {entries} WHERE namespace = az_namespace() AND at >= ?1 AND at < ?3 \
         UNION ALL {entries} WHERE namespace = az_namespace() AND at >= ?4 AND at < ?2)"
    )
}

/// Returns the start and the end of a range, and those of the whole hours in it. In a range without
/// one, the latter are the end of the range.
pub(super) fn parts(span: TimeRange) -> (i64, i64, i64, i64) {
    let (start, end) = bounds(span);
    let first = start + (-start).rem_euclid(HOUR);
    let last = end - end.rem_euclid(HOUR);
    if first < last { (start, end, first, last) } else { (start, end, end, end) }
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
    let sql = "INSERT INTO entry_sum VALUES (az_namespace(), :hour, :provider, :model, :calls, \
            :unpriced, :estimated, :uncertain, :dollars, :nanos, :uncertain_dollars, \
            :uncertain_nanos, :input_upper, :input_lower, :output_upper, :output_lower) \
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
            output_lower = output_lower + excluded.output_lower";
    let (at, charge) = (micros(entry.at), &entry.charge);
    let nanos = charge.cost.map_or(0, Usd::nanos);
    let (dollars, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let uncertain = i64::from(charge.uncertain);
    let (input, output) = (charge.usage.total_input(), charge.usage.total_output());
    let upper = |tokens: u64| (tokens >> 32).cast_signed();
    let lower = |tokens: u64| (tokens & u64::from(u32::MAX)).cast_signed();
    let params = named_params! {
        ":hour": at - at.rem_euclid(HOUR),
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
    };
    run(conn, sql, params)?;
    Ok(())
}

/// The sums of each hour, provider and model, computed from the entries.
fn computed() -> String {
    format!(
        "SELECT az_namespace(), hour, provider, model, {SUMS} FROM \
            (SELECT at - ((at % {HOUR}) + {HOUR}) % {HOUR} AS hour, provider, model, {OF_ENTRY} \
             FROM entry WHERE namespace = az_namespace()) GROUP BY hour, provider, model"
    )
}

/// Returns a message for each hour whose sums are not those of its entries.
pub(super) fn differences(conn: &Connection) -> Result<Vec<String>> {
    let sql = format!(
        "WITH computed AS ({}), \
         stored AS (SELECT * FROM entry_sum WHERE namespace = az_namespace() AND calls <> 0) \
         SELECT strftime('%Y-%m-%dT%H:%MZ', hour / 1000000, 'unixepoch'), provider, model \
         FROM (SELECT * FROM (SELECT * FROM computed EXCEPT SELECT * FROM stored) \
            UNION SELECT * FROM (SELECT * FROM stored EXCEPT SELECT * FROM computed)) \
         GROUP BY hour, provider, model ORDER BY hour, provider, model",
        computed()
    );
    all(conn, &sql, [], |row| {
        let (hour, provider, model): (String, String, String) =
            (row.take()?, row.take()?, row.take()?);
        Ok(format!(
            "the sums of the hour {hour} for {model} of {provider} are not those of its ledger entries; \
             `az db clean` computes them anew"
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
        (-3..4_i64, prop_oneof![Just(-1), Just(0), Just(1), 0..HOUR])
            .prop_map(|(hour, offset)| from_micros(hour * HOUR + offset))
    }

    fn charge() -> impl Strategy<Value = Charge> {
        let cost = prop_oneof![Just(0), Just(1_999_999_999), Just(i64::MAX), 0..5_000_000_000_i64];
        let tokens = prop_oneof![Just(u64::MAX), 0..10_000_u64];
        (prop::option::of(cost), tokens, any::<bool>(), any::<bool>()).prop_map(
            |(cost, input, estimated, uncertain)| Charge {
                estimated,
                uncertain,
                ..Charge::new(Usage::tokens(input, 7), cost.map(Usd::from_nanos))
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
            [
                "the sums of the hour 1970-01-01T01:00Z for m of p are not those of its ledger entries; \
              `az db clean` computes them anew"
            ]
        );
        rebuild(&mut conn).unwrap();
        assert_eq!(differences(&conn).unwrap(), [""; 0]);
        assert_eq!(sums::total(&conn, TimeRange::ALL).unwrap(), Usd::from_nanos(6));
    }
}
