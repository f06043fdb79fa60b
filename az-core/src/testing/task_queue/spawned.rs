//! Clauses 15 and 16: spawned tasks, and claims of queued tasks by name.

use super::Queue;
use crate::error::Error;
use crate::task::{HeartbeatStatus, Lease, Spawned, Task, TaskOptions, TaskQueue};
use crate::testing::kit::Checked;
use crate::testing::sample::{at, cancelled, claim_of, completed, failed, task, task_id, waiting};
use crate::testing::steps::{begin, claimed, drain, end, enqueue};
use crate::{ensure_eq, ensure_refused};

/// Returns a task that a parent has spawned.
fn spawned(id: &str, parent: &str) -> Task {
    let options = TaskOptions::default().with_spawned(Spawned::at_level(1));
    task(id, 0).with_options(options).with_parent(task_id(parent))
}

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
        for (name, of) in
            [("waiting", parent.to_owned()), ("busy", parent.to_owned()), ("below", id("busy"))]
        {
            queue.enqueue(&spawned(&id(name), &of), at(0)).await?;
        }
        queue.enqueue(&spawned(&id("other"), "elsewhere"), at(0)).await?;
        let part = task(&id("part"), 0).with_parent(task_id(parent));
        queue.enqueue(&part, at(0)).await?;
        let busy = claimed(queue, &claim_of(&id("busy"), "a", 0, 60)).await?.lease;
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
