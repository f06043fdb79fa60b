//! Clauses 1 and 9: enqueueing.

use super::Queue;
use crate::error::Error;
use crate::task::{Claim, LARGEST_COMMAND, TaskPriority, TaskStatus};
use crate::testing::kit::Checked;
use crate::testing::sample::{
    at, cancelled, claim, completed, failed, odd_time, task, task_id, worker,
};
use crate::testing::steps::{claimed, end, enqueue};
use crate::{ensure, ensure_eq, ensure_refused};

/// Checks `TaskQueue` 1.
pub(super) async fn enqueueing_makes_a_task_pending(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let mut expected = task("new", 0).with_priority(TaskPriority::High).with_model("m");
    let stored = queue.enqueue(&expected, at(1)).await?;
    expected.status = TaskStatus::Pending;
    expected.updated_at = at(1);
    ensure_eq!(stored, expected, "the stored task");
    let claimed = claimed(&*queue, &claim("a", 2, 9)).await?;
    ensure_eq!(claimed.task.id, expected.id, "another task than the enqueued one was claimed");
    Ok(())
}

/// Checks `TaskQueue` 1.
pub(super) async fn enqueueing_again_changes_nothing(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let waiting = queue.enqueue(&task("t", 0), at(1)).await?;
    let again = queue.enqueue(&task("t", 0), at(2)).await?;
    ensure_eq!(again, waiting, "enqueueing a pending task changed it");
    let running = claimed(&*queue, &claim("a", 3, 9)).await?;
    let again = queue.enqueue(&task("t", 0), at(4)).await?;
    ensure_eq!(again, running.task, "enqueueing a running task changed it");
    let lease = queue.lease(&task_id("t")).await?;
    ensure_eq!(lease, Some(running.lease), "the lease after a running task was enqueued");
    Ok(())
}

/// Checks `TaskQueue` 1.
pub(super) async fn a_failed_or_cancelled_task_can_be_enqueued_again(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    for (id, outcome) in [("failed", failed("tired")), ("cancelled", cancelled("me"))] {
        end(&*queue, id, &outcome).await?;
        let again = queue.enqueue(&task(id, 0), at(3)).await?;
        ensure_eq!(
            again.status,
            TaskStatus::Pending,
            "the status of a {id} task that was enqueued"
        );
        ensure_eq!(again.completed_at, None, "the end of a {id} task that was enqueued");
        let next = claimed(&*queue, &claim("b", 4, 9)).await?;
        ensure_eq!(next.task.id, task_id(id), "the next task after a {id} one was enqueued");
    }
    Ok(())
}

/// Checks `TaskQueue` 1.
pub(super) async fn a_completed_task_is_not_enqueued_again(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    end(&*queue, "done", &completed("42")).await?;
    let again = queue.enqueue(&task("done", 0), at(3)).await;
    ensure_refused!(again, Error::Invalid { .. }, "a completed task was enqueued");
    let next = queue.claim(&claim("b", 4, 9)).await?;
    ensure!(next.is_none(), "a completed task was claimed: {next:?}");
    Ok(())
}

/// Checks `TaskQueue` 1.
pub(super) async fn another_task_with_a_stored_id_is_refused(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let mut other = task("t", 5);
    other.command = "something else".to_owned();
    let refused = queue.enqueue(&other, at(5)).await;
    ensure_refused!(refused, Error::AlreadyExists { .. }, "two tasks share an id");
    let first = claimed(&*queue, &claim("a", 6, 9)).await?;
    ensure_eq!(first.task.command, task("t", 0).command, "the refused task was stored");
    Ok(())
}

/// Checks `TaskQueue` 1.
pub(super) async fn a_large_command_in_any_script_is_claimed_unchanged(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    let mut large = task("large", 0);
    large.command = "日本語 \u{1F980} ' \" \\ \r\n\u{7}% ".repeat(LARGEST_COMMAND / 32);
    queue.enqueue(&large, at(0)).await?;
    let found = claimed(&*queue, &claim("a", 1, 9)).await?;
    ensure!(found.task.command == large.command, "a large command was changed");
    Ok(())
}

/// Checks `TaskQueue` 11.
pub(super) async fn enqueued_tasks_survive_a_restart(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let stored = queue.enqueue(&task("t", 0), at(1)).await?;
    drop(queue);
    let queue = fixture.open().await;
    let again = queue.enqueue(&task("t", 0), at(2)).await?;
    ensure_eq!(again, stored, "an acknowledged task was lost or changed");
    claimed(&*queue, &claim("a", 3, 9)).await?;
    Ok(())
}

/// Checks `TaskQueue` 9.
pub(super) async fn times_come_from_the_caller(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    // Long ago, and with a fraction of a second: no wall clock returns it, and nothing is rounded.
    let ago = |minute: i64| odd_time(minute - 1_000_000);
    let mut expected = task("t", 0);
    expected.created_at = ago(0);
    expected.updated_at = ago(0);
    let stored = queue.enqueue(&expected, ago(1)).await?;
    ensure_eq!((stored.created_at, stored.updated_at), (ago(0), ago(1)), "times were changed");
    let claim = Claim::next(worker("a"), ago(2), ago(5));
    let held = claimed(&*queue, &claim).await?;
    let found = (held.task.started_at, held.task.updated_at, held.lease.until);
    ensure_eq!(found, (Some(ago(2)), ago(2), ago(5)), "times were changed");
    let ended = queue.finish(&held.lease, &completed("42"), ago(3)).await?;
    let found = (ended.created_at, ended.started_at, ended.completed_at);
    ensure_eq!(found, (ago(0), Some(ago(2)), Some(ago(3))), "times were changed");
    Ok(())
}
