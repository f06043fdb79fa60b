//! Clauses 2, 3 and 5: order and conditions of claims.

use super::Queue;
use crate::error::Error;
use crate::task::{Lease, TaskPriority, TaskStatus};
use crate::testing::kit::Checked;
use crate::testing::sample::{
    at, cancelled, claim, claim_of, completed, failed, task, task_id, worker,
};
use crate::testing::steps::{claimed, drain, end, enqueue};
use crate::{ensure, ensure_eq, ensure_refused};

/// Checks `TaskQueue` 2.
pub(super) async fn an_empty_queue_returns_no_task(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let next = queue.claim(&claim("a", 1, 9)).await?;
    ensure!(next.is_none(), "an empty queue returned {next:?}");
    Ok(())
}

/// Checks `TaskQueue` 2.
pub(super) async fn tasks_of_higher_priority_are_claimed_first(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    for (minute, priority) in
        [TaskPriority::Medium, TaskPriority::Low, TaskPriority::Urgent, TaskPriority::High]
            .into_iter()
            .enumerate()
    {
        let minute = i64::try_from(minute).unwrap_or_default();
        let task = task(priority.as_str(), minute).with_priority(priority);
        queue.enqueue(&task, at(minute)).await?;
    }
    let order = drain(&*queue, 10).await?;
    ensure_eq!(order, ["urgent", "high", "medium", "low"], "tasks are in another order");
    Ok(())
}

/// Checks `TaskQueue` 2.
pub(super) async fn among_equal_priorities_the_oldest_is_claimed_first(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    for (id, minute) in [("a-newest", 3), ("b-oldest", 1), ("c-middle", 2)] {
        // Enqueued at one time: the time of creation decides.
        queue.enqueue(&task(id, minute), at(5)).await?;
    }
    let order = drain(&*queue, 10).await?;
    ensure_eq!(order, ["b-oldest", "c-middle", "a-newest"], "tasks are in another order");
    Ok(())
}

/// Checks `TaskQueue` 2.
pub(super) async fn among_equal_ages_the_smallest_id_is_claimed_first(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    for id in ["b", "B", "a", "a0"] {
        enqueue(&*queue, id, 1).await?;
    }
    let order = drain(&*queue, 10).await?;
    ensure_eq!(order, ["B", "a", "a0", "b"], "tasks are in another order");
    Ok(())
}

/// Checks `TaskQueue` 2.
pub(super) async fn a_task_released_until_later_is_not_claimed_before(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 9)).await?.lease;
    queue.release(&lease, Some(at(20)), at(2)).await?;
    let early = queue.claim(&claim("b", 19, 30)).await?;
    ensure!(early.is_none(), "a task released until minute 20 was claimed at minute 19");
    claimed(&*queue, &claim("b", 20, 30)).await?;
    Ok(())
}

/// Checks `TaskQueue` 3.
pub(super) async fn a_claimed_task_is_running(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let mut expected = queue.enqueue(&task("t", 0), at(0)).await?;
    let claimed = claimed(&*queue, &claim("a", 1, 9)).await?;
    expected.status = TaskStatus::Running;
    expected.started_at = Some(at(1));
    expected.updated_at = at(1);
    ensure_eq!(claimed.task, expected, "the claimed task");
    let Lease { task, owner, until, .. } = claimed.lease;
    let expected = (task_id("t"), worker("a"), at(9));
    ensure_eq!((task, owner, until), expected, "the lease");
    Ok(())
}

/// Checks `TaskQueue` 3.
pub(super) async fn later_claims_keep_the_start_of_the_first(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    claimed(&*queue, &claim("a", 1, 5)).await?;
    let second = claimed(&*queue, &claim("b", 6, 9)).await?;
    ensure_eq!(second.task.started_at, Some(at(1)), "the start after the second claim");
    Ok(())
}

/// Checks `TaskQueue` 5.
pub(super) async fn a_named_task_is_claimed_in_any_status_but_completed(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    end(&*queue, "failed", &failed("tired")).await?;
    end(&*queue, "cancelled", &cancelled("me")).await?;
    enqueue(&*queue, "later", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 9)).await?.lease;
    queue.release(&lease, Some(at(99)), at(2)).await?;
    let urgent = task("urgent", 0).with_priority(TaskPriority::Urgent);
    queue.enqueue(&urgent, at(2)).await?;
    for id in ["failed", "cancelled", "later"] {
        let named = claimed(&*queue, &claim_of(id, "b", 3, 9)).await?;
        let found = (named.task.id, named.task.status, named.task.failure);
        let expected = (task_id(id), TaskStatus::Running, None);
        ensure_eq!(found, expected, "the task {id} was not claimed");
    }
    Ok(())
}

/// Checks `TaskQueue` 5.
pub(super) async fn claiming_a_task_under_a_lease_reports_its_owner(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    claimed(&*queue, &claim("a", 1, 9)).await?;
    ensure_refused!(
        queue.claim(&claim_of("t", "b", 2, 9)).await,
        Error::LeaseHeld { task, owner, until }
            if (&task, &owner, until) == (&task_id("t"), &worker("a"), at(9)),
        "a claim of a task under a lease was not refused with the owner and the time"
    );
    Ok(())
}

/// Checks `TaskQueue` 5.
pub(super) async fn claiming_a_completed_task_by_name_is_invalid(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    end(&*queue, "done", &completed("42")).await?;
    let named = queue.claim(&claim_of("done", "b", 3, 9)).await;
    ensure_refused!(named, Error::Invalid { .. }, "a completed task was claimed");
    Ok(())
}

/// Checks `TaskQueue` 5.
pub(super) async fn claiming_an_unknown_task_is_not_found(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "other", 0).await?;
    let named = queue.claim(&claim_of("unknown", "b", 3, 9)).await;
    ensure_refused!(named, Error::NotFound { .. }, "an unknown task was claimed");
    Ok(())
}
