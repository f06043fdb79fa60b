//! Clauses 15 to 17 of `CostTracker` and clauses 13 and 14 of `BudgetKeeper`: entries whose cost is
//! uncertain.

use super::Runs;
use super::budget::{stands, status};
use crate::cost::{
    Budget, Charge, CostEntry, Decision, Grouping, Hold, Limit, Period, Reconciliation, Scope,
    Settlement, TimeRange, Usage,
};
use crate::error::Error;
use crate::journal::RunStore;
use crate::money::Usd;
use crate::testing::kit::Checked;
use crate::testing::sample::{
    always, at, budget, call_id, entry, hold, paid, payer, task, task_id,
};
use crate::{ensure_eq, ensure_refused};

use Decision::{Confirmed, Released};

const GLOBAL: Scope = Scope::Global;

/// Takes a hold of a task's call and settles it in full.
async fn lose(store: &dyn RunStore, hold: &Hold) -> Checked {
    store.hold(hold).await?;
    store.settle(&hold.payer, &hold.call, &Settlement::Full).await?;
    Ok(())
}

/// Returns the uncertain entry of a call that was lost.
fn lost(task: &str, call: &str, nanos: i64, minute: i64) -> CostEntry {
    let charge = Charge::upper_bound(Some(Usd::from_nanos(nanos)));
    CostEntry { charge, ..entry(task, call, 0, minute) }
}

/// Decides about a call of the task `t`.
async fn decide(
    store: &dyn RunStore,
    call: &str,
    decision: Decision,
) -> Checked<Option<CostEntry>> {
    Ok(store.reconcile(&on(call, decision)).await?)
}

/// Returns a decision about a call of the task `t`.
fn on(call: &str, decision: Decision) -> Reconciliation {
    Reconciliation::new(payer("task:t"), call_id(call), decision, at(9))
}

/// Checks that the entry of a call, the totals, the sums, the task and a budget state one cost.
async fn costs(store: &dyn RunStore, expected: &[CostEntry]) -> Checked {
    let nanos = expected.iter().filter_map(|entry| entry.charge.cost).sum::<Usd>();
    ensure_eq!(store.entries(always(), None).await?, expected, "the entries after a decision");
    ensure_eq!(store.total_in(always()).await?, nanos, "the total after a decision");
    let of_task = store.cost_by_task(&task_id("t")).await?;
    ensure_eq!(of_task, nanos, "the total of the task after a decision");
    let sums = store.sums(always(), &Grouping::All).await?;
    let sums: Vec<_> = sums.into_iter().map(|sum| sum.cost).collect();
    ensure_eq!(sums, [nanos], "the sums after a decision");
    let task = store.get(&task_id("t")).await?;
    ensure_eq!(task.map(|task| task.cost), Some(nanos), "the task's cost after a decision");
    for period in [Period::Daily, Period::Total] {
        let (spent, held) = stands(store, &GLOBAL, period, 1).await?;
        ensure_eq!((spent, held), (nanos, Usd::ZERO), "the {period} budget after a decision");
    }
    Ok(())
}

/// Opens a store with a task, a daily budget of 100 and a call of 60 that was lost.
async fn with_a_lost_call(fixture: Runs<'_>) -> Checked<std::sync::Arc<dyn RunStore>> {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    store.set_budget(&budget(GLOBAL, Period::Daily, 100), at(0)).await?;
    lose(&*store, &hold("t", "m0", 60, 1)).await?;
    // This budget has no amount in any period yet.
    store.set_budget(&budget(GLOBAL, Period::Total, 100), at(0)).await?;
    Ok(store)
}

/// Checks `BudgetKeeper` 13.
pub(super) async fn uncertain_amounts_count_as_spent_and_are_stated(fixture: Runs<'_>) -> Checked {
    let store = with_a_lost_call(fixture).await?;
    let certain = hold("t", "m1", 20, 1);
    store.hold(&certain).await?;
    store.settle(&certain.payer, &certain.call, &paid(20)).await?;
    for period in [Period::Daily, Period::Total] {
        let status = status(&*store, &GLOBAL, period, 1).await?;
        let found = (status.spent, status.uncertain);
        let expected = (Usd::from_nanos(80), Usd::from_nanos(60));
        ensure_eq!(found, expected, "the spent and uncertain amounts of the {period} budget");
    }
    let usd = Usd::from_nanos;
    ensure_refused!(
        store.hold(&hold("t", "m2", 21, 1)).await,
        Error::BudgetExceeded { left, uncertain, .. } if (left, uncertain) == (usd(20), usd(60)),
        "the refusal does not state what is left and what is uncertain"
    );
    Ok(())
}

