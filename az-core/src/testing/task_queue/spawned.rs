//! Clauses 15 to 17: spawned tasks, and claims of queued tasks by name.

use super::Queue;
use crate::error::Error;
use crate::task::{HeartbeatStatus, Lease, TaskQueue, TaskStatus};
use crate::testing::kit::Checked;
use crate::testing::sample::{
    at, cancelled, claim_of, completed, failed, spawned, task, task_id, waiting,
};
use crate::testing::steps::{begin, claimed, drain, end, enqueue};
use crate::{ensure_eq, ensure_refused};

/// The tasks below one that is running: `waiting` and `busy` are spawned and `busy` has spawned `below`, `part` is a
/// part that was not spawned, and `other` belongs to another task.
struct Family {
    parent: Lease,
    busy: Lease,
    part: Lease,
}

impl Family {
    async fn new<Q: TaskQueue + ?Sized>(queue: &Q, parent: &str) -> Checked<Self> {
        let id = |name: &str| format!("{parent}-{name}");
        let lease = begin(queue, parent).await?;
        for name in ["waiting", "busy"] {
            queue.spawn(&lease, &spawned(&id(name), parent), at(0)).await?;
        }
        let busy = claimed(queue, &claim_of(&id("busy"), "a", 0, 60)).await?.lease;
        queue.spawn(&busy, &spawned(&id("below"), &id("busy")), at(0)).await?;
        let elsewhere = begin(queue, &id("elsewhere")).await?;
        queue.spawn(&elsewhere, &spawned(&id("other"), &id("elsewhere")), at(0)).await?;
        let part = task(&id("part"), 0).with_parent(task_id(parent));
        queue.enqueue(&part, at(0)).await?;
        let part = claimed(queue, &claim_of(&id("part"), "a", 0, 60)).await?.lease;
        Ok(Self { parent: lease, busy, part })
    }

    /// Checks that what was spawned is cancelled, and nothing else.
    async fn check<Q: TaskQueue + ?Sized>(&self, queue: &Q, after: &str) -> Checked {
        for (lease, expected) in
            [(&self.busy, HeartbeatStatus::CancelRequested), (&self.part, HeartbeatStatus::Held)]
        {
            let found = queue.heartbeat(std::slice::from_ref(lease), at(61)).await?;
            ensure_eq!(found, [expected], "the lease of {} after {after}", lease.task);
        }
        let left = drain(queue, 9).await?;
        let other = format!("{}-other", self.parent.task);
        ensure_eq!(left, [other], "the tasks that are left after {after}");
        Ok(())
    }
}

/// Checks `TaskQueue` 15.
pub(super) async fn the_end_of_a_task_cancels_what_it_has_spawned(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    for (id, outcome) in [
        ("completed", completed("42")),
        ("failed", failed("tired")),
        ("cancelled", cancelled("me")),
    ] {
        let family = Family::new(&*queue, id).await?;
        queue.finish(&family.parent, &outcome, at(2)).await?;
        family.check(&*queue, &format!("its parent was {id}")).await?;
    }
    Ok(())
}

/// Checks `TaskQueue` 15.
pub(super) async fn a_request_to_cancel_a_task_cancels_what_it_has_spawned(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    let running = Family::new(&*queue, "running").await?;
    queue.request_cancel(&task_id("running"), at(2)).await?;
    running.check(&*queue, "a request to cancel its running parent").await?;
    let parked = Family::new(&*queue, "parked").await?;
    queue.park(&parked.parent, &waiting(), at(1)).await?;
    queue.request_cancel(&task_id("parked"), at(2)).await?;
    parked.check(&*queue, "its parked parent was cancelled").await
}

