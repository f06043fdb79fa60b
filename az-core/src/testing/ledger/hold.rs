//! Clauses 1 to 5 of `BudgetKeeper`: taking holds and settling them.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Runs;
use super::budget::stands;
use crate::cost::{Charge, Hold, Limit, Period, Scope, Settlement, Usage};
use crate::error::Error;
use crate::journal::RunStore;
use crate::money::Usd;
use crate::testing::kit::{Checked, Violation};
use crate::testing::play::begin;
use crate::testing::sample::{DAY, always, at, budget, call_id, entry, hold, paid, payer, task_id};
use crate::{ensure, ensure_eq, ensure_refused};

const GLOBAL: Scope = Scope::Global;

async fn cap(store: &dyn RunStore, scope: Scope, nanos: i64) -> Checked {
    store.set_budget(&budget(scope, Period::Total, nanos), at(0)).await?;
    Ok(())
}

async fn settle(store: &dyn RunStore, hold: &Hold, settlement: &Settlement) -> Checked {
    store.settle(&hold.payer, &hold.call, settlement).await?;
    Ok(())
}

pub(super) async fn a_hold_is_taken_in_every_budget_or_in_none(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let tight = Scope::task(task_id("t"));
    cap(&*store, GLOBAL, 100).await?;
    cap(&*store, tight.clone(), 10).await?;
    cap(&*store, Scope::Model("m".to_owned()), 100).await?;
    let refused = store.hold(&hold("t", "m0", 11, 1)).await;
    ensure_refused!(refused, Error::BudgetExceeded { .. }, "a hold overran its task's budget");
    for status in store.budgets(at(1)).await? {
        let name = status.budget.name();
        ensure_eq!(status.held, Usd::ZERO, "a refused hold was taken in the {name} budget");
    }
    ensure_eq!(store.open_holds().await?, [], "a refused hold is open");
    store.hold(&hold("t", "m0", 9, 1)).await?;
    for status in store.budgets(at(1)).await? {
        let name = status.budget.name();
        ensure_eq!(status.held, Usd::from_nanos(9), "a hold is missing in the {name} budget");
    }
    Ok(())
}

pub(super) async fn a_hold_that_fits_exactly_is_taken(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    store.book(&entry("t", "m0", 30, 1)).await?;
    store.hold(&hold("t", "m1", 30, 1)).await?;
    store.hold(&hold("t", "m2", 40, 1)).await?;
    let more = store.hold(&hold("t", "m3", 1, 1)).await;
    ensure_refused!(more, Error::BudgetExceeded { .. }, "a full budget took another hold");
    Ok(())
}

pub(super) async fn a_negative_hold_is_refused(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let open = hold("t", "m0", 30, 1);
    store.hold(&open).await?;
    for call in ["m0", "m1"] {
        let refused = store.hold(&hold("t", call, -1, 1)).await;
        ensure_refused!(refused, Error::Invalid { .. }, "a negative hold of {call} was taken");
    }
    ensure_eq!(store.open_holds().await?, [open], "a refused hold is open");
    Ok(())
}

pub(super) async fn open_holds_are_listed_by_payer_and_call(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let held = |name: &str, call: &str| Hold { payer: payer(name), ..hold("t", call, 1, 1) };
    let sorted = [("task:t", "m0"), ("task:t", "m1"), ("key:a", "m0"), ("group:b", "m0")];
    for (payer, call) in sorted.iter().rev() {
        store.hold(&held(payer, call)).await?;
    }
    let expected: Vec<_> = sorted.iter().map(|(payer, call)| held(payer, call)).collect();
    ensure_eq!(store.open_holds().await?, expected, "open holds are out of order");
    Ok(())
}

pub(super) async fn a_refusal_says_what_is_missing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    store.book(&entry("t", "m0", 30, 1)).await?;
    store.hold(&hold("t", "m1", 30, 1)).await?;
    let usd = Usd::from_nanos;
    ensure_refused!(
        store.hold(&hold("t", "m2", 41, 1)).await,
        Error::BudgetExceeded { budget, scope: GLOBAL, period: Period::Total, amount, left, held, needed }
            if budget == "global total"
                && (amount, left, held, needed) == (usd(100), usd(40), usd(30), usd(41)),
        "the refusal does not name the budget, its amount, what is left and what is needed"
    );
    Ok(())
}

pub(super) async fn a_soft_budget_counts_and_never_refuses(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let mut soft = budget(GLOBAL, Period::Total, 10);
    soft.limit = Limit::Soft;
    store.set_budget(&soft, at(0)).await?;
    store.hold(&hold("t", "m0", 50, 1)).await?;
    store.book(&entry("t", "m1", 60, 1)).await?;
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    let expected = (Usd::from_nanos(60), Usd::from_nanos(50));
    ensure_eq!(found, expected, "a soft budget does not count");
    Ok(())
}