/// Checks `BudgetKeeper` 14.
pub(super) async fn a_swept_call_that_completes_is_booked_at_its_cost(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    for period in [Period::Daily, Period::Total] {
        store.set_budget(&budget(GLOBAL, period, 200), at(0)).await?;
    }
    for call in ["m0", "m1", "m2", "m3"] {
        store.hold(&hold("t", call, 40, 1)).await?;
    }
    ensure_eq!(store.sweep(at(61)).await?, 4, "the number of expired holds");
    let settle = async |call: &str, settlement: &Settlement| {
        store.settle(&payer("task:t"), &call_id(call), settlement).await
    };
    let unpriced = Settlement::paid(None, Usage::tokens(10, 5));
    for (call, settlement) in [
        ("m0", &paid(10)),
        ("m1", &Settlement::Nothing),
        ("m2", &Settlement::Full),
        ("m3", &unpriced),
    ] {
        settle(call, settlement).await?;
    }
    let mut nothing = lost("t", "m1", 0, 1);
    nothing.charge.estimated = false;
    let mut unpriced = entry("t", "m3", 40, 1);
    unpriced.charge.estimated = true;
    let mut expected = [entry("t", "m0", 10, 1), nothing, lost("t", "m2", 40, 1), unpriced];
    costs(&*store, &expected).await?;
    let tokens = store.get(&task_id("t")).await?.map(|task| task.actual_tokens);
    let used = expected.iter().map(|entry| entry.charge.usage.total()).sum();
    ensure_eq!(tokens, Some(used), "the tokens of the calls that completed");

    decide(&*store, "m2", Confirmed(None)).await?;
    expected[2].charge.uncertain = false;
    for call in ["m0", "m1", "m2", "m3"] {
        for again in [paid(20), Settlement::Full, Settlement::Nothing] {
            settle(call, &again).await?;
        }
    }
    costs(&*store, &expected).await
}

/// Checks `CostTracker` 15.
pub(super) async fn a_released_entry_costs_nothing(fixture: Runs<'_>) -> Checked {
    let store = with_a_lost_call(fixture).await?;
    store.book(&entry("t", "m1", 7, 1)).await?;
    costs(&*store, &[lost("t", "m0", 60, 1), entry("t", "m1", 7, 1)]).await?;
    let mut released = lost("t", "m0", 0, 1);
    released.charge.estimated = false;
    let decided = decide(&*store, "m0", Released).await?;
    ensure_eq!(decided, Some(released.clone()), "the entry that was released");
    costs(&*store, &[released, entry("t", "m1", 7, 1)]).await?;
    let status = status(&*store, &GLOBAL, Period::Daily, 1).await?;
    ensure_eq!(status.uncertain, Usd::ZERO, "the uncertain amount after it was released");
    store.hold(&hold("t", "m2", 92, 1)).await?;
    let again = store.hold(&hold("t", "m0", 0, 1)).await;
    ensure_refused!(
        again,
        Error::AlreadyExists { .. },
        "a call that was released can be held again"
    );
    Ok(())
}

/// Checks `CostTracker` 15.
pub(super) async fn a_confirmed_entry_keeps_its_cost_or_gets_another(fixture: Runs<'_>) -> Checked {
    let store = with_a_lost_call(fixture).await?;
    lose(&*store, &hold("t", "m1", 30, 2)).await?;
    let mut kept = lost("t", "m0", 60, 1);
    kept.charge.uncertain = false;
    ensure_eq!(
        decide(&*store, "m0", Confirmed(None)).await?,
        Some(kept.clone()),
        "a confirmed entry"
    );
    costs(&*store, &[kept.clone(), lost("t", "m1", 30, 2)]).await?;
    // The bill may be higher than the hold.
    let billed = Usd::from_nanos(45);
    let mut other = lost("t", "m1", 45, 2);
    (other.charge.uncertain, other.charge.estimated) = (false, false);
    let decided = decide(&*store, "m1", Confirmed(Some(billed))).await?;
    ensure_eq!(decided, Some(other.clone()), "an entry confirmed with another amount");
    costs(&*store, &[kept, other]).await?;
    ensure_eq!(store.uncertain(always(), None).await?, [], "confirmed entries are uncertain");
    Ok(())
}

