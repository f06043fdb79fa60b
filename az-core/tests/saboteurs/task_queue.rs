//! Saboteurs of the queue.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_core::clock::{from_micros, later};
use az_core::memory::MemoryStore;
use az_core::task::{
    CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, TaskFilter, TaskQueue,
    TaskRepository, Waiting,
};
use az_core::testing::sample::{at, task, worker};
use az_core::{Error, Result, Task, TaskId, TaskStatus, Timestamp, WorkerId};

/// Lists the tasks of a status.
async fn tasks(store: &MemoryStore, status: TaskStatus) -> Vec<Task> {
    let filter = TaskFilter { status: Some(status), ..TaskFilter::default() };
    store.list(&filter).await.unwrap()
}

/// Claims the pending task that comes first in another order than the queue's.
async fn claim_by<K: Ord>(
    store: &MemoryStore,
    claim: &Claim,
    place: impl Fn(&Task) -> K,
) -> Result<Option<Claimed>> {
    let mut pending = tasks(store, TaskStatus::Pending).await;
    pending.retain(|task| task.waiting.is_none());
    let choice = claim.task.is_none() && pending.len() > 1;
    match pending.into_iter().min_by_key(place) {
        Some(first) if choice => store.claim(&claim.clone().of(first.id)).await,
        _ => store.claim(claim).await,
    }
}

/// Changes a task that is claimed.
fn with(claimed: Option<Claimed>, change: impl FnOnce(&mut Claimed)) -> Result<Option<Claimed>> {
    Ok(claimed.map(|mut claimed| {
        change(&mut claimed);
        claimed
    }))
}

/// Queues a task whose parent may not spawn it.
async fn spawn_anyway(store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
    store.create(task).await?;
    store.enqueue(task, now).await
}

async fn status(store: &MemoryStore, id: &TaskId) -> Option<TaskStatus> {
    store.get(id).await.unwrap().map(|task| task.status)
}

