//! Clauses 7 and 8 of `BudgetKeeper`: the spending that budgets cover.

use super::Runs;
use crate::cost::{Budget, BudgetStatus, Limit, Period, Scope, TimeRange};
use crate::error::Error;
use crate::journal::RunStore;
use crate::money::Usd;
use crate::testing::kit::{Checked, Violation};
use crate::testing::sample::{DAY, at, budget, entry, hold, task, task_id};
use crate::{ensure, ensure_eq, ensure_refused};

/// Returns the status of a budget at a minute.
pub(super) async fn status(
    store: &dyn RunStore,
    scope: &Scope,
    period: Period,
    minute: i64,
) -> Checked<BudgetStatus> {
    let all = store.budgets(at(minute)).await?;
    let mut found =
        all.into_iter().filter(|s| s.budget.scope == *scope && s.budget.period == period);
    let missing = || Violation::Broken(format!("the {scope} {period} budget is not listed"));
    let status = found.next().ok_or_else(missing)?;
    ensure!(found.next().is_none(), "the {scope} {period} budget is listed twice");
    Ok(status)
}

/// Returns the spent and held amounts of a budget at a minute.
pub(super) async fn stands(
    store: &dyn RunStore,
    scope: &Scope,
    period: Period,
    minute: i64,
) -> Checked<(Usd, Usd)> {
    let status = status(store, scope, period, minute).await?;
    Ok((status.spent, status.held))
}

/// Checks `BudgetKeeper` 7.
pub(super) async fn budgets_are_returned_as_they_were_set(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let expected = Budget {
        scope: Scope::Model("m:free".to_owned()),
        period: Period::Weekly,
        amount: Usd::from_nanos(12_345_678_901),
        alerts: vec![80, 100, 1],
        limit: Limit::Soft,
    };
    store.set_budget(&expected, at(0)).await?;
    let found = status(&*store, &expected.scope, Period::Weekly, 5 * DAY).await?;
    let span = TimeRange { start: at(0), end: at(7 * DAY) };
    ensure_eq!((found.budget, found.span), (expected, span), "a budget was changed");
    ensure_eq!((found.spent, found.held), (Usd::ZERO, Usd::ZERO), "a new budget is not empty");
    Ok(())
}

/// Checks `BudgetKeeper` 7.
pub(super) async fn invalid_budgets_are_refused(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let with_alert =
        |alert| Budget { alerts: vec![50, alert], ..budget(Scope::Global, Period::Total, 100) };
    for bad in [
        budget(Scope::Global, Period::Total, 0),
        budget(Scope::Global, Period::Total, -1),
        with_alert(0),
        with_alert(101),
    ] {
        let refused = store.set_budget(&bad, at(0)).await;
        ensure_refused!(refused, Error::Invalid { .. }, "{bad:?} was accepted");
    }
    ensure_eq!(store.budgets(at(0)).await?, [], "a refused budget was stored");
    Ok(())
}

/// Checks `BudgetKeeper` 7.
pub(super) async fn a_budget_counts_spending_from_before_it_was_set(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    // The last minute of December, then January from its 5th on.
    for (call, nanos, minute) in [("m0", 1000, -4 * DAY - 1), ("m1", 30, 0), ("m2", 12, 10 * DAY)] {
        store.book(&entry("t", call, nanos, minute)).await?;
    }
    store.hold(&hold("t", "m3", 8, 14 * DAY)).await?;
    let now = 15 * DAY;
    store.set_budget(&budget(Scope::Global, Period::Monthly, 60), at(now)).await?;
    let found = stands(&*store, &Scope::Global, Period::Monthly, now).await?;
    let expected = (Usd::from_nanos(42), Usd::from_nanos(8));
    ensure_eq!(found, expected, "a budget does not count spending from before it was set");
    let more = store.hold(&hold("t", "m4", 11, now)).await;
    ensure_refused!(
        more,
        Error::BudgetExceeded { .. },
        "spending from before the budget was set is not enforced"
    );
    store.hold(&hold("t", "m4", 9, now)).await?;
    Ok(())
}

