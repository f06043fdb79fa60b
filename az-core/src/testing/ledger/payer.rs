//! Clauses 8 to 10 of `BudgetKeeper`: payers that are not tasks, their parents, and renewals.

use super::Runs;
use super::budget::stands;
use crate::cost::{CostEntry, Grouping, Hold, Payer, Period, Renewal, Scope, Settlement};
use crate::error::Error;
use crate::journal::RunStore;
use crate::money::Usd;
use crate::testing::kit::Checked;
use crate::testing::sample::{
    always, at, budget, call_id, entry, hold, paid, payer, task, task_id,
};
use crate::{ensure_eq, ensure_refused};

fn hold_of(name: &str, call: &str, nanos: i64, minute: i64) -> Hold {
    Hold { payer: payer(name), ..hold("t", call, nanos, minute) }
}

fn entry_of(name: &str, call: &str, nanos: i64, minute: i64) -> CostEntry {
    CostEntry { payer: payer(name), ..entry("t", call, nanos, minute) }
}

/// Returns the spent and held amounts of the total budget of a payer.
async fn used(store: &dyn RunStore, name: &str) -> Checked<(i64, i64)> {
    let (spent, held) = stands(store, &payer(name).into(), Period::Total, 9).await?;
    Ok((spent.nanos(), held.nanos()))
}

async fn cap(store: &dyn RunStore, name: &str, nanos: i64) -> Checked {
    store.set_budget(&budget(payer(name).into(), Period::Total, nanos), at(0)).await?;
    Ok(())
}

async fn parents(store: &dyn RunStore, pairs: &[(&str, &str)]) -> Checked {
    for (child, parent) in pairs {
        store.set_parent(&payer(child), Some(&payer(parent))).await?;
    }
    Ok(())
}

/// Checks `CostTracker` 6.
pub(super) async fn a_key_has_holds_entries_and_a_budget(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    // A task of the same id is another payer.
    store.create(&task("test", 0)).await?;
    cap(&*store, "key:test", 100).await?;
    let taken = hold_of("key:test", "m0", 60, 1);
    store.hold(&taken).await?;
    store.hold(&hold_of("task:test", "m0", 1000, 1)).await?;
    let more = store.hold(&hold_of("key:test", "m1", 41, 1)).await;
    ensure_refused!(
        more,
        Error::BudgetExceeded { budget, scope, .. }
            if budget == "key test total" && scope == Scope::Payer(payer("key:test")),
        "a key exceeded its budget"
    );
    store.settle(&taken.payer, &taken.call, &paid(30)).await?;
    ensure_eq!(used(&*store, "key:test").await?, (30, 0), "the amounts of the key's budget");
    let booked = store.entries(always(), Some(&taken.payer)).await?;
    ensure_eq!(booked, [entry_of("key:test", "m0", 30, 1)], "the entries");
    let cost = store.cost_by_payer(&taken.payer).await?;
    ensure_eq!(cost, Usd::from_nanos(30), "the cost of the key");
    let charged = store.get(&task_id("test")).await?.map(|task| task.cost);
    ensure_eq!(charged, Some(Usd::ZERO), "the call of a key was charged to a task");
    Ok(())
}

/// Checks `CostTracker` 8.
pub(super) async fn sums_group_by_payer(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    for (name, nanos) in [("task:a", 1), ("key:a", 2), ("key:b", 4), ("tenant:a", 8)] {
        store.book(&entry_of(name, "m0", nanos, 1)).await?;
    }
    let of = |by: Grouping| {
        let store = &store;
        async move {
            let sums = store.sums(always(), &by).await?;
            let sums = sums.into_iter().map(|sum| (sum.key, sum.cost.nanos()));
            Ok::<_, Error>(sums.collect::<Vec<_>>())
        }
    };
    let named = |sums: &[(&str, i64)]| -> Vec<_> {
        sums.iter().map(|(key, nanos)| ((*key).to_owned(), *nanos)).collect()
    };
    let expected = named(&[("tenant:a", 8), ("key:b", 4), ("key:a", 2), ("task:a", 1)]);
    ensure_eq!(of(Grouping::Payer).await?, expected, "the sums by payer");
    let expected = named(&[("", 14), ("a", 1)]);
    ensure_eq!(of(Grouping::Task).await?, expected, "the sums by task");
    Ok(())
}

/// Checks `BudgetKeeper` 9.
pub(super) async fn a_payers_budget_covers_its_descendants(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    parents(&*store, &[("key:a", "team:x"), ("team:x", "tenant:1")]).await?;
    let ancestors = store.ancestors(&payer("key:a")).await?;
    ensure_eq!(ancestors, [payer("team:x"), payer("tenant:1")], "the ancestors of a key");
    cap(&*store, "tenant:1", 100).await?;
    store.book(&entry_of("team:x", "m0", 20, 1)).await?;
    store.hold(&hold_of("key:a", "m0", 50, 1)).await?;
    store.book(&entry_of("key:other", "m0", 1000, 1)).await?;
    ensure_eq!(
        used(&*store, "tenant:1").await?,
        (20, 50),
        "the amounts of a budget with descendants"
    );
    let more = store.hold(&hold_of("key:a", "m1", 31, 1)).await;
    ensure_refused!(
        more,
        Error::BudgetExceeded { budget, .. } if budget == "tenant 1 total",
        "a descendant exceeded the budget of its ancestor"
    );
    Ok(())
}

