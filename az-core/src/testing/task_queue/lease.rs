//! Clauses 3, 4, 6 and 9: exclusive leases, heartbeats and lease time.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::Queue;
use crate::error::Error;
use crate::task::{HeartbeatStatus, TaskQueue};
use crate::testing::kit::Checked;
use crate::testing::sample::{DAY, at, claim, claim_of, failed, task, task_id, worker};
use crate::testing::steps::{claimed, enqueue};
use crate::{ensure, ensure_eq, ensure_refused};

/// Checks `TaskQueue` 3.
pub(super) async fn a_task_under_a_lease_is_not_claimed_again(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "only", 0).await?;
    claimed(&*queue, &claim("a", 1, 9)).await?;
    for now in [2, 8] {
        let second = queue.claim(&claim("b", now, 20)).await?;
        ensure!(second.is_none(), "two workers have a lease on one task: {second:?}");
    }
    Ok(())
}

/// Lets eight workers claim all tasks, and checks that each is claimed once.
async fn race(handles: Vec<Arc<dyn TaskQueue>>) -> Checked {
    const TASKS: usize = 40;
    for n in 0..TASKS {
        // Every handle reaches the same task.
        for queue in &handles {
            enqueue(&**queue, &format!("t{n:02}"), 0).await?;
        }
    }
    let workers = (0..8).zip(handles.into_iter().cycle()).map(|(n, queue)| {
        tokio::spawn(async move {
            let mut got = Vec::new();
            while let Some(claimed) = queue.claim(&claim(&format!("w{n}"), 1, 9)).await? {
                got.push(claimed.task.id);
                tokio::task::yield_now().await;
            }
            Ok::<_, Error>(got)
        })
    });
    let mut count = BTreeMap::new();
    for got in join_all(workers).await {
        let got = got.map_err(|gone| Error::Internal(gone.to_string()))?;
        for id in got? {
            *count.entry(id).or_insert(0) += 1;
        }
    }
    let twice: Vec<_> = count.iter().filter(|(_, times)| **times > 1).collect();
    ensure!(twice.is_empty(), "two workers have a lease on one task: {twice:?}");
    ensure_eq!(count.len(), TASKS, "the number of claimed tasks");
    Ok(())
}

/// Checks `TaskQueue` 3.
pub(super) async fn concurrent_claims_get_each_task_once(fixture: Queue<'_>) -> Checked {
    race(vec![fixture.open().await]).await
}

/// Checks `TaskQueue` 3.
pub(super) async fn concurrent_claims_of_several_handles_get_each_task_once(
    fixture: Queue<'_>,
) -> Checked {
    race(vec![fixture.open().await, fixture.open().await, fixture.open().await]).await
}

/// Checks `TaskQueue` 3.
pub(super) async fn dropping_a_claim_loses_no_task(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    // Polled once and dropped, as by a timeout.
    let given_up = claim("gone", 1, 5);
    drop(queue.claim(&given_up).now_or_never());
    let found = claimed(&*queue, &claim("b", 6, 9)).await?;
    ensure_eq!(found.task.id, task_id("t"), "the claimed task");
    Ok(())
}

/// Checks `TaskQueue` 4.
pub(super) async fn a_task_with_an_expired_lease_is_claimed_again(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    claimed(&*queue, &claim("a", 1, 5)).await?;
    // A lease until minute 5 is expired at minute 5.
    let next = claimed(&*queue, &claim("b", 5, 9)).await?;
    ensure_eq!(next.lease.owner, worker("b"), "the expired lease was not superseded");
    let named = claimed(&*queue, &claim_of("t", "c", 9, 12)).await?;
    ensure_eq!(
        named.lease.owner,
        worker("c"),
        "the expired lease was not superseded by a claim by name"
    );
    Ok(())
}

/// Checks `TaskQueue` 4.
pub(super) async fn the_lease_of_an_owner_presumed_dead_is_superseded(
    fixture: Queue<'_>,
) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    claimed(&*queue, &claim("dead", 1, 60)).await?;
    let wrong = claim("b", 2, 60).presuming_dead(worker("other"));
    let wrong = queue.claim(&wrong).await?;
    ensure!(wrong.is_none(), "the lease of an owner who is not presumed dead was superseded");
    let next = claim("b", 2, 60).presuming_dead(worker("dead"));
    claimed(&*queue, &next).await?;
    let named = claim_of("t", "c", 3, 60).presuming_dead(worker("b"));
    claimed(&*queue, &named).await?;
    Ok(())
}