/// Checks `BudgetKeeper` 7.
pub(super) async fn a_budget_set_again_keeps_its_spent_amount(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&budget(Scope::Global, Period::Daily, 100), at(0)).await?;
    store.book(&entry("t", "m0", 30, 1)).await?;
    store.hold(&hold("t", "m1", 20, 2)).await?;
    store.set_budget(&budget(Scope::Global, Period::Daily, 60), at(3)).await?;
    let found = status(&*store, &Scope::Global, Period::Daily, 4).await?;
    let found = (found.budget.amount, found.spent, found.held);
    let expected = (Usd::from_nanos(60), Usd::from_nanos(30), Usd::from_nanos(20));
    ensure_eq!(found, expected, "setting a budget again changed its spent and held amounts");
    let more = store.hold(&hold("t", "m2", 11, 4)).await;
    ensure_refused!(more, Error::BudgetExceeded { .. }, "the new amount is not enforced");
    Ok(())
}

/// Checks `BudgetKeeper` 7.
pub(super) async fn a_cleared_budget_refuses_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    for period in [Period::Daily, Period::Total] {
        store.set_budget(&budget(Scope::Global, period, 10), at(0)).await?;
    }
    let cleared = store.clear_budget(&Scope::Global, Period::Daily).await?;
    ensure!(cleared, "clearing a budget returned false");
    let again = store.clear_budget(&Scope::Global, Period::Daily).await?;
    ensure!(!again, "clearing a cleared budget returned true");
    let left = store.budgets(at(1)).await?;
    let left: Vec<_> = left.iter().map(|status| status.budget.name()).collect();
    ensure_eq!(left, ["global total"], "the remaining budgets");
    let hard = store.hold(&hold("t", "m0", 11, 1)).await;
    ensure_refused!(hard, Error::BudgetExceeded { .. }, "clearing one budget cleared another");
    store.clear_budget(&Scope::Global, Period::Total).await?;
    store.hold(&hold("t", "m0", 11, 1)).await?;
    Ok(())
}

/// Checks `BudgetKeeper` 7.
pub(super) async fn budgets_count_by_the_calendar(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    for period in Period::ALL {
        store.set_budget(&budget(Scope::Global, *period, 1000), at(0)).await?;
    }
    // The last instant of Sunday, Monday, Tuesday, and the next month.
    for (n, minute) in [(1, -1), (10, 0), (100, DAY), (1000, 30 * DAY)] {
        store.book(&entry("t", &format!("m{n}"), n, minute)).await?;
    }
    for (period, expected) in
        [(Period::Daily, 100), (Period::Weekly, 110), (Period::Monthly, 111), (Period::Total, 1111)]
    {
        let (spent, _) = stands(&*store, &Scope::Global, period, DAY + 5).await?;
        let expected = Usd::from_nanos(expected);
        ensure_eq!(spent, expected, "the spent amount of the {period} budget");
    }
    Ok(())
}

/// Checks `BudgetKeeper` 7.
pub(super) async fn a_budget_covers_its_model_only(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    for (scope, nanos) in [
        (Scope::Model("other".to_owned()), 1),
        (Scope::task(task_id("u")), 1),
        (Scope::Model("m".to_owned()), 100),
    ] {
        store.set_budget(&budget(scope, Period::Total, nanos), at(0)).await?;
    }
    store.hold(&hold("t", "m0", 60, 1)).await?;
    store.book(&entry("v", "m0", 30, 1)).await?;
    let found = stands(&*store, &Scope::Model("m".to_owned()), Period::Total, 1).await?;
    let expected = (Usd::from_nanos(30), Usd::from_nanos(60));
    ensure_eq!(found, expected, "the amounts of the model's budget");
    for scope in [Scope::Model("other".to_owned()), Scope::task(task_id("u"))] {
        let found = stands(&*store, &scope, Period::Total, 1).await?;
        ensure_eq!(
            found,
            (Usd::ZERO, Usd::ZERO),
            "the budget of {scope} counts calls outside its scope"
        );
    }
    Ok(())
}

