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
use crate::testing::sample::{DAY, always, at, budget, call_id, entry, hold, paid, payer, task_id};
use crate::testing::steps::begin;
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

/// Checks `BudgetKeeper` 1.
pub(super) async fn a_hold_is_taken_in_every_budget_or_in_none(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let tight = Scope::task(task_id("t"));
    cap(&*store, GLOBAL, 100).await?;
    cap(&*store, tight.clone(), 10).await?;
    cap(&*store, Scope::Model("m".to_owned()), 100).await?;
    let refused = store.hold(&hold("t", "m0", 11, 1)).await;
    ensure_refused!(refused, Error::BudgetExceeded { .. }, "a hold exceeded its task's budget");
    for status in store.budgets(at(1)).await? {
        let name = status.budget.name();
        ensure_eq!(status.held, Usd::ZERO, "a refused hold was taken in the {name} budget");
    }
    ensure_eq!(store.open_holds().await?, [], "a refused hold is open");
    store.hold(&hold("t", "m0", 9, 1)).await?;
    for status in store.budgets(at(1)).await? {
        let name = status.budget.name();
        ensure_eq!(status.held, Usd::from_nanos(9), "the held amount of the {name} budget");
    }
    Ok(())
}

/// Checks `BudgetKeeper` 2.
pub(super) async fn a_hold_that_fits_exactly_is_taken(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    store.book(&entry("t", "m0", 30, 1)).await?;
    store.hold(&hold("t", "m1", 30, 1)).await?;
    store.hold(&hold("t", "m2", 40, 1)).await?;
    let more = store.hold(&hold("t", "m3", 1, 1)).await;
    ensure_refused!(more, Error::BudgetExceeded { .. }, "a full budget accepted another hold");
    Ok(())
}

/// Checks `BudgetKeeper` 4.
pub(super) async fn a_negative_hold_is_refused(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let open = hold("t", "m0", 30, 1);
    store.hold(&open).await?;
    for call in ["m0", "m1"] {
        let refused = store.hold(&hold("t", call, -1, 1)).await;
        ensure_refused!(refused, Error::Invalid { .. }, "a negative hold of {call} was accepted");
    }
    ensure_eq!(store.open_holds().await?, [open], "a refused hold is open");
    Ok(())
}

/// Checks `BudgetKeeper` 4.
pub(super) async fn open_holds_are_listed_by_payer_and_call(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let held = |name: &str, call: &str| Hold { payer: payer(name), ..hold("t", call, 1, 1) };
    let sorted = [("task:t", "m0"), ("task:t", "m1"), ("key:a", "m0"), ("group:b", "m0")];
    for (payer, call) in sorted.iter().rev() {
        store.hold(&held(payer, call)).await?;
    }
    let expected: Vec<_> = sorted.iter().map(|(payer, call)| held(payer, call)).collect();
    ensure_eq!(store.open_holds().await?, expected, "the open holds, in order");
    Ok(())
}

/// Checks `BudgetKeeper` 1.
pub(super) async fn a_refusal_has_the_budget_and_its_figures(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    store.book(&entry("t", "m0", 30, 1)).await?;
    store.hold(&hold("t", "m1", 30, 1)).await?;
    let usd = Usd::from_nanos;
    ensure_refused!(
        store.hold(&hold("t", "m2", 41, 1)).await,
        Error::BudgetExceeded {
            budget,
            scope: GLOBAL,
            period: Period::Total,
            amount,
            left,
            held,
            uncertain: Usd::ZERO,
            needed,
        }
            if budget == "global total"
                && (amount, left, held, needed) == (usd(100), usd(40), usd(30), usd(41)),
        "the refusal does not name the budget, its amount, what is left and what is needed"
    );
    Ok(())
}

/// Checks `BudgetKeeper` 1.
pub(super) async fn a_soft_budget_counts_and_never_refuses(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let mut soft = budget(GLOBAL, Period::Total, 10);
    soft.limit = Limit::Soft;
    store.set_budget(&soft, at(0)).await?;
    store.hold(&hold("t", "m0", 50, 1)).await?;
    store.book(&entry("t", "m1", 60, 1)).await?;
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    let expected = (Usd::from_nanos(60), Usd::from_nanos(50));
    ensure_eq!(found, expected, "the amounts of a soft budget");
    Ok(())
}

