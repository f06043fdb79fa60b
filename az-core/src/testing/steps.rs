//! The first steps of scenarios, shared by several kits.

use super::kit::{Checked, Violation};
use super::sample::{at, claim, claim_of, task};
use crate::task::{Claim, Claimed, Lease, Outcome, Task, TaskQueue, Waiting};

/// Claims a task, which has to exist.
pub(super) async fn claimed<Q: TaskQueue + ?Sized>(queue: &Q, claim: &Claim) -> Checked<Claimed> {
    let claimed = queue.claim(claim).await?;
    claimed.ok_or_else(|| Violation::Broken(format!("no task was claimed for {claim:?}")))
}

/// Enqueues a task created at a minute, at that minute.
pub(super) async fn enqueue<Q: TaskQueue + ?Sized>(queue: &Q, id: &str, minute: i64) -> Checked {
    queue.enqueue(&task(id, minute), at(minute)).await?;
    Ok(())
}

/// Enqueues a task at minute 0 and ends it at minute 2.
pub(super) async fn end<Q: TaskQueue + ?Sized>(queue: &Q, id: &str, how: &Outcome) -> Checked {
    enqueue(queue, id, 0).await?;
    let lease = claimed(queue, &claim_of(id, "ender", 1, 9)).await?.lease;
    queue.finish(&lease, how, at(2)).await?;
    Ok(())
}

/// Enqueues a task at minute 0; returns `a`'s lease on it, from minute 0 to minute 60.
pub(super) async fn begin<Q: TaskQueue + ?Sized>(queue: &Q, id: &str) -> Checked<Lease> {
    enqueue(queue, id, 0).await?;
    Ok(claimed(queue, &claim_of(id, "a", 0, 60)).await?.lease)
}

/// Enqueues a task at minute 0 and parks it at minute 2.
pub(super) async fn park<Q: TaskQueue + ?Sized>(
    queue: &Q,
    id: &str,
    waiting: &Waiting,
) -> Checked<Task> {
    let lease = begin(queue, id).await?;
    Ok(queue.park(&lease, waiting, at(2)).await?)
}

/// Claims the next task until none is left; returns the ids in order.
pub(super) async fn drain<Q: TaskQueue + ?Sized>(queue: &Q, now: i64) -> Checked<Vec<String>> {
    let mut order = Vec::new();
    while let Some(claimed) = queue.claim(&claim("drain", now, now + 60)).await? {
        order.push(claimed.task.id.to_string());
    }
    Ok(order)
}
