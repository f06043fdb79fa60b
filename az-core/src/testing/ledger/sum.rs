//! Clauses 8 to 12 of `CostTracker`: sums.

use jiff::tz::TimeZone;

use super::Runs;
use crate::cost::{
    Calendar, Charge, CostEntry, CostSum, Grouping, Period, Scope, TimeRange, Usage,
};
use crate::ensure_eq;
use crate::journal::RunStore;
use crate::money::Usd;
use crate::testing::kit::{Checked, Violation};
use crate::testing::sample::{DAY, always, at, budget, entry};

/// Returns an entry of a task for a model of a provider.
fn of(task: &str, model: &str, provider: &str, nanos: i64, minute: i64) -> CostEntry {
    let (model, provider) = (model.to_owned(), provider.to_owned());
    CostEntry { model, provider, ..entry(task, &format!("m{minute}"), nanos, minute) }
}

fn charged(mut entry: CostEntry, change: impl FnOnce(&mut Charge)) -> CostEntry {
    change(&mut entry.charge);
    entry
}

/// Returns the keys and costs of the sums of all time.
async fn costs(store: &dyn RunStore, by: &Grouping) -> Checked<Vec<(String, i64)>> {
    let sums = store.sums(always(), by).await?;
    Ok(sums.into_iter().map(|sum| (sum.key, sum.cost.nanos())).collect())
}

fn named(costs: &[(&str, i64)]) -> Vec<(String, i64)> {
    costs.iter().map(|(key, nanos)| ((*key).to_owned(), *nanos)).collect()
}

/// Checks `CostTracker` 8.
pub(super) async fn sums_add_up_to_the_total(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    for by in [Grouping::All, Grouping::Model, Grouping::Day(Calendar::default())] {
        ensure_eq!(store.sums(always(), &by).await?, [], "an empty ledger has sums by {by:?}");
    }
    // A sum that a binary floating-point number cannot represent, and entries around minute 1.
    let large = 9_007_199_254_740_992;
    for entry in [
        of("t", "m", "p", 64, 0),
        of("t", "m", "p", large, 1),
        of("t", "n", "p", 1, 2),
        of("u", "m", "q", 2, DAY),
        of("u", "n", "q", 4, 2 * DAY),
        of("u", "n", "q", 32, 2 * DAY + 1),
    ] {
        store.book(&entry).await?;
    }
    let span = TimeRange { start: at(1), end: at(2 * DAY + 1) };
    let total = (store.total_in(span).await?, 4);
    let day = Grouping::Day(Calendar::default());
    for by in
        [Grouping::All, Grouping::Model, Grouping::Provider, Grouping::Payer, Grouping::Task, day]
    {
        let sums = store.sums(span, &by).await?;
        let calls: u64 = sums.iter().map(|sum| sum.calls).sum();
        let cost: Usd = sums.iter().map(|sum| sum.cost).sum();
        ensure_eq!((cost, calls), total, "sums by {by:?} do not add up to the total and its calls");
    }
    let all = costs(&*store, &Grouping::All).await?;
    ensure_eq!(all, named(&[("all", large + 103)]), "the sum of all entries");
    Ok(())
}