super::support::saboteurs! {
    of task_queue bending BendRuns;

    /// Breaks `TaskQueue` 1.
    forgetting_the_model => [enqueueing_makes_a_task_pending] {
        async fn enqueue(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            store.enqueue(&Task { model: None, ..task.clone() }, now).await
        }
    }

    /// Breaks `TaskQueue` 1.
    stamping_what_did_not_change => [
        enqueueing_again_changes_nothing, a_parked_task_is_not_claimed
    ] {
        async fn enqueue(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            Ok(Task { updated_at: now, ..store.enqueue(task, now).await? })
        }
    }

    /// Breaks `TaskQueue` 1.
    leaving_the_end_of_a_task_that_goes_on => [a_failed_or_cancelled_task_can_be_enqueued_again] {
        async fn enqueue(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            let before = store.get(&task.id).await?.and_then(|task| task.completed_at);
            Ok(Task { completed_at: before, ..store.enqueue(task, now).await? })
        }
    }

    /// Breaks `TaskQueue` 1.
    shrugging_at_completed_tasks => [a_completed_task_is_not_enqueued_again] {
        async fn enqueue(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            match store.get(&task.id).await? {
                Some(done) if done.status == TaskStatus::Completed => Ok(done),
                _ => store.enqueue(task, now).await,
            }
        }
    }

    /// Breaks `TaskQueue` 1.
    shrugging_at_other_tasks => [another_task_with_a_stored_id_is_refused] {
        async fn enqueue(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            match store.enqueue(task, now).await {
                Err(Error::AlreadyExists { .. }) => Ok(task.clone()),
                other => other,
            }
        }
    }

    /// Breaks `TaskQueue` 1.
    cutting_large_commands => [a_large_command_in_any_script_is_claimed_unchanged] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            with(store.claim(claim).await?, |claimed| {
                let command = &mut claimed.task.command;
                *command = command.chars().take(1 << 16).collect();
            })
        }
    }

    /// Breaks `TaskQueue` 2.
    inventing_work => [an_empty_queue_returns_no_task] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            if store.list(&TaskFilter::default()).await?.is_empty() {
                store.enqueue(&task("ghost", 0), claim.now).await?;
            }
            store.claim(claim).await
        }
    }

    /// Breaks `TaskQueue` 2.
    serving_in_the_order_of_age => [tasks_of_higher_priority_are_claimed_first] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            claim_by(store, claim, |task| (task.created_at, task.id.clone())).await
        }
    }

    /// Breaks `TaskQueue` 2.
    serving_the_newest => [among_equal_priorities_the_oldest_is_claimed_first] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let place = |t: &Task| (Reverse(t.priority), Reverse(t.created_at), t.id.clone());
            claim_by(store, claim, place).await
        }
    }

    /// Breaks `TaskQueue` 2.
    serving_the_largest_id => [among_equal_ages_the_smallest_id_is_claimed_first] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let place = |t: &Task| (Reverse(t.priority), t.created_at, Reverse(t.id.clone()));
            claim_by(store, claim, place).await
        }
    }

    /// Breaks `TaskQueue` 2.
    being_impatient => [
        a_task_released_until_later_is_not_claimed_before,
        a_claim_of_a_queued_task_by_name_resumes_none
    ] {
        async fn release(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            _not_before: Option<Timestamp>,
            now: Timestamp,
        ) -> Result<Task> {
            store.release(lease, None, now).await
        }
    }

    /// Breaks `TaskQueue` 3.
    handing_out_without_a_trace => [
        enqueueing_again_changes_nothing, a_claimed_task_is_running, times_come_from_the_caller,
        a_jump_of_the_wall_clock_expires_no_lease
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            with(store.claim(claim).await?, |claimed| {
                claimed.task.updated_at = claimed.task.created_at;
            })
        }
    }

    /// Breaks `TaskQueue` 3.
    starting_anew_with_every_claim => [later_claims_keep_the_start_of_the_first] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            with(store.claim(claim).await?, |claimed| {
                claimed.task.started_at = Some(claim.now);
            })
        }
    }

    /// At a later time, a second worker gets a task under a lease.
    /// Breaks `TaskQueue` 3.
    handing_out_twice => [a_task_under_a_lease_is_not_claimed_again] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let found = store.claim(claim).await?;
            let others = tasks(store, TaskStatus::Running).await;
            match (found, others.as_slice()) {
                (None, [held]) if claim.now == at(8) && claim.task.is_none() => {
                    let lease = store.lease(&held.id).await?.unwrap();
                    Ok(Some(Claimed { task: held.clone(), lease }))
                }
                (found, _) => Ok(found),
            }
        }
    }

    /// Breaks `TaskQueue` 3.
    checking_before_acting => [
        concurrent_claims_get_each_task_once,
        concurrent_claims_of_several_handles_get_each_task_once
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let pending = tasks(store, TaskStatus::Pending).await;
            let Some(first) = pending.last().filter(|_| pending.len() > 10) else {
                return store.claim(claim).await;
            };
            tokio::task::yield_now().await;
            let lease = store.lease(&first.id).await?;
            let mut forced = claim.clone().of(first.id.clone());
            forced.presumed_dead = lease.map(|lease| lease.owner);
            store.claim(&forced).await
        }
    }

    /// Breaks `TaskQueue` 3.
    losing_what_is_given_up => [
        dropping_a_claim_loses_no_task,
        a_request_to_cancel_outlives_the_lease,
        a_claim_of_a_queued_task_by_name_resumes_none,
        a_claim_of_a_queued_task_by_name_keeps_a_request_to_cancel
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let Some(Claimed { task, lease }) = store.claim(claim).await? else {
                return Ok(None);
            };
            let epoch = lease.epoch;
            store.release(&lease, Some(Timestamp::MAX), claim.now).await?;
            tokio::task::yield_now().await;
            let again = store.claim(&claim.clone().of(task.id)).await?;
            with(again, |claimed| assert!(claimed.lease.epoch > epoch))
        }
    }

    /// Breaks `TaskQueue` 4.
    waiting_a_minute_too_long => [a_task_with_an_expired_lease_is_claimed_again] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            for held in tasks(store, TaskStatus::Running).await {
                let lease = store.lease(&held.id).await?.unwrap();
                if lease.until == claim.now {
                    let until = later(lease.until, Duration::from_secs(60));
                    store.heartbeat(&[lease], until).await?;
                }
            }
            store.claim(claim).await
        }
    }

    /// Breaks `TaskQueue` 4.
    waiting_for_the_dead => [the_lease_of_an_owner_presumed_dead_is_superseded] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            store.claim(&Claim { presumed_dead: None, ..claim.clone() }).await
        }
    }

    /// Breaks `TaskQueue` 4.
    presuming_everybody_dead => [the_lease_of_an_owner_presumed_dead_is_superseded] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            match tasks(store, TaskStatus::Running).await.first() {
                Some(held) if claim.presumed_dead.is_some() => {
                    let owner = store.lease(&held.id).await?.unwrap().owner;
                    store.claim(&claim.clone().presuming_dead(owner)).await
                }
                _ => store.claim(claim).await,
            }
        }
    }

    /// Breaks `TaskQueue` 4.
    counting_no_claims => [
        every_claim_has_a_larger_epoch,
        a_superseded_lease_is_lost_and_stays_lost,
        the_end_of_a_task_cancels_what_it_has_spawned,
        a_request_to_cancel_a_task_cancels_what_it_has_spawned,
        what_goes_on_below_a_task_that_has_ended_is_cancelled_too,
        releasing_or_parking_a_task_cancels_nothing,
        a_task_is_spawned_under_the_current_lease_of_its_parent_only,
        a_task_that_is_to_be_cancelled_spawns_none,
        a_spawned_task_is_queued_by_its_parent_only,
        what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            with(store.claim(claim).await?, |claimed| {
                // The lease is still fenced by its owner, but no longer by its epoch.
                claimed.lease.epoch = 7;
            })
        }

        async fn lease(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Lease>> {
            let lease = store.lease(id).await?;
            Ok(lease.map(|lease| Lease { epoch: 7, ..lease }))
        }

        async fn leases_of_others(
            &self,
            store: &MemoryStore,
            owner: &WorkerId,
            limit: usize,
        ) -> Result<Vec<Lease>> {
            let leases = store.leases_of_others(owner, limit).await?;
            Ok(leases.into_iter().map(|lease| Lease { epoch: 7, ..lease }).collect())
        }

        async fn release(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            not_before: Option<Timestamp>,
            now: Timestamp,
        ) -> Result<Task> {
            store.release(&current(store, lease).await, not_before, now).await
        }

        async fn park(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            waiting: &Waiting,
            now: Timestamp,
        ) -> Result<Task> {
            store.park(&current(store, lease).await, waiting, now).await
        }

        async fn finish(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            outcome: &Outcome,
            now: Timestamp,
        ) -> Result<Task> {
            store.finish(&current(store, lease).await, outcome, now).await
        }

        async fn heartbeat(
            &self,
            store: &MemoryStore,
            leases: &[Lease],
            until: Timestamp,
        ) -> Result<Vec<HeartbeatStatus>> {
            let mut real = Vec::new();
            for lease in leases {
                real.push(current(store, lease).await);
            }
            store.heartbeat(&real, until).await
        }
    }

    /// Breaks `TaskQueue` 5.
    leaving_ended_tasks_alone => [
        a_named_task_is_claimed_in_any_status_but_completed,
        what_goes_on_below_a_task_that_has_ended_is_cancelled_too,
        what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let named = claim.task.as_ref();
            if let Some(id) = named
                && status(store, id).await == Some(TaskStatus::Cancelled)
            {
                return Err(Error::invalid("status", "the task has ended"));
            }
            store.claim(claim).await
        }
    }

    /// Breaks `TaskQueue` 5.
    naming_the_wrong_owner => [claiming_a_task_under_a_lease_reports_its_owner] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            store.claim(claim).await.map_err(|error| match error {
                Error::LeaseHeld { task, until, .. } => {
                    Error::LeaseHeld { task, owner: claim.owner.clone(), until }
                }
                other => other,
            })
        }
    }

    /// Breaks `TaskQueue` 5.
    saying_nothing_of_completed_tasks => [
        claiming_a_completed_task_by_name_is_invalid, a_claim_of_a_queued_task_by_name_resumes_none
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            match store.claim(claim).await {
                Err(Error::Invalid { .. }) => Ok(None),
                other => other,
            }
        }
    }

    /// Breaks `TaskQueue` 5.
    saying_nothing_of_unknown_tasks => [claiming_an_unknown_task_is_not_found] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            match store.claim(claim).await {
                Err(Error::NotFound { .. }) => Ok(None),
                other => other,
            }
        }
    }

    /// Breaks `TaskQueue` 6.
    hearing_and_forgetting => [
        a_heartbeat_extends_the_lease, a_heartbeat_reports_a_requested_cancellation
    ] {
        async fn heartbeat(
            &self,
            store: &MemoryStore,
            leases: &[Lease],
            _until: Timestamp,
        ) -> Result<Vec<HeartbeatStatus>> {
            store.heartbeat(leases, Timestamp::MIN).await
        }
    }

    /// Breaks `TaskQueue` 6.
    keeping_requests_from_beats => [
        a_heartbeat_reports_a_requested_cancellation,
        heartbeats_are_answered_in_order,
        the_end_of_a_task_cancels_what_it_has_spawned,
        a_request_to_cancel_a_task_cancels_what_it_has_spawned,
        what_goes_on_below_a_task_that_has_ended_is_cancelled_too,
        a_claim_of_a_queued_task_by_name_keeps_a_request_to_cancel
    ] {
        async fn heartbeat(
            &self,
            store: &MemoryStore,
            leases: &[Lease],
            until: Timestamp,
        ) -> Result<Vec<HeartbeatStatus>> {
            let mut beats = store.heartbeat(leases, until).await?;
            for beat in &mut beats {
                if *beat == HeartbeatStatus::CancelRequested {
                    *beat = HeartbeatStatus::Held;
                }
            }
            Ok(beats)
        }
    }

    /// Breaks `TaskQueue` 6.
    knowing_workers_by_name_only => [a_superseded_lease_is_lost_and_stays_lost] {
        async fn heartbeat(
            &self,
            store: &MemoryStore,
            leases: &[Lease],
            until: Timestamp,
        ) -> Result<Vec<HeartbeatStatus>> {
            let mut real = Vec::new();
            for lease in leases {
                real.push(current(store, lease).await);
            }
            store.heartbeat(&real, until).await
        }
    }

    /// Breaks `TaskQueue` 6.
    answering_backwards => [heartbeats_are_answered_in_order] {
        async fn heartbeat(
            &self,
            store: &MemoryStore,
            leases: &[Lease],
            until: Timestamp,
        ) -> Result<Vec<HeartbeatStatus>> {
            let mut beats = store.heartbeat(leases, until).await?;
            beats.reverse();
            Ok(beats)
        }
    }

    /// Breaks `TaskQueue` 7.
    losing_the_answer => [finishing_ends_the_task] {
        async fn finish(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            outcome: &Outcome,
            now: Timestamp,
        ) -> Result<Task> {
            Ok(Task { answer: None, ..store.finish(lease, outcome, now).await? })
        }
    }

    /// Breaks `TaskQueue` 7.
    finishing_again => [a_finished_task_is_not_finished_again] {
        async fn finish(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            outcome: &Outcome,
            now: Timestamp,
        ) -> Result<Task> {
            match store.get(&lease.task).await? {
                Some(task) if task.status.is_ended() => Ok(task),
                _ => store.finish(lease, outcome, now).await,
            }
        }
    }

    /// Breaks `TaskQueue` 7.
    finishing_for_anybody => [a_stale_lease_cannot_finish] {
        async fn finish(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            outcome: &Outcome,
            now: Timestamp,
        ) -> Result<Task> {
            let current = store.lease(&lease.task).await?;
            store.finish(&current.unwrap_or(lease.clone()), outcome, now).await
        }
    }

    /// Breaks `TaskQueue` 7.
    keeping_the_new_owner_secret => [a_stale_lease_cannot_finish] {
        async fn finish(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            outcome: &Outcome,
            now: Timestamp,
        ) -> Result<Task> {
            store.finish(lease, outcome, now).await.map_err(|error| match error {
                Error::LeaseLost { task, .. } => Error::LeaseLost { task, owner: None },
                other => other,
            })
        }
    }

    /// Breaks `TaskQueue` 7.
    releasing_for_anybody => [a_stale_lease_cannot_release] {
        async fn release(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            not_before: Option<Timestamp>,
            now: Timestamp,
        ) -> Result<Task> {
            let current = store.lease(&lease.task).await?;
            store.release(&current.unwrap_or(lease.clone()), not_before, now).await
        }
    }

    /// Breaks `TaskQueue` 7.
    throwing_late_work_away => [an_expired_lease_may_finish_until_it_is_superseded] {
        async fn finish(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            outcome: &Outcome,
            now: Timestamp,
        ) -> Result<Task> {
            if lease.until <= now && store.lease(&lease.task).await?.as_ref() == Some(lease) {
                return Err(Error::LeaseLost { task: lease.task.clone(), owner: None });
            }
            store.finish(lease, outcome, now).await
        }
    }

    /// Breaks `TaskQueue` 7.
    releasing_without_a_trace => [
        a_released_task_is_pending_again, releasing_a_task_with_a_request_to_cancel_ends_it
    ] {
        async fn release(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            not_before: Option<Timestamp>,
            now: Timestamp,
        ) -> Result<Task> {
            let before = store.get(&lease.task).await?.map(|task| task.updated_at);
            let released = store.release(lease, not_before, now).await?;
            Ok(Task { updated_at: before.unwrap(), ..released })
        }
    }

    /// Breaks `TaskQueue` 7.
    failing_to_look_up => [the_lease_of_a_task_is_returned] {
        async fn lease(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Lease>> {
            let known = store.get(id).await?;
            known.ok_or_else(|| Error::not_found("task", id))?;
            store.lease(id).await
        }
    }

    /// Breaks `TaskQueue` 10.
    listing_own_leases_too => [the_leases_of_others_are_listed_by_expiry] {
        async fn leases_of_others(
            &self,
            store: &MemoryStore,
            _owner: &WorkerId,
            limit: usize,
        ) -> Result<Vec<Lease>> {
            store.leases_of_others(&worker("none"), limit).await
        }
    }

    /// Breaks `TaskQueue` 10.
    listing_leases_by_their_task => [the_leases_of_others_are_listed_by_expiry] {
        async fn leases_of_others(
            &self,
            store: &MemoryStore,
            owner: &WorkerId,
            limit: usize,
        ) -> Result<Vec<Lease>> {
            let mut found = store.leases_of_others(owner, usize::MAX).await?;
            found.sort_by_key(|lease| lease.task.clone());
            found.truncate(limit);
            Ok(found)
        }
    }

    /// Breaks `TaskQueue` 10.
    listing_without_a_limit => [the_leases_of_others_are_listed_by_expiry] {
        async fn leases_of_others(
            &self,
            store: &MemoryStore,
            owner: &WorkerId,
            _limit: usize,
        ) -> Result<Vec<Lease>> {
            store.leases_of_others(owner, usize::MAX).await
        }
    }

    /// Breaks `TaskQueue` 8.
    only_asking_waiting_tasks => [
        cancelling_a_waiting_task_ends_it,
        cancelling_a_parked_task_ends_it,
        a_request_to_cancel_a_task_cancels_what_it_has_spawned,
        what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else
    ] {
        async fn request_cancel(
            &self,
            store: &MemoryStore,
            id: &TaskId,
            now: Timestamp,
        ) -> Result<CancelOutcome> {
            match status(store, id).await {
                Some(TaskStatus::Pending) => Ok(CancelOutcome::Requested),
                _ => store.request_cancel(id, now).await,
            }
        }
    }

    /// Breaks `TaskQueue` 8.
    asking_everybody => [cancelling_a_running_task_stores_a_request_for_its_owner] {
        async fn cancel_requests(
            &self,
            store: &MemoryStore,
            _owner: &WorkerId,
        ) -> Result<Vec<TaskId>> {
            let mut all = store.cancel_requests(&worker("a")).await?;
            all.extend(store.cancel_requests(&worker("b")).await?);
            Ok(all)
        }
    }

    /// Breaks `TaskQueue` 8.
    cancelling_what_has_ended => [cancelling_an_ended_task_changes_nothing] {
        async fn request_cancel(
            &self,
            store: &MemoryStore,
            id: &TaskId,
            now: Timestamp,
        ) -> Result<CancelOutcome> {
            match store.request_cancel(id, now).await? {
                CancelOutcome::AlreadyEnded(_) => Ok(CancelOutcome::Cancelled),
                other => Ok(other),
            }
        }
    }

    /// Breaks `TaskQueue` 8.
    cancelling_what_is_unknown => [cancelling_an_unknown_task_is_not_found] {
        async fn request_cancel(
            &self,
            store: &MemoryStore,
            id: &TaskId,
            now: Timestamp,
        ) -> Result<CancelOutcome> {
            match store.request_cancel(id, now).await {
                Err(Error::NotFound { .. }) => Ok(CancelOutcome::Cancelled),
                other => other,
            }
        }
    }

    /// Breaks `TaskQueue` 8.
    forgetting_requests_with_the_owner => [a_request_to_cancel_outlives_the_lease] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            match store.claim(claim).await? {
                Some(claimed) => {
                    let anew = claim.clone().of(claimed.task.id);
                    store.claim(&anew.presuming_dead(claim.owner.clone())).await
                }
                None => Ok(None),
            }
        }
    }

    /// Breaks `TaskQueue` 8.
    bearing_a_grudge => [a_claim_by_name_clears_the_request_to_cancel] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let asked = store.cancel_requests(&worker("a")).await?;
            let claimed = store.claim(claim).await?;
            for id in asked.iter().filter(|id| claim.task.as_ref() == Some(id)) {
                store.request_cancel(id, claim.now).await?;
            }
            Ok(claimed)
        }
    }

    /// Breaks `TaskQueue` 8.
    remembering_requests_for_the_next_life remembering Arc<Mutex<Vec<TaskId>>> => [
        the_end_of_a_task_clears_the_request_to_cancel,
        what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else
    ] {
        async fn finish(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            outcome: &Outcome,
            now: Timestamp,
        ) -> Result<Task> {
            let asked = store.cancel_requests(&lease.owner).await?;
            self.0.lock().unwrap().extend(asked);
            store.finish(lease, outcome, now).await
        }

        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let claimed = store.claim(claim).await?;
            let asked = self.0.lock().unwrap().clone();
            for id in claimed.iter().map(|c| &c.task.id).filter(|id| asked.contains(id)) {
                store.request_cancel(id, claim.now).await?;
            }
            Ok(claimed)
        }
    }

    /// Breaks `TaskQueue` 7.
    giving_back_what_is_to_be_stopped => [releasing_a_task_with_a_request_to_cancel_ends_it] {
        async fn release(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            not_before: Option<Timestamp>,
            now: Timestamp,
        ) -> Result<Task> {
            if !store.cancel_requests(&lease.owner).await?.contains(&lease.task) {
                return store.release(lease, not_before, now).await;
            }
            let anew = Claim::next(lease.owner.clone(), now, lease.until).of(lease.task.clone());
            let anew = store.claim(&anew.presuming_dead(lease.owner.clone())).await?;
            store.release(&anew.unwrap().lease, not_before, now).await
        }
    }

    /// Breaks `TaskQueue` 13.
    forgetting_since_when_a_task_waits => [
        a_parked_task_is_pending_and_has_its_wait, a_parked_task_is_not_claimed
    ] {
        async fn park(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            waiting: &Waiting,
            now: Timestamp,
        ) -> Result<Task> {
            let parked = store.park(lease, waiting, now).await?;
            let waiting = parked.waiting.as_ref().map(|_| Box::new(waiting.clone()));
            Ok(Task { waiting, ..parked })
        }
    }

    /// Breaks `TaskQueue` 13.
    parking_whichever_lease_is_given => [parking_needs_the_current_lease] {
        async fn park(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            waiting: &Waiting,
            now: Timestamp,
        ) -> Result<Task> {
            let lease = store.lease(&lease.task).await?.unwrap();
            store.park(&lease, waiting, now).await
        }
    }

    /// Breaks `TaskQueue` 13.
    parking_what_is_to_be_stopped => [parking_a_task_with_a_request_to_cancel_ends_it] {
        async fn park(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            waiting: &Waiting,
            now: Timestamp,
        ) -> Result<Task> {
            if !store.cancel_requests(&lease.owner).await?.contains(&lease.task) {
                return store.park(lease, waiting, now).await;
            }
            let anew = Claim::next(lease.owner.clone(), now, lease.until).of(lease.task.clone());
            let anew = store.claim(&anew.presuming_dead(lease.owner.clone())).await?;
            store.park(&anew.unwrap().lease, waiting, now).await
        }
    }

    /// Breaks `TaskQueue` 14.
    releasing_what_is_to_wait => [
        a_parked_task_is_not_claimed, parked_tasks_are_claimed_in_order_once_their_time_ran_out
    ] {
        async fn park(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            waiting: &Waiting,
            now: Timestamp,
        ) -> Result<Task> {
            let released = store.release(lease, None, now).await?;
            let waits = released.status == TaskStatus::Pending;
            let mut waiting = Box::new(waiting.clone());
            waiting.since = now;
            Ok(Task { waiting: waits.then_some(waiting), ..released })
        }
    }

    /// Breaks `TaskQueue` 14.
    waiting_without_a_limit => [parked_tasks_are_claimed_in_order_once_their_time_ran_out] {
        async fn park(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            waiting: &Waiting,
            now: Timestamp,
        ) -> Result<Task> {
            let deny_at = waiting.deny_at;
            let parked = store.park(lease, &waiting.clone().with_deny_at(None), now).await?;
            let waiting = parked.waiting.clone().map(|wait| Box::new(wait.with_deny_at(deny_at)));
            Ok(Task { waiting, ..parked })
        }
    }

    /// Breaks `TaskQueue` 14.
    leaving_parked_tasks_alone => [
        cancelling_a_parked_task_ends_it,
        a_request_to_cancel_a_task_cancels_what_it_has_spawned
    ] {
        async fn request_cancel(
            &self,
            store: &MemoryStore,
            id: &TaskId,
            now: Timestamp,
        ) -> Result<CancelOutcome> {
            match store.get(id).await? {
                Some(Task { waiting: Some(_), .. }) => Ok(CancelOutcome::Requested),
                _ => store.request_cancel(id, now).await,
            }
        }
    }

    /// Breaks `TaskQueue` 15.
    forgetting_who_spawned_it => [
        the_end_of_a_task_cancels_what_it_has_spawned,
        a_request_to_cancel_a_task_cancels_what_it_has_spawned,
        what_goes_on_below_a_task_that_has_ended_is_cancelled_too,
        what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else
    ] {
        async fn spawn(
            &self,
            store: &MemoryStore,
            parent: &Lease,
            task: &Task,
            now: Timestamp,
        ) -> Result<Task> {
            if store.get(&task.id).await?.is_none() {
                store.spawn(parent, task, now).await?;
                let task = store.get(&task.id).await?.unwrap();
                let mut changed = task.clone();
                changed.options.spawned = None;
                return store.update(&changed, task.updated_at).await;
            }
            store.spawn(parent, task, now).await
        }
    }

    /// Breaks `TaskQueue` 15.
    cancelling_down_to_the_first_that_has_ended => [
        what_goes_on_below_a_task_that_has_ended_is_cancelled_too
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            let claimed = store.claim(claim).await?;
            let part = claimed.iter().find_map(|claimed| claimed.task.parent_task_id.clone());
            if let Some(parent) = part
                && let Some(mut task) = store.get(&parent).await?
                && task.status.is_ended()
            {
                let now = task.updated_at;
                task.options.spawned = None;
                store.update(&task, now).await?;
            }
            Ok(claimed)
        }
    }

    /// Breaks `TaskQueue` 15.
    cancelling_what_a_released_task_has_spawned => [releasing_or_parking_a_task_cancels_nothing] {
        async fn release(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            not_before: Option<Timestamp>,
            now: Timestamp,
        ) -> Result<Task> {
            let parent = Some(lease.task.clone());
            for part in store.list(&TaskFilter { parent, ..TaskFilter::default() }).await? {
                store.request_cancel(&part.id, now).await?;
            }
            store.release(lease, not_before, now).await
        }
    }

    /// Breaks `TaskQueue` 16.
    claiming_what_is_not_queued => [
        a_claim_of_a_queued_task_by_name_resumes_none,
        a_claim_of_a_queued_task_by_name_keeps_a_request_to_cancel
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            store.claim(&Claim { only_if_queued: false, ..claim.clone() }).await
        }
    }

    /// Breaks `TaskQueue` 17.
    spawning_under_any_lease => [a_task_is_spawned_under_the_current_lease_of_its_parent_only] {
        async fn spawn(
            &self,
            store: &MemoryStore,
            parent: &Lease,
            task: &Task,
            now: Timestamp,
        ) -> Result<Task> {
            match store.spawn(parent, task, now).await {
                Err(Error::LeaseLost { .. }) => spawn_anyway(store, task, now).await,
                spawned => spawned,
            }
        }
    }

    /// Breaks `TaskQueue` 17.
    spawning_for_what_is_to_be_cancelled => [a_task_that_is_to_be_cancelled_spawns_none] {
        async fn spawn(
            &self,
            store: &MemoryStore,
            parent: &Lease,
            task: &Task,
            now: Timestamp,
        ) -> Result<Task> {
            match store.spawn(parent, task, now).await {
                Err(Error::Cancelled) => spawn_anyway(store, task, now).await,
                spawned => spawned,
            }
        }
    }

    /// Breaks `TaskQueue` 17.
    enqueueing_spawned_tasks => [a_spawned_task_is_queued_by_its_parent_only] {
        async fn enqueue(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            spawn_anyway(store, task, now).await
        }
    }

    /// Breaks `TaskQueue` 17.
    resuming_what_was_cancelled_alone => [
        what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else
    ] {
        async fn spawn(
            &self,
            store: &MemoryStore,
            parent: &Lease,
            task: &Task,
            now: Timestamp,
        ) -> Result<Task> {
            match store.spawn(parent, task, now).await? {
                cancelled if cancelled.status == TaskStatus::Cancelled => {
                    store.enqueue(&cancelled, now).await
                }
                spawned => Ok(spawned),
            }
        }
    }

    /// Breaks `TaskQueue` 9.
    expiring_leases_by_the_wall_clock => [
        a_jump_of_the_wall_clock_expires_no_lease, a_wall_clock_that_was_set_back_keeps_no_lease
    ] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            store.claim(&Claim { lease_now: claim.now, ..claim.clone() }).await
        }
    }

    /// Breaks `TaskQueue` 9.
    rounding_times => [times_come_from_the_caller] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            with(store.claim(claim).await?, |claimed| {
                let whole = |at: Timestamp| from_micros(at.as_second() * 1_000_000);
                claimed.task.started_at = claimed.task.started_at.map(whole);
            })
        }
    }
}

/// Returns the current lease of the same owner, if there is one, whatever the epoch.
async fn current(store: &MemoryStore, lease: &Lease) -> Lease {
    let current = store.lease(&lease.task).await.unwrap();
    let same = current.filter(|current| current.owner == lease.owner);
    same.unwrap_or_else(|| lease.clone())
}
