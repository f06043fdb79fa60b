//! The clauses of `CostTracker`.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Runs;
use crate::cost::{Charge, CostEntry, Period, Scope, TimeRange, Usage};
use crate::error::Error;
use crate::journal::RunStore;
use crate::money::Usd;
use crate::testing::kit::{Checked, Violation};
use crate::testing::sample::{always, at, budget, entry, odd_time, payer, task, task_id};
use crate::{ensure, ensure_eq, ensure_refused};

async fn track(store: &dyn RunStore, entries: &[CostEntry]) -> Checked {
    for entry in entries {
        store.book(entry).await?;
    }
    Ok(())
}

/// Checks `CostTracker` 7.
pub(super) async fn entries_are_returned_as_they_were_booked(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let odd = CostEntry {
        provider: "anbieter/日本".to_owned(),
        model: "m:free".to_owned(),
        charge: Charge::new(
            Usage {
                cache_read: 3,
                cache_write_5m: 4,
                cache_write_1h: 5,
                reasoning: 2,
                audio_input: 6,
                audio_output: 7,
                server_tool_calls: 1,
                tool_input: 8,
                service_tier: Some("flex".to_owned()),
                region: Some("us".to_owned()),
                speed: Some("fast".to_owned()),
                estimated: true,
                ..Usage::tokens(10, 5)
            },
            None,
        )
        .with_computed(Some(Usd::from_nanos(9))),
        at: odd_time(2),
        ..entry("t", "odd", 0, 2)
    };
    let expected = [entry("t", "m0", 7, 1), odd];
    track(&*store, &expected).await?;
    ensure_eq!(store.entries(always(), None).await?, expected, "entries were changed");
    let of_task = store.entries(always(), Some(&payer("task:t"))).await?;
    ensure_eq!(of_task, expected, "entries of a task was changed");
    let of_other = store.entries(always(), Some(&payer("task:u"))).await?;
    ensure_eq!(of_other, [], "entries of another task were listed");
    Ok(())
}

/// Checks `CostTracker` 1.
pub(super) async fn totals_are_exact_to_the_nano_dollar(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    // A sum that a binary floating-point number cannot represent: 2^53 + 3.
    let large = 9_007_199_254_740_992;
    let costs = [large, 1, 1, 1];
    for (n, cost) in costs.into_iter().enumerate() {
        store.book(&entry("t", &format!("m{n}"), cost, 1)).await?;
    }
    let expected = Usd::from_nanos(large + 3);
    ensure_eq!(store.total_in(always()).await?, expected, "the total was rounded");
    let of_task = store.cost_by_task(&task_id("t")).await?;
    ensure_eq!(of_task, expected, "the task's total was rounded");
    Ok(())
}

/// Checks `CostTracker` 1.
pub(super) async fn entries_without_a_cost_add_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let mut unknown = entry("t", "m0", 0, 1);
    unknown.charge.cost = None;
    track(&*store, &[unknown, entry("t", "m1", 5, 1)]).await?;
    let total = store.total_in(always()).await?;
    ensure_eq!(total, Usd::from_nanos(5), "the total with an unknown cost");
    ensure_eq!(
        store.entries(always(), None).await?.len(),
        2,
        "the number of entries with an unknown cost"
    );
    Ok(())
}

/// Checks `CostTracker` 2.
pub(super) async fn an_entry_is_booked_once(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    let first = entry("t", "m0", 5, 1);
    track(&*store, &[first.clone(), first.clone(), entry("t", "m0", 9, 2)]).await?;
    ensure_eq!(store.entries(always(), None).await?, [first], "one call was booked twice");
    let task = store.get(&task_id("t")).await?;
    let cost = task.map(|task| task.cost);
    ensure_eq!(cost, Some(Usd::from_nanos(5)), "one call was charged twice");
    // Calls of different tasks may have the same ids.
    store.book(&entry("u", "m0", 7, 1)).await?;
    let total = store.total_in(always()).await?;
    ensure_eq!(total, Usd::from_nanos(12), "calls of two tasks with one id were booked once");
    Ok(())
}

/// Checks `CostTracker` 3.
pub(super) async fn a_range_is_half_open(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    for (n, minute) in [(1, 9), (10, 10), (100, 15), (1000, 20), (10_000, 21)] {
        store.book(&entry("t", &format!("m{minute}"), n, minute)).await?;
    }
    let span = TimeRange { start: at(10), end: at(20) };
    let total = store.total_in(span).await?;
    ensure_eq!(total, Usd::from_nanos(110), "the total of a range");
    let listed = store.entries(span, None).await?;
    let costs: Vec<_> = listed.into_iter().filter_map(|entry| entry.charge.cost).collect();
    let expected = [Usd::from_nanos(10), Usd::from_nanos(100)];
    ensure_eq!(costs, expected, "the entries of a range");
    Ok(())
}

/// Checks `CostTracker` 4.
pub(super) async fn the_totals_of_tasks_add_up_to_the_total(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let mut sum = Usd::ZERO;
    for (n, id) in (1..).zip(["t", "u", "v"]) {
        let (a, b) = (entry(id, "m0", n, n), entry(id, "m1", 10 * n, 99 * n));
        track(&*store, &[a, b]).await?;
        let of_task = store.cost_by_task(&task_id(id)).await?;
        ensure_eq!(of_task, Usd::from_nanos(11 * n), "the total of {id} is wrong");
        sum = sum.plus(of_task);
    }
    ensure_eq!(store.total_in(always()).await?, sum, "the tasks do not add up to the total");
    let unknown = store.cost_by_task(&task_id("unknown")).await?;
    ensure_eq!(unknown, Usd::ZERO, "the cost of a task without entries");
    Ok(())
}