/// Checks `CostTracker` 16.
pub(super) async fn a_certain_entry_is_not_reconciled(fixture: Runs<'_>) -> Checked {
    let store = with_a_lost_call(fixture).await?;
    store.book(&entry("t", "m1", 7, 1)).await?;
    let expected = [lost("t", "m0", 60, 1), entry("t", "m1", 7, 1)];
    for decision in [Released, Confirmed(None), Confirmed(Some(Usd::from_nanos(1)))] {
        for call in ["m1", "unknown"] {
            let decided = decide(&*store, call, decision).await?;
            ensure_eq!(decided, None, "{decision:?} of {call}, which is not uncertain");
        }
        costs(&*store, &expected).await?;
    }
    let negative = Confirmed(Some(Usd::from_nanos(-1)));
    let refused = store.reconcile(&on("m0", negative)).await;
    ensure_refused!(refused, Error::Invalid { .. }, "a negative amount was confirmed");
    costs(&*store, &expected).await?;
    decide(&*store, "m0", Released).await?;
    let again = decide(&*store, "m0", Confirmed(Some(Usd::from_nanos(60)))).await?;
    ensure_eq!(again, None, "a decision on an entry that was released");
    Ok(())
}

/// Checks `CostTracker` 17.
pub(super) async fn uncertain_entries_are_listed_oldest_first(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let (old, of_other, new) =
        (lost("t", "m2", 1, 1), lost("u", "m0", 2, 2), lost("t", "m1", 3, 3));
    for entry in [&new, &entry("t", "m3", 4, 1), &of_other, &old] {
        store.book(entry).await?;
    }
    let all = [old.clone(), of_other.clone(), new.clone()];
    ensure_eq!(store.uncertain(always(), None).await?, all, "the uncertain entries");
    let of_task = store.uncertain(always(), Some(&payer("task:t"))).await?;
    ensure_eq!(of_task, [old, new], "the uncertain entries of a task");
    let span = TimeRange { start: at(2), end: at(3) };
    ensure_eq!(store.uncertain(span, None).await?, [of_other], "the uncertain entries of a range");
    Ok(())
}

/// Checks `CostTracker` 15.
pub(super) async fn an_alert_that_a_release_puts_out_of_reach_is_reported_again(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let watched =
        Budget { alerts: vec![10, 50], limit: Limit::Soft, ..budget(GLOBAL, Period::Daily, 100) };
    store.set_budget(&watched, at(0)).await?;
    store.book(&entry("t", "m1", 10, 1)).await?;
    let percents = async |hold: &Hold| {
        let alerts = store.hold(hold).await?;
        Ok::<_, Error>(alerts.into_iter().map(|alert| alert.percent).collect::<Vec<_>>())
    };
    let large = hold("t", "m0", 60, 1);
    ensure_eq!(percents(&large).await?, [10, 50], "the alerts of a large call");
    store.settle(&large.payer, &large.call, &Settlement::Full).await?;
    decide(&*store, "m0", Released).await?;
    let found = percents(&hold("t", "m2", 60, 2)).await?;
    ensure_eq!(found, [50], "the alerts that are crossed again after a release");
    Ok(())
}

/// Checks `CostTracker` 14.
pub(super) async fn decisions_survive_a_restart(fixture: Runs<'_>) -> Checked {
    let store = with_a_lost_call(fixture).await?;
    lose(&*store, &hold("t", "m1", 30, 2)).await?;
    decide(&*store, "m0", Released).await?;
    drop(store);
    let store = fixture.open().await;
    let mut released = lost("t", "m0", 0, 1);
    released.charge.estimated = false;
    costs(&*store, &[released, lost("t", "m1", 30, 2)]).await
}