/// Checks `TaskQueue` 4.
pub(super) async fn every_claim_has_a_larger_epoch(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let first = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    let expired = claimed(&*queue, &claim("a", 6, 9)).await?.lease;
    queue.release(&expired, None, at(7)).await?;
    let released = claimed(&*queue, &claim("a", 8, 20)).await?.lease;
    queue.finish(&released, &failed("tired"), at(9)).await?;
    queue.enqueue(&task("t", 0), at(10)).await?;
    let again = claimed(&*queue, &claim("a", 11, 20)).await?.lease;
    let epochs = [first.epoch, expired.epoch, released.epoch, again.epoch];
    let grow = epochs.iter().zip(epochs.iter().skip(1)).all(|(a, b)| a < b);
    ensure!(grow, "epochs did not grow: {epochs:?}");
    Ok(())
}

/// Checks `TaskQueue` 6.
pub(super) async fn a_heartbeat_extends_the_lease(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    let beats = queue.heartbeat(std::slice::from_ref(&lease), at(20)).await?;
    ensure_eq!(beats, [HeartbeatStatus::Held], "the status of the lease");
    let other = queue.claim(&claim("b", 19, 30)).await?;
    ensure!(
        other.is_none(),
        "a lease that was extended until minute 20 was superseded at minute 19"
    );
    claimed(&*queue, &claim("b", 21, 30)).await?;
    Ok(())
}

/// Checks `TaskQueue` 6.
pub(super) async fn a_heartbeat_reports_a_requested_cancellation(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    queue.request_cancel(&task_id("t"), at(2)).await?;
    for until in [20, 30] {
        let beats = queue.heartbeat(std::slice::from_ref(&lease), at(until)).await?;
        ensure_eq!(
            beats,
            [HeartbeatStatus::CancelRequested],
            "the status of a lease with a request to cancel"
        );
    }
    let other = queue.claim(&claim("b", 29, 60)).await?;
    ensure!(other.is_none(), "a heartbeat with a request to cancel did not extend the lease");
    Ok(())
}

/// Checks `TaskQueue` 6.
pub(super) async fn a_superseded_lease_is_lost_and_stays_lost(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let old = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    // The same worker claims again: the claim decides, not the worker.
    let new = claimed(&*queue, &claim("a", 6, 20)).await?.lease;
    let old = std::slice::from_ref(&old);
    ensure_eq!(
        queue.heartbeat(old, at(30)).await?,
        [HeartbeatStatus::Lost],
        "the status of a superseded lease of the same worker"
    );
    queue.finish(&new, &failed("tired"), at(7)).await?;
    let new = std::slice::from_ref(&new);
    ensure_eq!(
        queue.heartbeat(new, at(30)).await?,
        [HeartbeatStatus::Lost],
        "the status of a lease that has ended"
    );
    queue.enqueue(&task("t", 0), at(7)).await?;
    ensure_eq!(
        queue.heartbeat(old, at(30)).await?,
        [HeartbeatStatus::Lost],
        "the status of a lost lease"
    );
    Ok(())
}

/// Checks `TaskQueue` 6.
pub(super) async fn heartbeats_are_answered_in_order(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let mut leases = Vec::new();
    for id in ["gone", "asked", "held"] {
        enqueue(&*queue, id, 0).await?;
        leases.push(claimed(&*queue, &claim_of(id, "a", 1, 9)).await?.lease);
    }
    if let Some(gone) = leases.first() {
        queue.release(gone, None, at(2)).await?;
    }
    queue.request_cancel(&task_id("asked"), at(2)).await?;
    let beats = queue.heartbeat(&leases, at(20)).await?;
    let expected = [HeartbeatStatus::Lost, HeartbeatStatus::CancelRequested, HeartbeatStatus::Held];
    ensure_eq!(beats, expected, "the statuses of the leases, in order");
    ensure_eq!(queue.heartbeat(&[], at(30)).await?, [], "the statuses of no leases");
    Ok(())
}

/// A year, in minutes.
const YEAR: i64 = 365 * DAY;