/// Checks `CostTracker` 1.
pub(super) async fn concurrent_entries_add_up(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 0..10 {
                store.book(&entry("t", &format!("m{writer}.{n}"), 1, n)).await?;
                tokio::task::yield_now().await;
            }
            Ok::<_, Error>(())
        })
    });
    for written in join_all(writers).await {
        written.map_err(|gone| Error::Internal(gone.to_string()))??;
    }
    let expected = Usd::from_nanos(80);
    ensure_eq!(store.total_in(always()).await?, expected, "entries were lost");
    let task = store.get(&task_id("t")).await?;
    let found = task.map(|task| (task.cost, task.actual_tokens));
    ensure_eq!(found, Some((expected, 80 * 15)), "charges to the task were lost");
    Ok(())
}

/// Checks `CostTracker` 5.
pub(super) async fn a_negative_cost_is_refused(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let negative = store.book(&entry("t", "m0", -1, 1)).await;
    ensure_refused!(negative, Error::Invalid { .. }, "a negative cost was booked");
    ensure_eq!(store.entries(always(), None).await?, [], "a refused entry was booked");
    store.book(&entry("t", "m0", 0, 1)).await?;
    Ok(())
}

/// Checks `CostTracker` 6 and `BudgetKeeper` 7.
pub(super) async fn booking_updates_the_task_and_its_budgets(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    for scope in [Scope::Global, Scope::task(task_id("t")), Scope::Model("m".to_owned())] {
        store.set_budget(&budget(scope, Period::Total, 100), at(0)).await?;
    }
    track(&*store, &[entry("t", "m0", 5, 1), entry("t", "m1", 7, 2)]).await?;
    let task = store.get(&task_id("t")).await?;
    let found = task.map(|task| (task.cost, task.actual_tokens));
    ensure_eq!(found, Some((Usd::from_nanos(12), 30)), "the cost and tokens of the task");
    for status in store.budgets(at(3)).await? {
        let name = status.budget.name();
        ensure_eq!(status.spent, Usd::from_nanos(12), "the spent amount of the {name} budget");
    }
    Ok(())
}

/// Checks `TaskRepository` 4.
pub(super) async fn an_update_of_the_task_keeps_its_cost(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    // Read before the call was booked, and written after it.
    let mut copy = store.create(&task("t", 0)).await?;
    store.book(&entry("t", "m0", 5, 1)).await?;
    copy.estimated_tokens = 9;
    match store.update(&copy, at(2)).await {
        Ok(_) | Err(Error::Conflict { .. }) => {}
        Err(other) => return Err(other.into()),
    }
    let task = store.get(&task_id("t")).await?;
    let cost = task.map(|task| task.cost);
    ensure_eq!(cost, Some(Usd::from_nanos(5)), "the cost after an update with an older copy");
    Ok(())
}

/// Checks `CostTracker` 7.
pub(super) async fn entries_are_listed_oldest_first(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let (old, middle, new) =
        (entry("t", "m2", 1, 1), entry("u", "m0", 1, 2), entry("t", "m1", 1, 3));
    track(&*store, &[middle.clone(), new.clone(), old.clone()]).await?;
    let listed = store.entries(always(), None).await?;
    ensure_eq!(listed, [old, middle, new], "entries are in another order");
    Ok(())
}

/// Checks `CostTracker` 13.
pub(super) async fn the_payers_with_unknown_costs_are_found(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let unknown = |task, call| {
        let mut entry = entry(task, call, 0, 1);
        entry.charge.cost = None;
        entry
    };
    let entries = [
        unknown("c", "m0"),
        unknown("c", "m1"),
        entry("c", "m2", 5, 1),
        entry("b", "m0", 0, 1),
        unknown("a", "m0"),
        unknown("other", "m0"),
    ];
    track(&*store, &entries).await?;
    let given = ["task:c", "task:b", "task:none", "task:a", "key:a"].map(payer);
    let found = store.unpriced_payers(&given).await?;
    ensure_eq!(found, ["task:c", "task:a"].map(payer), "the payers with unknown costs");
    ensure_eq!(store.unpriced_payers(&[]).await?, [], "the payers of none");
    Ok(())
}

/// Checks `CostTracker` 7.
pub(super) async fn entries_outlive_their_task(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let id = task_id("t");
    store.create(&task("t", 0)).await?;
    store.book(&entry("t", "m0", 5, 1)).await?;
    ensure!(store.delete(&id, at(2)).await?, "the task was not deleted");
    let expected = Usd::from_nanos(5);
    ensure_eq!(store.total_in(always()).await?, expected, "the cost after the task was deleted");
    ensure_eq!(store.cost_by_task(&id).await?, expected, "the cost after the task was deleted");
    let listed = store.entries(always(), Some(&id.into())).await?;
    ensure_eq!(listed.len(), 1, "the entries after the task was deleted");
    Ok(())
}

/// Checks `CostTracker` 14.
pub(super) async fn entries_survive_a_restart(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.book(&entry("t", "m0", 5, 1)).await?;
    drop(store);
    let store = fixture.open().await;
    let listed = store.entries(always(), None).await?;
    ensure_eq!(listed, [entry("t", "m0", 5, 1)], "an acknowledged entry was lost or changed");
    store.book(&entry("t", "m0", 9, 1)).await?;
    let total = store.total_in(always()).await?;
    let expected = Usd::from_nanos(5);
    if total != expected {
        let how = format!("a call was booked twice after a restart: {total} instead of {expected}");
        return Err(Violation::Broken(how));
    }
    Ok(())
}
