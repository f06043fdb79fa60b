//! The kit of clauses that concern several contracts of one store.

use super::kit::{Checked, Fixture};
use super::sample::{
    always, at, budget, cancelled, claim, claim_of, entry, failed, hold, note, paid, run_finished,
    spawned, task, task_id, waiting,
};
use super::steps::{begin, claimed};
use crate::cost::{Budget, Period, Scope, Settlement};
use crate::error::Error;
use crate::journal::RunStore;
use crate::money::Usd;
use crate::state::StateManager;
use crate::task::{Failure, HeartbeatStatus, Spawned, Task, TaskFilter, TaskStatus};
use crate::{ensure, ensure_eq, ensure_refused, scenarios};

/// A store of runs and of states. Implemented for every type that is both.
pub trait RunAndStateStore: RunStore + StateManager {}

impl<S: RunStore + StateManager + ?Sized> RunAndStateStore for S {}

scenarios! {
    $crate
    /// Runs the scenarios of clauses that concern several contracts.
    store for Fixture<dyn RunAndStateStore>, in store_conformance;

    a_task_under_a_lease_is_not_deleted;
    a_task_with_an_expired_lease_can_be_deleted;
    deleting_a_task_deletes_its_journal_and_its_states;
    deleting_a_task_keeps_its_costs;
    holds_of_a_deleted_task_are_booked_in_full;
    a_created_task_is_not_claimed_until_it_is_enqueued;
    a_task_that_is_enqueued_again_does_not_wait_for_its_earlier_release;
    a_cancelled_task_has_its_status_times_and_reason;
    the_end_of_a_run_clears_the_request_to_cancel;
    a_task_that_is_cancelled_with_its_parent_has_its_status_times_and_reason;
    a_spawned_task_has_its_budget_while_it_has_not_ended;
    a_budget_of_a_spawned_task_that_was_changed_stays;
}

/// The fixture of a scenario.
type Stores<'a> = &'a dyn Fixture<dyn RunAndStateStore>;

/// Checks `TaskRepository` 6.
async fn a_task_under_a_lease_is_not_deleted(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    ensure_refused!(
        store.delete(&lease.task, at(59)).await,
        Error::LeaseHeld { owner, until, .. } if (&owner, until) == (&lease.owner, at(60)),
        "deleting a task under a lease was not refused with the owner and the time"
    );
    let found = store.get(&lease.task).await?.map(|task| task.status);
    ensure_eq!(found, Some(TaskStatus::Running), "the status of a task under a lease");
    store.append(&lease, 0, vec![note("still there")], at(59)).await?;
    Ok(())
}

/// Checks `TaskRepository` 6.
async fn a_task_with_an_expired_lease_can_be_deleted(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    ensure!(store.delete(&lease.task, at(60)).await?, "an abandoned task was not deleted");
    let late = store.append(&lease, 0, vec![note("late")], at(60)).await;
    ensure_refused!(late, Error::LeaseLost { .. }, "an append to a deleted task was accepted");
    Ok(())
}

/// Checks `TaskRepository` 6.
async fn deleting_a_task_deletes_its_journal_and_its_states(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    for id in ["t", "other"] {
        let lease = begin(&*store, id).await?;
        store.append(&lease, 0, vec![note(id)], at(1)).await?;
        store.save_snapshot(&lease.task, &id.into(), None, at(1)).await?;
    }
    let id = task_id("t");
    store.delete(&id, at(60)).await?;
    ensure_eq!(store.read(&id, 0, 9).await?, [], "a deleted task has a journal");
    ensure_eq!(store.tail(&id).await?, [], "a deleted task has a tail");
    ensure_eq!(store.list_snapshots(&id).await?, [], "a deleted task has states");
    ensure_eq!(store.load_snapshot(&id, None).await?, None, "a deleted task has a state");
    let other = task_id("other");
    ensure_eq!(store.read(&other, 0, 9).await?.len(), 1, "the number of events of another task");
    ensure_eq!(
        store.list_snapshots(&other).await?.len(),
        1,
        "the number of states of another task"
    );
    // A new task with the same id begins empty.
    let lease = begin(&*store, "t").await?;
    store.append(&lease, 0, vec![note("new")], at(61)).await?;
    Ok(())
}

/// Checks `TaskRepository` 6.
async fn deleting_a_task_keeps_its_costs(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    store.book(&entry("t", "m0", 5, 1)).await?;
    store.delete(&task_id("t"), at(2)).await?;
    let cost = store.cost_by_task(&task_id("t")).await?;
    ensure_eq!(cost, Usd::from_nanos(5), "the cost after the task was deleted");
    Ok(())
}