/// Checks `TaskQueue` 9.
pub(super) async fn a_jump_of_the_wall_clock_expires_no_lease(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 9)).await?.lease;
    let stolen = queue.claim(&claim("b", YEAR, 20).at_lease_time(at(8))).await?;
    ensure!(stolen.is_none(), "a jump of the wall clock expired a lease: {stolen:?}");
    let named = queue.claim(&claim_of("t", "b", YEAR, 20).at_lease_time(at(8))).await;
    ensure_refused!(named, Error::LeaseHeld { .. }, "a jump of the wall clock expired a lease");
    ensure_eq!(queue.lease(&task_id("t")).await?, Some(lease), "the lease after the jump");
    let expired = claimed(&*queue, &claim("b", YEAR, 20).at_lease_time(at(9))).await?;
    let found = (expired.lease.until, expired.task.updated_at);
    ensure_eq!(found, (at(20), at(YEAR)), "the expiry in lease time, and the time of the task");
    Ok(())
}

/// Checks `TaskQueue` 9.
pub(super) async fn a_wall_clock_that_was_set_back_keeps_no_lease(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    claimed(&*queue, &claim("a", 1, 9)).await?;
    let next = claim("b", -YEAR, 15).at_lease_time(at(9));
    let next = claimed(&*queue, &next).await?;
    ensure_eq!(next.lease.owner, worker("b"), "the owner of an expired lease");
    let named = claim_of("t", "c", -YEAR, 20).at_lease_time(at(15));
    let named = claimed(&*queue, &named).await?;
    ensure_eq!(named.lease.owner, worker("c"), "the owner of an expired lease, by name");
    Ok(())
}

/// Checks `TaskQueue` 7.
pub(super) async fn the_lease_of_a_task_is_returned(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    ensure_eq!(queue.lease(&task_id("t")).await?, None, "a waiting task has a lease");
    ensure_eq!(queue.lease(&task_id("unknown")).await?, None, "an unknown task has a lease");
    let lease = claimed(&*queue, &claim("a", 1, 5)).await?.lease;
    ensure_eq!(queue.lease(&task_id("t")).await?, Some(lease), "the lease");
    Ok(())
}

/// Checks `TaskQueue` 10.
pub(super) async fn the_leases_of_others_are_listed_by_expiry(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    let mut leases = BTreeMap::new();
    for (id, owner, until) in [
        ("mine", "me", 20),
        ("late", "a", 30),
        ("soon-2", "b", 10),
        ("soon-1", "c", 10),
        ("over", "b", 5),
        ("ended", "a", 7),
        ("released", "b", 8),
    ] {
        enqueue(&*queue, id, 0).await?;
        leases.insert(id, claimed(&*queue, &claim_of(id, owner, 1, until)).await?.lease);
    }
    let of = |ids: &[&str]| ids.iter().filter_map(|id| leases.get(id)).cloned().collect::<Vec<_>>();
    for lease in of(&["ended"]) {
        queue.finish(&lease, &failed("tired"), at(2)).await?;
    }
    for lease in of(&["released"]) {
        queue.release(&lease, None, at(2)).await?;
    }
    let expected = of(&["over", "soon-1", "soon-2", "late"]);
    let found = queue.leases_of_others(&worker("me"), 99).await?;
    ensure_eq!(found, expected, "the leases of others, in order");
    let few = queue.leases_of_others(&worker("me"), 2).await?;
    ensure_eq!(few, of(&["over", "soon-1"]), "the first two leases of others");
    let none = queue.leases_of_others(&worker("me"), 0).await?;
    ensure_eq!(none, [], "the leases of others with a limit of 0");
    Ok(())
}

/// Checks `TaskQueue` 11.
pub(super) async fn leases_survive_a_restart(fixture: Queue<'_>) -> Checked {
    let queue = fixture.open().await;
    enqueue(&*queue, "t", 0).await?;
    let lease = claimed(&*queue, &claim("a", 1, 9)).await?.lease;
    drop(queue);
    let queue = fixture.open().await;
    let other = queue.claim(&claim("b", 2, 9)).await?;
    ensure!(other.is_none(), "a task under a lease was claimed after a restart");
    let beats = queue.heartbeat(std::slice::from_ref(&lease), at(20)).await?;
    ensure_eq!(beats, [HeartbeatStatus::Held], "the status of a lease after a restart");
    let next = claimed(&*queue, &claim("b", 21, 30)).await?.lease;
    ensure!(next.epoch > lease.epoch, "the epoch did not grow after a restart");
    Ok(())
}