/// Lets 32 callers take holds of 10 in a budget of 95 at once, and checks that 9 succeed.
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
    ensure_eq!(taken, 9, "the number of holds of 10 in a budget of 95");
    let (_, held) = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(held, Usd::from_nanos(90), "the held amount");
    Ok(())
}

/// Checks `BudgetKeeper` 2.
pub(super) async fn concurrent_holds_never_exceed_a_budget(fixture: Runs<'_>) -> Checked {
    crowd(vec![fixture.open().await]).await
}

/// Checks `BudgetKeeper` 2.
pub(super) async fn concurrent_holds_of_several_handles_never_exceed_a_budget(
    fixture: Runs<'_>,
) -> Checked {
    crowd(vec![fixture.open().await, fixture.open().await, fixture.open().await]).await
}

/// Checks `BudgetKeeper` 3.
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
        "a call of unknown price was not refused with the hard budget's name"
    );
    ensure_eq!(store.open_holds().await?.len(), 2, "a refused hold is open");
    Ok(())
}

/// Checks `BudgetKeeper` 4.
pub(super) async fn settling_frees_the_hold_and_books_the_payment(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    begin(&*store, "t").await?;
    let taken = hold("t", "m0", 80, 1);
    store.hold(&taken).await?;
    ensure_eq!(store.open_holds().await?, std::slice::from_ref(&taken), "a hold was changed");
    settle(&*store, &taken, &paid(30)).await?;
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(found, (Usd::from_nanos(30), Usd::ZERO), "the spent and held amounts");
    let booked = store.entries(always(), None).await?;
    ensure_eq!(booked, [entry("t", "m0", 30, 1)], "the entries after a settlement");
    let task = store.get(&task_id("t")).await?;
    let found = task.map(|task| (task.cost, task.actual_tokens));
    ensure_eq!(found, Some((Usd::from_nanos(30), 15)), "the cost and tokens of the task");
    store.hold(&hold("t", "m1", 69, 2)).await?;
    Ok(())
}

/// Checks `BudgetKeeper` 4.
pub(super) async fn settling_books_in_the_period_of_the_hold(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&budget(GLOBAL, Period::Daily, 100), at(0)).await?;
    let late = hold("t", "m0", 80, DAY - 1);
    store.hold(&late).await?;
    // The next day has begun; the hold belongs to the first.
    store.hold(&hold("t", "m1", 90, DAY)).await?;
    settle(&*store, &late, &paid(30)).await?;
    let first = stands(&*store, &GLOBAL, Period::Daily, DAY - 1).await?;
    ensure_eq!(first, (Usd::from_nanos(30), Usd::ZERO), "the amounts of the first day");
    let second = stands(&*store, &GLOBAL, Period::Daily, DAY).await?;
    ensure_eq!(second, (Usd::ZERO, Usd::from_nanos(90)), "the amounts of the second day");
    Ok(())
}

/// Checks `BudgetKeeper` 4.
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
    ensure_eq!(found, expected, "settling again changed the amounts");
    let task = store.get(&task_id("t")).await?;
    let cost = task.map(|task| task.cost);
    ensure_eq!(cost, Some(Usd::from_nanos(30)), "settling again charged the task");
    Ok(())
}

/// Checks `BudgetKeeper` 4.
pub(super) async fn settling_an_unknown_hold_changes_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.hold(&hold("t", "m0", 40, 1)).await?;
    for (task, call) in [("t", "m1"), ("u", "m0")] {
        let alerts = store.settle(&task_id(task).into(), &call_id(call), &paid(30)).await?;
        ensure_eq!(alerts, [], "settling an unknown hold reported an alert");
    }
    ensure_eq!(
        store.entries(always(), None).await?,
        [],
        "settling an unknown hold booked an entry"
    );
    ensure_eq!(store.open_holds().await?.len(), 1, "another hold was freed");
    Ok(())
}