/// Lets 32 holders take 10 of 95 each, and checks that 9 of them got it.
async fn crowd(handles: Vec<Arc<dyn RunStore>>) -> Checked {
    let store = handles.first().cloned().ok_or(Violation::Unmet("a handle"))?;
    cap(&*store, GLOBAL, 95).await?;
    let holders = (0..32).zip(handles.into_iter().cycle()).map(|(n, store)| {
        tokio::spawn(async move { store.hold(&hold("t", &format!("m{n}"), 10, 1)).await })
    });
    let mut taken = 0;
    for held in join_all(holders).await {
        match held.map_err(|gone| Error::Internal(gone.to_string()))? {
            Ok(_) => taken += 1,
            Err(Error::BudgetExceeded { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    ensure_eq!(taken, 9, "so many holds of 10 were taken in a budget of 95");
    let (_, held) = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(held, Usd::from_nanos(90), "the budget does not hold what was taken");
    Ok(())
}

pub(super) async fn concurrent_holds_never_exceed_a_budget(fixture: Runs<'_>) -> Checked {
    crowd(vec![fixture.open().await]).await
}

pub(super) async fn concurrent_holds_of_several_handles_never_exceed_a_budget(
    fixture: Runs<'_>,
) -> Checked {
    crowd(vec![fixture.open().await, fixture.open().await, fixture.open().await]).await
}

pub(super) async fn an_unpriced_call_is_refused_only_by_a_hard_budget(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let unpriced = |call: &str| Hold { amount: None, ..hold("t", call, 0, 1) };
    store.hold(&unpriced("m0")).await?;
    let mut soft = budget(GLOBAL, Period::Total, 100);
    soft.limit = Limit::Soft;
    store.set_budget(&soft, at(0)).await?;
    cap(&*store, Scope::Model("another".to_owned()), 100).await?;
    store.hold(&unpriced("m1")).await?;
    cap(&*store, Scope::task(task_id("t")), 100).await?;
    ensure_refused!(
        store.hold(&unpriced("m2")).await,
        Error::Unpriced { budget, scope, period: Period::Total, model }
            if (budget.as_str(), model.as_str()) == ("task t total", "m")
                && scope == Scope::task(task_id("t")),
        "a call of unknown price was not refused by the hard budget's name"
    );
    ensure_eq!(store.open_holds().await?.len(), 2, "a refused hold is open");
    Ok(())
}

pub(super) async fn settling_frees_what_was_held_and_books_what_was_paid(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    begin(&*store, "t").await?;
    let taken = hold("t", "m0", 80, 1);
    store.hold(&taken).await?;
    ensure_eq!(store.open_holds().await?, std::slice::from_ref(&taken), "a hold came back changed");
    settle(&*store, &taken, &paid(30)).await?;
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(found, (Usd::from_nanos(30), Usd::ZERO), "spent and held are wrong");
    let booked = store.entries(always(), None).await?;
    ensure_eq!(booked, [entry("t", "m0", 30, 1)], "what was paid was not booked");
    let task = store.get(&task_id("t")).await?;
    let found = task.map(|task| (task.cost, task.actual_tokens));
    ensure_eq!(found, Some((Usd::from_nanos(30), 15)), "the task was not charged");
    store.hold(&hold("t", "m1", 69, 2)).await?;
    Ok(())
}

pub(super) async fn settling_books_in_the_period_of_the_hold(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&budget(GLOBAL, Period::Daily, 100), at(0)).await?;
    let late = hold("t", "m0", 80, DAY - 1);
    store.hold(&late).await?;
    // The next day has begun; the hold is the first day's.
    store.hold(&hold("t", "m1", 90, DAY)).await?;
    settle(&*store, &late, &paid(30)).await?;
    let first = stands(&*store, &GLOBAL, Period::Daily, DAY - 1).await?;
    ensure_eq!(first, (Usd::from_nanos(30), Usd::ZERO), "the first day is wrong");
    let second = stands(&*store, &GLOBAL, Period::Daily, DAY).await?;
    ensure_eq!(second, (Usd::ZERO, Usd::from_nanos(90)), "the second day is wrong");
    Ok(())
}

pub(super) async fn settling_twice_changes_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    begin(&*store, "t").await?;
    let (taken, other) = (hold("t", "m0", 40, 1), hold("t", "m1", 50, 1));
    store.hold(&taken).await?;
    store.hold(&other).await?;
    settle(&*store, &taken, &paid(30)).await?;
    for again in [paid(30), paid(10), Settlement::Full, Settlement::Nothing] {
        settle(&*store, &taken, &again).await?;
    }
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    let expected = (Usd::from_nanos(30), Usd::from_nanos(50));
    ensure_eq!(found, expected, "settling again moved money");
    let task = store.get(&task_id("t")).await?;
    let cost = task.map(|task| task.cost);
    ensure_eq!(cost, Some(Usd::from_nanos(30)), "settling again charged the task");
    Ok(())
}

pub(super) async fn settling_an_unknown_hold_changes_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.hold(&hold("t", "m0", 40, 1)).await?;
    for (task, call) in [("t", "m1"), ("u", "m0")] {
        let alerts = store.settle(&task_id(task).into(), &call_id(call), &paid(30)).await?;
        ensure_eq!(alerts, [], "settling what was never held raised an alert");
    }
    ensure_eq!(store.entries(always(), None).await?, [], "what was never held was booked");
    ensure_eq!(store.open_holds().await?.len(), 1, "another hold was freed");
    Ok(())
}

pub(super) async fn a_lost_call_is_booked_in_full(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let taken = hold("t", "m0", 40, 1);
    store.hold(&taken).await?;
    settle(&*store, &taken, &Settlement::Full).await?;
    let mut expected = entry("t", "m0", 40, 1);
    expected.charge = Charge::upper_bound(expected.charge.cost);
    let booked = store.entries(always(), None).await?;
    ensure_eq!(booked, [expected], "a lost call was not booked as an estimate of its hold");
    Ok(())
}

pub(super) async fn what_cannot_be_priced_is_booked_at_its_hold(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    let taken = hold("t", "m0", 40, 1);
    store.hold(&taken).await?;
    let usage = Usage::tokens(10, 5);
    settle(&*store, &taken, &Settlement::paid(None, usage.clone())).await?;
    let mut expected = entry("t", "m0", 40, 1);
    expected.charge.estimated = true;
    let booked = store.entries(always(), None).await?;
    ensure_eq!(booked, [expected], "a payment without a price was not booked at its hold");
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    let left = (Usd::from_nanos(40), Usd::ZERO);
    ensure_eq!(found, left, "a payment without a price is not in its budget");
    Ok(())
}

pub(super) async fn what_was_never_sent_costs_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    let taken = hold("t", "m0", 90, 1);
    store.hold(&taken).await?;
    settle(&*store, &taken, &Settlement::Nothing).await?;
    ensure_eq!(store.entries(always(), None).await?, [], "a call never made was booked");
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(found, (Usd::ZERO, Usd::ZERO), "a call never made holds money");
    Ok(())
}