/// Checks `BudgetKeeper` 9.
pub(super) async fn a_parent_that_makes_a_cycle_is_refused(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    parents(&*store, &[("key:a", "team:x"), ("team:x", "tenant:1")]).await?;
    for (child, parent) in [("tenant:1", "key:a"), ("team:x", "key:a"), ("key:a", "key:a")] {
        let refused = store.set_parent(&payer(child), Some(&payer(parent))).await;
        ensure_refused!(
            refused,
            Error::Invalid { .. },
            "{parent} was accepted as the parent of {child}"
        );
    }
    let ancestors = store.ancestors(&payer("key:a")).await?;
    ensure_eq!(
        ancestors,
        [payer("team:x"), payer("tenant:1")],
        "the ancestors after a refused parent"
    );
    Ok(())
}

/// Checks `BudgetKeeper` 9.
pub(super) async fn a_payers_spending_follows_it_to_another_parent(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    cap(&*store, "team:x", 100).await?;
    cap(&*store, "team:y", 100).await?;
    parents(&*store, &[("key:a", "team:x")]).await?;
    store.book(&entry_of("key:a", "m0", 20, 1)).await?;
    let open = hold_of("key:a", "m1", 50, 1);
    store.hold(&open).await?;
    ensure_eq!(used(&*store, "team:x").await?, (20, 50), "the amounts of the first parent");
    parents(&*store, &[("key:a", "team:y")]).await?;
    ensure_eq!(used(&*store, "team:x").await?, (0, 0), "the former parent still counts");
    ensure_eq!(used(&*store, "team:y").await?, (20, 50), "the new parent does not count");
    store.settle(&open.payer, &open.call, &paid(30)).await?;
    ensure_eq!(used(&*store, "team:y").await?, (50, 0), "the amounts after the settlement");
    store.set_parent(&payer("key:a"), None).await?;
    ensure_eq!(used(&*store, "team:y").await?, (0, 0), "a removed parent still counts");
    Ok(())
}

/// Checks `BudgetKeeper` 9.
pub(super) async fn a_task_that_is_not_a_part_can_have_a_registered_parent(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    cap(&*store, "key:a", 100).await?;
    // Before the task is created.
    parents(&*store, &[("task:top", "key:a")]).await?;
    store.create(&task("top", 0)).await?;
    store.create(&task("part", 1).with_parent(task_id("top"))).await?;
    store.hold(&hold("part", "m0", 60, 2)).await?;
    store.book(&entry("top", "m0", 20, 2)).await?;
    ensure_eq!(used(&*store, "key:a").await?, (20, 60), "the key does not cover its tasks");
    let ancestors = store.ancestors(&payer("task:part")).await?;
    ensure_eq!(ancestors, [payer("task:top"), payer("key:a")], "the ancestors of a part");
    Ok(())
}

/// Checks `BudgetKeeper` 9.
pub(super) async fn the_parent_of_a_part_is_not_changed(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("top", 0)).await?;
    store.create(&task("part", 1).with_parent(task_id("top"))).await?;
    let (part, key) = (payer("task:part"), payer("key:a"));
    for parent in [Some(&key), None] {
        let refused = store.set_parent(&part, parent).await;
        ensure_refused!(refused, Error::Invalid { .. }, "a part was given another parent");
    }
    ensure_eq!(
        store.ancestors(&part).await?,
        [payer("task:top")],
        "the ancestors of a part after a refused parent"
    );
    Ok(())
}

/// Checks `BudgetKeeper` 11.
pub(super) async fn parents_survive_a_restart(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    parents(&*store, &[("key:a", "team:x")]).await?;
    drop(store);
    let store = fixture.open().await;
    let ancestors = store.ancestors(&payer("key:a")).await?;
    ensure_eq!(ancestors, [payer("team:x")], "the ancestors after a restart");
    Ok(())
}

/// Renews a call of `key:a`, and one that is not open.
async fn renew(store: &dyn RunStore, call: &str, until: i64) -> Checked {
    let calls: [(Payer, _); 2] =
        [(payer("key:a"), call_id("unknown")), (payer("key:a"), call_id(call))];
    let renewed = store.renew(&calls, at(until)).await?;
    ensure_eq!(renewed, [Renewal::NotOpen, Renewal::Renewed], "the results of renewing");
    Ok(())
}

/// Checks `BudgetKeeper` 10.
pub(super) async fn a_renewed_hold_is_not_swept(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.hold(&hold_of("key:a", "m0", 40, 1)).await?;
    // Expired, but not swept yet.
    renew(&*store, "m0", 90).await?;
    ensure_eq!(store.sweep(at(89)).await?, 0, "a renewed hold was swept");
    ensure_eq!(store.sweep(at(90)).await?, 1, "a renewed hold was not swept after it expired");
    Ok(())
}

/// Checks `BudgetKeeper` 10.
pub(super) async fn renewing_never_shortens_a_hold(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.hold(&hold_of("key:a", "m0", 40, 1)).await?;
    renew(&*store, "m0", 90).await?;
    renew(&*store, "m0", 70).await?;
    let open = store.open_holds().await?;
    let expected = Hold { until: at(90), ..hold_of("key:a", "m0", 40, 1) };
    ensure_eq!(open, [expected], "a renewal shortened a hold or changed it");
    Ok(())
}

/// Checks `BudgetKeeper` 10.
pub(super) async fn a_hold_that_is_not_open_is_not_renewed(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let taken = hold_of("key:a", "m0", 40, 1);
    store.hold(&taken).await?;
    store.settle(&taken.payer, &taken.call, &Settlement::Nothing).await?;
    let renewed = store.renew(&[(taken.payer, taken.call)], at(90)).await?;
    ensure_eq!(renewed, [Renewal::NotOpen], "a settled hold was renewed");
    ensure_eq!(store.open_holds().await?, [], "renewing opened a hold");
    Ok(())
}
