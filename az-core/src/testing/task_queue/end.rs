//! Clauses 7 and 8: finishing, releasing, cancelling.

use super::Queue;
use crate::error::Error;
use crate::task::{CancelOutcome, Failure, HeartbeatStatus, Lease, Outcome, TaskStatus};
use crate::testing::kit::Checked;
use crate::testing::sample::{
    at, cancelled, claim, claim_of, completed, failed, task, task_id, worker,
};
use crate::testing::steps::{claimed, end, enqueue};
use crate::{ensure, ensure_eq, ensure_refused};

/// Checks `TaskQueue` 7.
pub(super) async fn finishing_ends_the_task(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    for (id, outcome) in [
        ("completed", completed("42")),
        ("failed", failed("tired")),
        ("cancelled", cancelled("me")),
    ] {
        enqueue(&*queue, id, 0).await?;
        let held = claimed(&*queue, &claim("a", 1, 9)).await?;
        let mut expected = held.task;
        outcome.apply(&mut expected, at(2))?;
        let ended = queue.finish(&held.lease, &outcome, at(2)).await?;
        ensure_eq!(ended, expected, "the task was not ended as {id}");
        ensure_eq!(queue.lease(&task_id(id)).await?, None, "a {id} task still has a lease");
        let next = queue.claim(&claim("b", 20, 30)).await?;
        ensure!(next.is_none(), "a {id} task was claimed again: {next:?}");
    }
    Ok(())
}

/// Checks `TaskQueue` 7.
pub(super) async fn a_finished_task_is_not_finished_again(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 9)).await?.lease;
    queue.finish(&lease, &completed("first"), at(2)).await?;
    let twice = queue.finish(&lease, &completed("second"), at(3)).await;
    ensure_refused!(twice, Error::LeaseLost { .. }, "a task was finished twice");
    let back = queue.release(&lease, None, at(3)).await;
    ensure_refused!(back, Error::LeaseLost { .. }, "a finished task was released");
    Ok(())
}

/// Checks `TaskQueue` 7.
pub(super) async fn a_stale_lease_cannot_finish(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let old = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    let new = claimed(&*queue, &claim("b", 6, 9)).await?.lease;
    ensure_refused!(
        queue.finish(&old, &completed("late"), at(6)).await,
        Error::LeaseLost { owner, .. } if owner == Some(worker("b")),
        "a superseded lease finished the task, or the refusal does not name the owner"
    );
    let forged = Lease { owner: worker("c"), ..new.clone() };
    let forged = queue.finish(&forged, &completed("forged"), at(6)).await;
    ensure_refused!(forged, Error::LeaseLost { .. }, "a forged lease finished the task");
    queue.finish(&new, &completed("on time"), at(7)).await?;
    Ok(())
}

/// Checks `TaskQueue` 7.
pub(super) async fn a_stale_lease_cannot_release(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let old = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    let new = claimed(&*queue, &claim("b", 6, 9)).await?.lease;
    let released = queue.release(&old, None, at(6)).await;
    ensure_refused!(released, Error::LeaseLost { .. }, "a superseded lease released the task");
    ensure_eq!(queue.lease(&new.task).await?, Some(new), "the current lease");
    Ok(())
}

/// Checks `TaskQueue` 7.
pub(super) async fn an_expired_lease_may_finish_until_it_is_superseded(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    let ended = queue.finish(&lease, &completed("42"), at(8)).await?;
    ensure_eq!(ended.status, TaskStatus::Completed, "the status after finishing late");
    Ok(())
}

/// Checks `TaskQueue` 7.
pub(super) async fn a_released_task_is_pending_again(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 9)).await?.lease;
    let released = queue.release(&lease, None, at(2)).await?;
    let found = (released.status, released.completed_at, released.updated_at);
    ensure_eq!(found, (TaskStatus::Pending, None, at(2)), "the task after its release");
    ensure_eq!(queue.lease(&task_id("t")).await?, None, "a released task still has a lease");
    claimed(&*queue, &claim("b", 2, 9)).await?;
    Ok(())
}

/// Checks `TaskQueue` 8.
pub(super) async fn cancelling_a_waiting_task_ends_it(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let outcome = queue.request_cancel(&task_id("t"), at(1)).await?;
    ensure_eq!(outcome, CancelOutcome::Cancelled, "a waiting task was not cancelled");
    let next = queue.claim(&claim("a", 2, 9)).await?;
    ensure!(next.is_none(), "a cancelled task was claimed: {next:?}");
    Ok(())
}