/// Checks `CostTracker` 9.
pub(super) async fn a_sum_counts_calls_tokens_unknown_costs_and_estimates(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let cached = Usage { cache_read: 100, tool_input: 7, audio_output: 9, ..Usage::tokens(10, 5) };
    let absurd = Usage { cache_read: u64::MAX, ..Usage::tokens(u64::MAX, u64::MAX) };
    let free = entry("t", "m1", 0, 1);
    for entry in [
        charged(entry("t", "m0", 8, 1), |charge| charge.usage = cached.clone()),
        charged(free, |charge| {
            (charge.cost, charge.computed) = (None, Some(Usd::from_nanos(3)));
        }),
        charged(entry("t", "m2", 16, 1), |charge| {
            (charge.estimated, charge.uncertain) = (true, true);
        }),
        charged(of("u", "large", "p", 0, 2), |charge| {
            *charge = Charge::new(absurd, Some(Usd::MAX));
            (charge.uncertain, charge.saved) = (true, Some(Usd::MAX));
        }),
        charged(of("u", "large", "p", 0, 3), |charge| {
            (charge.cost, charge.uncertain) = (Some(Usd::MAX), true);
            charge.saved = Some(Usd::MAX);
        }),
        charged(of("u", "writes", "p", 1, 4), |charge| {
            charge.usage = Usage { cache_write_5m: 9, ..cached };
            charge.saved = Some(Usd::from_nanos(-1_500_000_001));
        }),
        charged(of("u", "writes", "p", 0, 5), |charge| {
            charge.usage.cache_write_1h = 1;
            charge.saved = Some(Usd::from_nanos(1));
        }),
    ] {
        store.book(&entry).await?;
    }
    let found = store.sums(always(), &Grouping::Model).await?;
    let small = CostSum {
        key: "m".to_owned(),
        calls: 3,
        input_tokens: 10 + 10 + 10 + 107,
        cached_tokens: 100,
        output_tokens: 5 + 5 + 5 + 9,
        cost: Usd::from_nanos(24),
        unpriced: 1,
        estimated: 1,
        uncertain: Usd::from_nanos(16),
        uncertain_calls: 1,
        saved: Usd::ZERO,
        unknown_savings: 1,
    };
    let large = CostSum {
        key: "large".to_owned(),
        calls: 2,
        input_tokens: u64::MAX,
        cached_tokens: u64::MAX,
        output_tokens: u64::MAX,
        cost: Usd::MAX,
        unpriced: 0,
        estimated: 0,
        uncertain: Usd::MAX,
        uncertain_calls: 2,
        saved: Usd::MAX,
        unknown_savings: 0,
    };
    let writes = CostSum {
        key: "writes".to_owned(),
        calls: 2,
        input_tokens: 126 + 11,
        cached_tokens: 100,
        output_tokens: 14 + 5,
        cost: Usd::from_nanos(1),
        saved: Usd::from_nanos(-1_500_000_000),
        ..CostSum::default()
    };
    ensure_eq!(found, [large, small, writes], "the counts of the sums");
    Ok(())
}

/// Checks `CostTracker` 10.
pub(super) async fn the_highest_sum_comes_first(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    for (n, (model, nanos)) in (0..).zip([("b", 5), ("d", 3), ("a", 2), ("c", 9), ("a", 3)]) {
        store.book(&of("t", model, "p", nanos, n * DAY)).await?;
    }
    let found = costs(&*store, &Grouping::Model).await?;
    let expected = named(&[("c", 9), ("a", 5), ("b", 5), ("d", 3)]);
    ensure_eq!(found, expected, "sums are in another order");
    let found = costs(&*store, &Grouping::Day(Calendar::default())).await?;
    let expected = named(&[
        ("2026-01-05", 5),
        ("2026-01-06", 3),
        ("2026-01-07", 2),
        ("2026-01-08", 9),
        ("2026-01-09", 3),
    ]);
    ensure_eq!(found, expected, "days are in another order");
    Ok(())
}

/// Checks `CostTracker` 10 and 11.
pub(super) async fn days_are_those_of_the_calendar(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    // Half an hour more than whole hours, and an hour more in summer: from Sunday, 29 March, to
    // Sunday, 25 October.
    let zone = TimeZone::posix("STD-1:30DST-2:30,M3.5.0,M10.5.0/3");
    let zone = zone.map_err(|error| Violation::Broken(error.to_string()))?;
    let calendar = Calendar::new(zone);
    // From a Monday in January, in minutes of UTC.
    let (spring, autumn) = (83 * DAY, 293 * DAY);
    for (nanos, minute) in [
        (1, spring - 91),
        (2, spring - 90),
        (4, spring + DAY - 151),
        (8, spring + DAY - 150),
        (16, autumn - 151),
        (32, autumn - 150),
        (64, autumn + DAY - 91),
        (128, autumn + DAY - 90),
    ] {
        store.book(&entry("t", &format!("m{nanos}"), nanos, minute)).await?;
    }
    let found = costs(&*store, &Grouping::Day(calendar)).await?;
    let expected = named(&[
        ("2026-03-28", 1),
        ("2026-03-29", 2 + 4),
        ("2026-03-30", 8),
        ("2026-10-24", 16),
        ("2026-10-25", 32 + 64),
        ("2026-10-26", 128),
    ]);
    ensure_eq!(found, expected, "the sums of days of 23 and 25 hours");
    Ok(())
}

/// Checks `CostTracker` 12.
pub(super) async fn the_calendar_is_that_of_the_budgets(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let daily = budget(Scope::Global, Period::Daily, 100);
    store.set_budget(&daily, at(1)).await?;
    for time in [at(1), at(DAY + 1)] {
        let spans = store.budgets(time).await?.into_iter().map(|status| status.span);
        let expected = store.calendar().await?.span(Period::Daily, time);
        ensure_eq!(
            spans.collect::<Vec<_>>(),
            [expected],
            "the day of a budget differs from the calendar's"
        );
    }
    Ok(())
}