/// Checks `TaskQueue` 15.
pub(super) async fn what_goes_on_below_a_task_that_has_ended_is_cancelled_too(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    let top = begin(&*queue, "top").await?;
    queue.spawn(&top, &spawned("ended", "top"), at(0)).await?;
    let ended = claimed(&*queue, &claim_of("ended", "a", 0, 60)).await?.lease;
    queue.spawn(&ended, &spawned("below", "ended"), at(0)).await?;
    queue.finish(&ended, &completed("42"), at(1)).await?;
    // As a person resumes it.
    let below = claimed(&*queue, &claim_of("below", "a", 2, 60)).await?.lease;
    queue.request_cancel(&task_id("top"), at(3)).await?;
    let found = queue.heartbeat(&[below], at(61)).await?;
    ensure_eq!(found, [HeartbeatStatus::CancelRequested], "the task below one that has ended");
    Ok(())
}

/// Checks `TaskQueue` 15.
pub(super) async fn releasing_or_parking_a_task_cancels_nothing(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let released = Family::new(&*queue, "released").await?;
    queue.release(&released.parent, None, at(1)).await?;
    let parked = Family::new(&*queue, "parked").await?;
    queue.park(&parked.parent, &waiting(), at(1)).await?;
    let found = queue.heartbeat(&[released.busy, parked.busy], at(61)).await?;
    ensure_eq!(found, [HeartbeatStatus::Held; 2], "spawned tasks of tasks that continue");
    Ok(())
}

/// Checks `TaskQueue` 16.
pub(super) async fn a_claim_of_a_queued_task_by_name_resumes_none(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    for (id, outcome) in [("failed", failed("tired")), ("cancelled", cancelled("me"))] {
        end(&*queue, id, &outcome).await?;
        let again = queue.claim(&claim_of(id, "a", 3, 9).if_queued()).await;
        ensure_refused!(again, Error::Invalid { .. }, "a {id} task was claimed as a queued one");
    }
    let later = begin(&*queue, "later").await?;
    queue.release(&later, Some(at(7)), at(1)).await?;
    let early = queue.claim(&claim_of("later", "a", 3, 9).if_queued()).await;
    ensure_refused!(
        early,
        Error::Invalid { .. },
        "a task that was released until later was claimed"
    );
    let held = begin(&*queue, "held").await?;
    let twice = queue.claim(&claim_of("held", "b", 3, 9).if_queued()).await;
    ensure_refused!(twice, Error::LeaseHeld { .. }, "a task under the lease of {}", held.owner);
    enqueue(&*queue, "next", 0).await?;
    claimed(&*queue, &claim_of("next", "a", 3, 9).if_queued()).await?;
    Ok(())
}

/// Checks `TaskQueue` 16.
pub(super) async fn a_claim_of_a_queued_task_by_name_keeps_a_request_to_cancel(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    claimed(&*queue, &claim_of("t", "a", 1, 5)).await?;
    queue.request_cancel(&task_id("t"), at(2)).await?;
    let lease = claimed(&*queue, &claim_of("t", "b", 6, 9).if_queued()).await?.lease;
    let found = queue.heartbeat(&[lease], at(10)).await?;
    ensure_eq!(found, [HeartbeatStatus::CancelRequested], "the request to cancel after the claim");
    Ok(())
}

/// Checks `TaskQueue` 17.
pub(super) async fn a_task_is_spawned_under_the_current_lease_of_its_parent_only(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    let (released, ended) = (begin(&*queue, "released").await?, begin(&*queue, "ended").await?);
    let superseded = begin(&*queue, "superseded").await?;
    queue.release(&released, None, at(1)).await?;
    queue.finish(&ended, &completed("42"), at(1)).await?;
    let current = claimed(&*queue, &claim_of("superseded", "b", 70, 90)).await?.lease;
    let unknown = Lease { task: task_id("unknown"), ..current.clone() };
    for lease in [released, ended, superseded, unknown] {
        let parent = lease.task.as_str();
        let late = queue.spawn(&lease, &spawned("late", parent), at(71)).await;
        ensure_refused!(late, Error::LeaseLost { .. }, "a task that is {parent} spawned another");
    }
    // Also after it has expired.
    let child = queue.spawn(&current, &spawned("child", "superseded"), at(99)).await?;
    let found = (child.status, child.updated_at);
    ensure_eq!(found, (TaskStatus::Pending, at(99)), "a task that was spawned");
    let mut left = drain(&*queue, 71).await?;
    left.sort_unstable();
    ensure_eq!(left, ["child", "released"], "the tasks in the queue");
    Ok(())
}

