//! Saboteurs of clauses that concern several contracts.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_core::cost::{BudgetKeeper, CostTracker, Payer, Settlement};
use az_core::journal::{Appended, Event, Journal, NewEvent};
use az_core::memory::MemoryStore;
use az_core::task::{Claim, Claimed, Lease, Outcome, TaskFilter, TaskQueue, TaskRepository};
use az_core::{Error, Result, Task, TaskId, TaskStatus, Timestamp, Usd, WorkerId};

super::support::saboteurs! {
    of store bending BendRuns;

    /// Breaks `TaskRepository` 6.
    deleting_what_is_held => [a_task_under_a_lease_is_not_deleted] {
        async fn delete(&self, store: &MemoryStore, id: &TaskId, now: Timestamp) -> Result<bool> {
            match store.delete(id, now).await {
                Err(Error::LeaseHeld { .. }) => store.delete(id, Timestamp::MAX).await,
                other => other,
            }
        }
    }

    /// Breaks `TaskRepository` 6.
    keeping_what_was_ever_held => [
        a_task_with_an_expired_lease_can_be_deleted,
        deleting_a_task_deletes_its_journal_and_its_states
    ] {
        async fn delete(&self, store: &MemoryStore, id: &TaskId, now: Timestamp) -> Result<bool> {
            match store.lease(id).await? {
                Some(_) => store.delete(id, Timestamp::MIN).await,
                None => store.delete(id, now).await,
            }
        }
    }

    /// Breaks `TaskRepository` 6.
    leaving_records_behind remembering Arc<Mutex<Vec<Event>>> => [
        deleting_a_task_deletes_its_journal_and_its_states
    ] {
        async fn delete(&self, store: &MemoryStore, id: &TaskId, now: Timestamp) -> Result<bool> {
            let record = store.tail(id).await?;
            self.0.lock().unwrap().extend(record);
            store.delete(id, now).await
        }

        async fn tail(&self, store: &MemoryStore, task: &TaskId) -> Result<Vec<Event>> {
            let mut tail = store.tail(task).await?;
            tail.extend(self.0.lock().unwrap().iter().cloned());
            Ok(tail)
        }
    }

    /// Breaks `TaskRepository` 6.
    burying_costs_with_their_task => [deleting_a_task_keeps_its_costs] {
        async fn cost_by_payer(&self, store: &MemoryStore, payer: &Payer) -> Result<Usd> {
            match payer.task() {
                Some(task) if store.get(task).await?.is_none() => Ok(Usd::ZERO),
                _ => store.cost_by_payer(payer).await,
            }
        }
    }

    /// Breaks `TaskRepository` 6.
    letting_holds_go_with_their_task => [holds_of_a_deleted_task_are_booked_in_full] {
        async fn delete(&self, store: &MemoryStore, id: &TaskId, now: Timestamp) -> Result<bool> {
            let payer = Payer::from(id);
            for hold in store.open_holds().await?.iter().filter(|hold| hold.payer == payer) {
                store.settle(&payer, &hold.call, &Settlement::Nothing).await?;
            }
            store.delete(id, now).await
        }
    }

    /// Breaks `TaskQueue` 1.
    handing_out_what_was_only_created => [a_created_task_is_not_claimed_until_it_is_enqueued] {
        async fn claim(&self, store: &MemoryStore, claim: &Claim) -> Result<Option<Claimed>> {
            for task in store.list(&TaskFilter::default()).await? {
                if task.status == TaskStatus::Initialized {
                    store.enqueue(&task, claim.now).await?;
                }
            }
            store.claim(claim).await
        }
    }

    /// Breaks `TaskQueue` 1.
    waiting_when_enqueued_again => [
        a_task_that_is_enqueued_again_does_not_wait_for_its_earlier_release
    ] {
        async fn enqueue(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            let enqueued = store.enqueue(task, now).await?;
            if task.status == TaskStatus::Cancelled {
                let claim = Claim::next(WorkerId::new("w")?, now, now).of(task.id.clone());
                if let Some(Claimed { lease, .. }) = store.claim(&claim).await? {
                    return store.release(&lease, Some(Timestamp::MAX), now).await;
                }
            }
            Ok(enqueued)
        }
    }

    /// Breaks `TaskQueue` 8.
    cancelling_without_a_reason => [a_cancelled_task_has_its_status_times_and_reason] {
        async fn get(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Task>> {
            let task = store.get(id).await?;
            Ok(task.map(|task| Task { failure: None, ..task }))
        }
    }

    /// Breaks `TaskQueue` 15.
    cancelling_parts_without_a_reason => [
        a_task_that_is_cancelled_with_its_parent_has_its_status_times_and_reason
    ] {
        async fn list(&self, store: &MemoryStore, filter: &TaskFilter) -> Result<Vec<Task>> {
            let tasks = store.list(filter).await?;
            Ok(tasks.into_iter().map(|task| Task { failure: None, ..task }).collect())
        }
    }

    /// Breaks `TaskQueue` 18.
    leaving_budgets_behind => [a_spawned_task_has_its_budget_while_it_has_not_ended] {
        async fn finish(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            outcome: &Outcome,
            now: Timestamp,
        ) -> Result<Task> {
            let task = store.finish(lease, outcome, now).await?;
            if let (TaskStatus::Cancelled, Some(own)) = (task.status, task.own_budget()) {
                store.set_budget(&own, now).await?;
            }
            Ok(task)
        }
    }

    /// Breaks `TaskQueue` 18.
    resetting_budgets => [a_budget_of_a_spawned_task_that_was_changed_stays] {
        async fn enqueue(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            let task = store.enqueue(task, now).await?;
            if let Some(own) = task.own_budget() {
                store.set_budget(&own, now).await?;
            }
            Ok(task)
        }
    }

    /// Breaks `TaskQueue` 8.
    remembering_requests_beyond_the_run remembering Arc<Mutex<Vec<TaskId>>> => [
        the_end_of_a_run_clears_the_request_to_cancel
    ] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let asked = store.cancel_requests(&lease.owner).await?;
            self.0.lock().unwrap().extend(asked);
            store.append(lease, next_seq, events, now).await
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
}