pub(super) async fn holds_that_ran_out_are_booked_in_full(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    let (old, new) = (hold("t", "m0", 40, 1), hold("t", "m1", 50, 2));
    store.hold(&old).await?;
    store.hold(&new).await?;
    ensure_eq!(store.sweep(at(60)).await?, 0, "a hold was swept before its time");
    ensure_eq!(store.sweep(at(61)).await?, 1, "so many holds ran out by then");
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    let expected = (Usd::from_nanos(40), Usd::from_nanos(50));
    ensure_eq!(found, expected, "the hold that ran out was not booked in full");
    ensure_eq!(store.open_holds().await?, [new], "the wrong holds are open");
    let booked = store.entries(always(), None).await?;
    ensure!(booked.iter().all(|e| e.charge.estimated), "a swept hold is booked as if it were paid");
    settle(&*store, &old, &paid(10)).await?;
    let (spent, _) = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(spent, Usd::from_nanos(40), "a swept hold was settled once more");
    Ok(())
}

pub(super) async fn a_living_tasks_hold_is_not_swept(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.hold(&hold("t", "m0", 40, 1)).await?;
    store.heartbeat(std::slice::from_ref(&lease), at(90)).await?;
    ensure_eq!(store.sweep(at(89)).await?, 0, "a hold was swept under its task's lease");
    ensure_eq!(store.sweep(at(90)).await?, 1, "a hold outlived its time and its task's lease");
    Ok(())
}

pub(super) async fn holds_survive_a_restart(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    let taken = hold("t", "m0", 60, 1);
    store.hold(&taken).await?;
    drop(store);
    let store = fixture.open().await;
    ensure_eq!(store.open_holds().await?, std::slice::from_ref(&taken), "a restart freed a hold");
    let more = store.hold(&hold("t", "m1", 41, 2)).await;
    ensure_refused!(more, Error::BudgetExceeded { .. }, "a restart forgot what is held");
    settle(&*store, &taken, &paid(30)).await?;
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(found, (Usd::from_nanos(30), Usd::ZERO), "spent and held are wrong");
    Ok(())
}