/// Creates a task with a part, which has a part itself.
async fn family(store: &dyn RunStore) -> Checked {
    store.create(&task("top", 0)).await?;
    store.create(&task("part", 1).with_parent(task_id("top"))).await?;
    store.create(&task("leaf", 2).with_parent(task_id("part"))).await?;
    store.create(&task("stranger", 2)).await?;
    let of_top = budget(Scope::task(task_id("top")), Period::Total, 100);
    store.set_budget(&of_top, at(2)).await?;
    Ok(())
}

/// Checks `BudgetKeeper` 8.
pub(super) async fn a_tasks_budget_covers_its_parts(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let top = Scope::task(task_id("top"));
    family(&*store).await?;
    for (id, nanos) in [("top", 1), ("part", 10), ("leaf", 20), ("stranger", 1000)] {
        store.book(&entry(id, "m0", nanos, 3)).await?;
    }
    store.hold(&hold("leaf", "m1", 60, 4)).await?;
    let found = stands(&*store, &top, Period::Total, 4).await?;
    let expected = (Usd::from_nanos(31), Usd::from_nanos(60));
    ensure_eq!(found, expected, "the amounts of the budget of a task with parts");
    let more = store.hold(&hold("part", "m1", 10, 4)).await;
    ensure_refused!(more, Error::BudgetExceeded { .. }, "a part exceeded the task's budget");
    store.hold(&hold("stranger", "m1", 1000, 4)).await?;
    Ok(())
}

/// Checks `BudgetKeeper` 8.
pub(super) async fn a_refusal_of_a_part_names_the_budget_of_the_whole(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let top = Scope::task(task_id("top"));
    family(&*store).await?;
    let of_leaf = budget(Scope::task(task_id("leaf")), Period::Daily, 1000);
    store.set_budget(&of_leaf, at(2)).await?;
    store.book(&entry("part", "m0", 70, 3)).await?;
    let refused = store.hold(&hold("leaf", "m0", 31, 4)).await;
    let usd = Usd::from_nanos;
    ensure_refused!(
        refused,
        Error::BudgetExceeded { budget, scope, period: Period::Total, amount, left, needed, .. }
            if budget == "task top total"
                && scope == top
                && (amount, left, needed) == (usd(100), usd(30), usd(31)),
        "a part of a part was not refused by the budget of the whole task"
    );
    store.hold(&hold("leaf", "m0", 29, 4)).await?;
    store.clear_budget(&top, Period::Total).await?;
    store.hold(&hold("leaf", "m1", 31, 4)).await?;
    Ok(())
}

/// Checks `BudgetKeeper` 8.
pub(super) async fn deleting_a_part_frees_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let top = Scope::task(task_id("top"));
    family(&*store).await?;
    store.book(&entry("leaf", "m0", 20, 3)).await?;
    store.hold(&hold("leaf", "m1", 60, 4)).await?;
    for id in ["part", "leaf"] {
        store.delete(&task_id(id), at(5)).await?;
    }
    let found = stands(&*store, &top, Period::Total, 6).await?;
    // The hold of the leaf may have been spent; its outcome is unknown.
    let expected = (Usd::from_nanos(80), Usd::ZERO);
    ensure_eq!(found, expected, "deleting a part freed its amounts");
    Ok(())
}

/// Checks `BudgetKeeper` 11.
pub(super) async fn budgets_survive_a_restart(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let mut expected = budget(Scope::task(task_id("t")), Period::Daily, 100);
    expected.alerts = vec![50];
    store.set_budget(&expected, at(0)).await?;
    let crossed = store.hold(&hold("t", "m0", 50, 1)).await?;
    ensure_eq!(crossed.len(), 1, "the number of alerts");
    drop(store);
    let store = fixture.open().await;
    let found = status(&*store, &expected.scope, Period::Daily, 2).await?;
    ensure_eq!(found.budget, expected, "an acknowledged budget was lost or changed");
    let again = store.hold(&hold("t", "m1", 1, 2)).await?;
    ensure_eq!(again, [], "an alert was reported again after a restart");
    Ok(())
}
