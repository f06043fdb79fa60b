//! Clauses 13 and 14: parked tasks.

use super::Queue;
use crate::error::Error;
use crate::task::{CancelOutcome, Failure, Lease, Outcome, Task, TaskStatus, Waiting};
use crate::testing::kit::Checked;
use crate::testing::sample::{at, claim, claim_of, task, task_id, waiting, worker};
use crate::testing::steps::{claimed, drain, enqueue, park};
use crate::{ensure, ensure_eq, ensure_refused};

/// Checks `TaskQueue` 13.
pub(super) async fn a_parked_task_is_pending_and_has_its_wait(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let held = claimed(&*queue, &claim("a", 1, 9)).await?;
    let wait = waiting().with_deny_at(Some(at(30)));
    let parked = queue.park(&held.lease, &wait, at(2)).await?;
    let expected = Task {
        status: TaskStatus::Pending,
        updated_at: at(2),
        waiting: Some(Box::new(Waiting { since: at(2), ..wait })),
        ..held.task
    };
    ensure_eq!(parked, expected, "the parked task");
    ensure_eq!(queue.lease(&task_id("t")).await?, None, "a parked task still has a lease");
    Ok(())
}

/// Checks `TaskQueue` 13.
pub(super) async fn parking_needs_the_current_lease(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let old = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    let new = claimed(&*queue, &claim("b", 6, 9)).await?.lease;
    let forged = Lease { owner: worker("c"), ..new.clone() };
    for lease in [&old, &forged] {
        let parked = queue.park(lease, &waiting(), at(6)).await;
        ensure_refused!(parked, Error::LeaseLost { .. }, "the lease of {} parked", lease.owner);
    }
    ensure_eq!(queue.lease(&new.task).await?, Some(new.clone()), "the current lease");
    // An expired lease is current until it is superseded.
    queue.park(&new, &waiting(), at(20)).await?;
    Ok(())
}

/// Checks `TaskQueue` 13.
pub(super) async fn parking_a_task_with_a_request_to_cancel_ends_it(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let held = claimed(&*queue, &claim("a", 1, 9)).await?;
    queue.request_cancel(&task_id("t"), at(2)).await?;
    let mut expected = held.task;
    let failure = Failure::from(&Error::Cancelled);
    Outcome::Cancelled { failure }.apply(&mut expected, at(3))?;
    let parked = queue.park(&held.lease, &waiting(), at(3)).await?;
    ensure_eq!(parked, expected, "the parked task with a request to cancel");
    Ok(())
}

/// Checks `TaskQueue` 14.
pub(super) async fn a_parked_task_is_not_claimed(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let parked = park(&*queue, "t", &waiting()).await?;
    enqueue(&*queue, "later", 5).await?;
    ensure_eq!(drain(&*queue, 10_000).await?, ["later"], "the tasks that were claimed");
    let named = queue.claim(&claim_of("t", "a", 10, 20)).await;
    ensure_refused!(
        named,
        Error::Waiting { task, what } if (task.as_str(), what.as_str()) == ("t", "approval of echo"),
        "a claim of a parked task by name was not refused with what it waits for"
    );
    let enqueued = queue.enqueue(&task("t", 0), at(11)).await?;
    ensure_eq!(enqueued, parked, "the parked task after it was enqueued");
    let next = queue.claim(&claim("a", 12, 20)).await?;
    ensure!(next.is_none(), "a parked task that was enqueued was claimed: {next:?}");
    Ok(())
}

/// Checks `TaskQueue` 14.
pub(super) async fn parked_tasks_are_claimed_in_order_once_their_time_ran_out(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    // Created in another order than that in which their time runs out.
    for (id, deny_at) in [("last", 30), ("second-b", 20), ("second-a", 20), ("first", 15)] {
        park(&*queue, id, &waiting().with_deny_at(Some(at(deny_at)))).await?;
    }
    let next = queue.claim(&claim("a", 14, 60)).await?;
    ensure!(next.is_none(), "a parked task was claimed before its time ran out: {next:?}");
    let named = queue.claim(&claim_of("first", "a", 14, 60)).await;
    ensure_refused!(named, Error::Waiting { .. }, "a claim by name before the time ran out");
    let order = drain(&*queue, 20).await?;
    ensure_eq!(order, ["first", "second-a", "second-b"], "the tasks whose time ran out");
    let held = claimed(&*queue, &claim_of("last", "a", 30, 60)).await?;
    let found = (held.task.status, held.task.waiting);
    ensure_eq!(found, (TaskStatus::Running, None), "the status and the wait of a claimed task");
    Ok(())
}

/// Checks `TaskQueue` 14.
pub(super) async fn cancelling_a_parked_task_ends_it(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    park(&*queue, "t", &waiting().with_deny_at(Some(at(9)))).await?;
    let outcome = queue.request_cancel(&task_id("t"), at(3)).await?;
    ensure_eq!(outcome, CancelOutcome::Cancelled, "the outcome of cancelling a parked task");
    let next = queue.claim(&claim("a", 20, 30)).await?;
    ensure!(next.is_none(), "a parked task that was cancelled was claimed: {next:?}");
    queue.enqueue(&task("t", 0), at(20)).await?;
    let resumed = claimed(&*queue, &claim("a", 20, 30)).await?.task;
    ensure_eq!(resumed.waiting, None, "the wait of a task that was cancelled");
    Ok(())
}