/// Checks `TaskRepository` 6.
async fn holds_of_a_deleted_task_are_booked_in_full(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&budget(Scope::Global, Period::Daily, 1000), at(0)).await?;
    for id in ["t", "other"] {
        store.create(&task(id, 0)).await?;
    }
    let held = [hold("t", "m0", 5, 1), hold("t", "m1", 7, 2), hold("other", "m0", 9, 1)];
    for hold in &held {
        store.hold(hold).await?;
    }
    let [first, second, other] = held;
    store.delete(&task_id("t"), at(3)).await?;
    ensure_eq!(store.open_holds().await?, [other], "the open holds");
    let booked = store.entries(always(), Some(&first.payer)).await?;
    let full = [&first, &second].map(|hold| hold.book(&Settlement::Full));
    let full: Vec<_> = full.into_iter().flatten().collect();
    ensure_eq!(booked, full, "the entries of a deleted task's holds");
    let budgets = store.budgets(at(4)).await?;
    let found: Vec<_> = budgets.into_iter().map(|status| (status.spent, status.held)).collect();
    let expected = [(Usd::from_nanos(12), Usd::from_nanos(9))];
    ensure_eq!(found, expected, "the spent and held amounts");
    // As from a worker that has not noticed the deletion.
    for settlement in [paid(4), Settlement::Nothing] {
        store.settle(&first.payer, &first.call, &settlement).await?;
        let booked = store.entries(always(), Some(&first.payer)).await?;
        let expected: Vec<_> =
            [first.book(&paid(4)), second.book(&Settlement::Full)].into_iter().flatten().collect();
        ensure_eq!(booked, expected, "the entries after a call of a deleted task completed");
    }
    Ok(())
}

/// Checks `TaskQueue` 1.
async fn a_created_task_is_not_claimed_until_it_is_enqueued(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    let mut created = store.create(&task("t", 0)).await?;
    let next = store.claim(&claim("a", 1, 9)).await?;
    ensure!(next.is_none(), "a task that was never enqueued was claimed");
    let pending = store.enqueue(&created, at(2)).await?;
    created.status = TaskStatus::Pending;
    created.updated_at = at(2);
    ensure_eq!(pending, created, "enqueueing a created task changed more than its status");
    let held = claimed(&*store, &claim_of("t", "a", 3, 9)).await?;
    let found = store.get(&task_id("t")).await?;
    ensure_eq!(found, Some(held.task), "the claimed task in the repository");
    Ok(())
}

/// Checks `TaskQueue` 1 and 2.
async fn a_task_that_is_enqueued_again_does_not_wait_for_its_earlier_release(
    fixture: Stores<'_>,
) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let released = store.release(&lease, Some(at(50)), at(1)).await?;
    let cancelled = Task { status: TaskStatus::Cancelled, ..released };
    store.update(&cancelled, at(2)).await?;
    store.enqueue(&cancelled, at(3)).await?;
    claimed(&*store, &claim("b", 4, 9)).await?;
    Ok(())
}

/// Checks `TaskQueue` 8.
async fn a_cancelled_task_has_its_status_times_and_reason(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    let created = store.create(&task("t", 0)).await?;
    store.request_cancel(&created.id, at(5)).await?;
    let found = store.get(&created.id).await?;
    let found = found.map(|t| (t.status, t.completed_at, t.updated_at, t.failure.is_some()));
    let expected = Some((TaskStatus::Cancelled, Some(at(5)), at(5), true));
    ensure_eq!(found, expected, "status, times and reason of a cancelled task");
    Ok(())
}

/// Checks `TaskQueue` 8.
async fn the_end_of_a_run_clears_the_request_to_cancel(fixture: Stores<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.request_cancel(&lease.task, at(1)).await?;
    store.append(&lease, 0, vec![run_finished(failed("tired"))], at(2)).await?;
    store.enqueue(&task("t", 0), at(3)).await?;
    let lease = claimed(&*store, &claim("a", 4, 9)).await?.lease;
    let beats = store.heartbeat(&[lease], at(20)).await?;
    ensure_eq!(beats, [HeartbeatStatus::Held], "a resumed task has a request to cancel");
    Ok(())
}