/// Checks `TaskQueue` 17.
pub(super) async fn a_task_that_is_to_be_cancelled_spawns_none(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let lease = begin(&*queue, "t").await?;
    queue.request_cancel(&lease.task, at(1)).await?;
    let late = queue.spawn(&lease, &spawned("late", "t"), at(2)).await;
    ensure_refused!(late, Error::Cancelled, "a task that is to be cancelled spawned another");
    ensure_eq!(drain(&*queue, 3).await?, [""; 0], "the tasks in the queue");
    Ok(())
}

/// Checks `TaskQueue` 17.
pub(super) async fn a_spawned_task_is_queued_by_its_parent_only(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let lease = begin(&*queue, "t").await?;
    for other in [task("part", 0).with_parent(task_id("t")), spawned("child", "another")] {
        let refused = queue.spawn(&lease, &other, at(1)).await;
        ensure_refused!(refused, Error::Invalid { .. }, "{} was spawned", other.id);
    }
    let refused = queue.enqueue(&spawned("child", "t"), at(1)).await;
    ensure_refused!(refused, Error::Invalid { .. }, "a new spawned task was enqueued");
    ensure_eq!(drain(&*queue, 2).await?, [""; 0], "the tasks in the queue");
    Ok(())
}

/// Checks `TaskQueue` 17.
pub(super) async fn what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    let lease = begin(&*queue, "t").await?;
    let names = ["waiting", "busy", "late", "alone", "stopping", "stopped", "failed"];
    let mut leases = Vec::new();
    for name in names {
        queue.spawn(&lease, &spawned(name, "t"), at(0)).await?;
        if !["waiting", "alone"].contains(&name) {
            leases.push(claimed(&*queue, &claim_of(name, "a", 0, 60)).await?.lease);
        }
    }
    for own in ["alone", "stopping"] {
        queue.request_cancel(&task_id(own), at(1)).await?;
    }
    queue.request_cancel(&task_id("t"), at(2)).await?;
    // The first request counts.
    queue.request_cancel(&task_id("late"), at(3)).await?;
    for lease in &leases {
        let outcome =
            if lease.task.as_str() == "failed" { failed("tired") } else { cancelled("me") };
        queue.finish(lease, &outcome, at(4)).await?;
    }
    queue.finish(&lease, &cancelled("me"), at(4)).await?;
    let lease = claimed(&*queue, &claim_of("t", "a", 5, 60)).await?.lease;
    let mut found = Vec::new();
    for name in names {
        found.push((name, queue.spawn(&lease, &spawned(name, "t"), at(6)).await?.status));
    }
    use TaskStatus::{Cancelled, Failed, Pending};
    let statuses = [Pending, Pending, Pending, Cancelled, Cancelled, Pending, Failed];
    let expected: Vec<_> = names.into_iter().zip(statuses).collect();
    ensure_eq!(found, expected, "the tasks that were spawned again");
    // A task that is pending or running stays as it is, and so does a completed one.
    let busy = claimed(&*queue, &claim_of("busy", "a", 7, 60)).await?;
    let again = queue.spawn(&lease, &spawned("busy", "t"), at(8)).await?;
    ensure_eq!(again.status, TaskStatus::Running, "a running task that was spawned again");
    queue.finish(&busy.lease, &completed("42"), at(9)).await?;
    let again = queue.spawn(&lease, &spawned("busy", "t"), at(10)).await?;
    ensure_eq!(again.status, TaskStatus::Completed, "a completed task that was spawned again");
    Ok(())
}