/// Checks `TaskQueue` 8.
pub(super) async fn cancelling_a_running_task_stores_a_request_for_its_owner(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    for (id, owner) in [("t", "a"), ("quiet", "a"), ("other", "b")] {
        enqueue(&*queue, id, 0).await?;
        claimed(&*queue, &claim_of(id, owner, 1, 9)).await?;
    }
    for id in ["t", "other"] {
        let outcome = queue.request_cancel(&task_id(id), at(2)).await?;
        ensure_eq!(outcome, CancelOutcome::Requested, "the cancellation of {id} was not requested");
    }
    let asked = queue.cancel_requests(&worker("a")).await?;
    ensure_eq!(asked, [task_id("t")], "the requests for the owner");
    let lease = queue.lease(&task_id("t")).await?;
    ensure!(lease.is_some(), "a request to cancel ended the lease");
    Ok(())
}

/// Checks `TaskQueue` 8.
pub(super) async fn cancelling_an_ended_task_changes_nothing(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    for outcome in [completed("42"), failed("tired"), cancelled("me")] {
        let status = outcome.status();
        let id = task_id(status.as_str());
        end(&*queue, status.as_str(), &outcome).await?;
        let cancel = queue.request_cancel(&id, at(3)).await?;
        ensure_eq!(cancel, CancelOutcome::AlreadyEnded(status), "an ended task was cancelled");
    }
    let asked = queue.cancel_requests(&worker("ender")).await?;
    ensure_eq!(asked, [], "a task that has ended has a request to cancel");
    Ok(())
}

/// Checks `TaskQueue` 8.
pub(super) async fn cancelling_an_unknown_task_is_not_found(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let unknown = queue.request_cancel(&task_id("unknown"), at(1)).await;
    ensure_refused!(unknown, Error::NotFound { .. }, "an unknown task was cancelled");
    Ok(())
}

/// Checks `TaskQueue` 8.
pub(super) async fn a_request_to_cancel_outlives_the_lease(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    claimed(&*queue, &claim("a", 1, 5)).await?;
    queue.request_cancel(&task_id("t"), at(2)).await?;
    claimed(&*queue, &claim("b", 6, 9)).await?;
    let asked = queue.cancel_requests(&worker("b")).await?;
    ensure_eq!(asked, [task_id("t")], "the request after the lease was superseded");
    Ok(())
}

/// Checks `TaskQueue` 8.
pub(super) async fn a_claim_by_name_clears_the_request_to_cancel(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    claimed(&*queue, &claim("a", 1, 5)).await?;
    queue.request_cancel(&task_id("t"), at(2)).await?;
    let lease = claimed(&*queue, &claim_of("t", "b", 6, 9)).await?.lease;
    for owner in ["a", "b"] {
        let asked = queue.cancel_requests(&worker(owner)).await?;
        ensure_eq!(asked, [], "{owner} has a request to cancel a task that was resumed after it");
    }
    let beats = queue.heartbeat(&[lease], at(20)).await?;
    ensure_eq!(beats, [HeartbeatStatus::Held], "a claim by name kept the request to cancel");
    Ok(())
}

/// Checks `TaskQueue` 8.
pub(super) async fn the_end_of_a_task_clears_the_request_to_cancel(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    for outcome in [failed("tired"), cancelled("me")] {
        let id = outcome.status().as_str();
        enqueue(&*queue, id, 0).await?;
        let lease = claimed(&*queue, &claim("a", 1, 9)).await?.lease;
        queue.request_cancel(&lease.task, at(2)).await?;
        queue.finish(&lease, &outcome, at(3)).await?;
        queue.enqueue(&task(id, 0), at(4)).await?;
        let lease = claimed(&*queue, &claim("a", 5, 9)).await?.lease;
        ensure_eq!(lease.task, task_id(id), "another task was claimed");
        let asked = queue.cancel_requests(&worker("a")).await?;
        ensure_eq!(asked, [], "a {id} task that was resumed has a request to cancel");
        queue.finish(&lease, &completed("42"), at(6)).await?;
    }
    Ok(())
}

/// Checks `TaskQueue` 7.
pub(super) async fn releasing_a_task_with_a_request_to_cancel_ends_it(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let held = claimed(&*queue, &claim("a", 1, 9)).await?;
    queue.request_cancel(&task_id("t"), at(2)).await?;
    let mut expected = held.task;
    let failure = Failure::from(&Error::Cancelled);
    Outcome::Cancelled { failure }.apply(&mut expected, at(3))?;
    let released = queue.release(&held.lease, Some(at(4)), at(3)).await?;
    ensure_eq!(released, expected, "the released task with a request to cancel");
    ensure_eq!(queue.lease(&task_id("t")).await?, None, "a cancelled task still has a lease");
    let next = queue.claim(&claim("b", 20, 30)).await?;
    ensure!(next.is_none(), "a cancelled task was claimed again: {next:?}");
    // Once resumed, the task has no request from before it ended.
    queue.enqueue(&task("t", 0), at(21)).await?;
    let lease = claimed(&*queue, &claim("b", 21, 30)).await?.lease;
    let beats = queue.heartbeat(&[lease], at(40)).await?;
    ensure_eq!(beats, [HeartbeatStatus::Held], "the request was kept after the end");
    Ok(())
}