/// Checks `TaskQueue` 15.
async fn a_task_that_is_cancelled_with_its_parent_has_its_status_times_and_reason(
    fixture: Stores<'_>,
) -> Checked {
    let store = fixture.open().await;
    let parent = begin(&*store, "t").await?;
    for id in ["pending", "parked", "later"] {
        store.spawn(&parent, &spawned(id, "t"), at(0)).await?;
    }
    let parked = claimed(&*store, &claim_of("parked", "a", 1, 9)).await?.lease;
    store.park(&parked, &waiting(), at(2)).await?;
    let later = claimed(&*store, &claim_of("later", "a", 1, 9)).await?.lease;
    store.release(&later, Some(at(50)), at(2)).await?;
    let all = TaskFilter { below: Some(task_id("t")), ..TaskFilter::default() };
    let before = store.list(&all).await?;
    store.request_cancel(&parent.task, at(5)).await?;
    let cancelled = before.into_iter().map(|task| Task {
        status: TaskStatus::Cancelled,
        completed_at: Some(at(5)),
        updated_at: at(5),
        failure: Some(Failure::from(&Error::Cancelled)),
        waiting: None,
        ..task
    });
    let cancelled: Vec<_> = cancelled.collect();
    ensure_eq!(store.list(&all).await?, cancelled, "the tasks that waited");
    Ok(())
}

/// Spawns a task with a budget; returns it, and the budget.
async fn with_budget(store: &dyn RunAndStateStore, id: &str) -> Checked<(Task, Budget)> {
    let parent = format!("{id}-parent");
    let lease = begin(store, &parent).await?;
    let mut task = spawned(id, &parent);
    task.options.spawned = Some(Spawned::at_level(1).with_budget(Some(Usd::from_nanos(5))));
    let task = store.spawn(&lease, &task, at(0)).await?;
    Ok((task, budget(Scope::task(task_id(id)), Period::Total, 5)))
}

async fn ensure_budgets(store: &dyn RunAndStateStore, expected: &[&Budget], when: &str) -> Checked {
    let found = store.budgets(at(1)).await?;
    let found: Vec<_> = found.iter().map(|status| &status.budget).collect();
    ensure_eq!(found, expected, "the budgets of a task that {when}");
    Ok(())
}

/// Checks `TaskQueue` 18.
async fn a_spawned_task_has_its_budget_while_it_has_not_ended(fixture: Stores<'_>) -> Checked {
    let store = &*fixture.open().await;
    let (task, own) = with_budget(store, "t").await?;
    ensure_budgets(store, &[&own], "was spawned").await?;
    let lease = claimed(store, &claim_of("t", "a", 1, 9)).await?.lease;
    store.release(&lease, None, at(2)).await?;
    ensure_budgets(store, &[&own], "was released").await?;
    let lease = claimed(store, &claim_of("t", "a", 3, 9)).await?.lease;
    store.append(&lease, 0, vec![run_finished(failed("tired"))], at(4)).await?;
    ensure_budgets(store, &[], "has failed").await?;
    let lease = claimed(store, &claim_of("t", "a", 5, 9)).await?.lease;
    ensure_budgets(store, &[&own], "was claimed again").await?;
    store.finish(&lease, &cancelled("me"), at(6)).await?;
    ensure_budgets(store, &[], "was cancelled").await?;
    for parent in ["t", "t-parent"] {
        store.enqueue(&task, at(7)).await?;
        ensure_budgets(store, &[&own], "was enqueued again").await?;
        store.request_cancel(&task_id(parent), at(8)).await?;
        ensure_budgets(store, &[], "was cancelled while it waited").await?;
    }
    store.enqueue(&task, at(9)).await?;
    store.delete(&task.id, at(9)).await?;
    ensure_budgets(store, &[], "was deleted").await
}

/// Checks `TaskQueue` 18.
async fn a_budget_of_a_spawned_task_that_was_changed_stays(fixture: Stores<'_>) -> Checked {
    let store = &*fixture.open().await;
    let (task, own) = with_budget(store, "t").await?;
    let changed = Budget { amount: Usd::from_nanos(9), ..own };
    store.set_budget(&changed, at(1)).await?;
    let lease = claimed(store, &claim_of("t", "a", 1, 9)).await?.lease;
    store.finish(&lease, &failed("tired"), at(2)).await?;
    ensure_budgets(store, &[&changed], "has failed").await?;
    store.enqueue(&task, at(3)).await?;
    ensure_budgets(store, &[&changed], "was enqueued again").await?;
    store.delete(&task.id, at(4)).await?;
    ensure_budgets(store, &[&changed], "was deleted").await
}