/// Checks `BudgetKeeper` 4.
pub(super) async fn a_lost_call_is_booked_in_full(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let taken = hold("t", "m0", 40, 1);
    store.hold(&taken).await?;
    settle(&*store, &taken, &Settlement::Full).await?;
    let mut expected = entry("t", "m0", 40, 1);
    expected.charge = Charge::upper_bound(expected.charge.cost);
    let booked = store.entries(always(), None).await?;
    ensure_eq!(booked, [expected], "the entry of a call of unknown outcome");
    Ok(())
}

/// Checks `BudgetKeeper` 4.
pub(super) async fn a_payment_without_a_price_is_booked_at_its_hold(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    let taken = hold("t", "m0", 40, 1);
    store.hold(&taken).await?;
    let usage = Usage::tokens(10, 5);
    settle(&*store, &taken, &Settlement::paid(None, usage.clone())).await?;
    let mut expected = entry("t", "m0", 40, 1);
    expected.charge.estimated = true;
    let booked = store.entries(always(), None).await?;
    ensure_eq!(booked, [expected], "the entry of a payment without a price");
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    let left = (Usd::from_nanos(40), Usd::ZERO);
    ensure_eq!(found, left, "the amounts of the budget after a payment without a price");
    Ok(())
}

/// Checks `BudgetKeeper` 4.
pub(super) async fn a_call_that_was_not_made_costs_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    let taken = hold("t", "m0", 90, 1);
    store.hold(&taken).await?;
    settle(&*store, &taken, &Settlement::Nothing).await?;
    ensure_eq!(store.entries(always(), None).await?, [], "a call that was not made was booked");
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(found, (Usd::ZERO, Usd::ZERO), "the amounts after a call that was not made");
    Ok(())
}

/// Checks `BudgetKeeper` 5.
pub(super) async fn expired_holds_are_booked_in_full(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    let (old, new) = (hold("t", "m0", 40, 1), hold("t", "m1", 50, 2));
    store.hold(&old).await?;
    store.hold(&new).await?;
    ensure_eq!(store.sweep(at(60)).await?, 0, "a hold was swept before it expired");
    ensure_eq!(store.sweep(at(61)).await?, 1, "the number of expired holds");
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    let expected = (Usd::from_nanos(40), Usd::from_nanos(50));
    ensure_eq!(found, expected, "the amounts after an expired hold was swept");
    ensure_eq!(store.open_holds().await?, [new], "the open holds");
    let booked = store.entries(always(), None).await?;
    ensure!(booked.iter().all(|e| e.charge.estimated), "a swept hold is not booked as an estimate");
    Ok(())
}

/// Checks `BudgetKeeper` 5.
pub(super) async fn a_hold_under_a_valid_lease_is_not_swept(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.hold(&hold("t", "m0", 40, 1)).await?;
    store.heartbeat(std::slice::from_ref(&lease), at(90)).await?;
    ensure_eq!(store.sweep(at(89)).await?, 0, "a hold was swept while its task's lease was valid");
    ensure_eq!(
        store.sweep(at(90)).await?,
        1,
        "a hold was not swept after its task's lease expired"
    );
    Ok(())
}

/// Checks `BudgetKeeper` 11.
pub(super) async fn holds_survive_a_restart(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, GLOBAL, 100).await?;
    let taken = hold("t", "m0", 60, 1);
    store.hold(&taken).await?;
    drop(store);
    let store = fixture.open().await;
    ensure_eq!(store.open_holds().await?, std::slice::from_ref(&taken), "a restart freed a hold");
    let more = store.hold(&hold("t", "m1", 41, 2)).await;
    ensure_refused!(more, Error::BudgetExceeded { .. }, "a restart freed a held amount");
    settle(&*store, &taken, &paid(30)).await?;
    let found = stands(&*store, &GLOBAL, Period::Total, 1).await?;
    ensure_eq!(found, (Usd::from_nanos(30), Usd::ZERO), "the spent and held amounts");
    Ok(())
}
