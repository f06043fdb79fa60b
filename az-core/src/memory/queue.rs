//! The queue: claims and leases.

use std::cmp::Reverse;

use async_trait::async_trait;

use super::store::{MemoryStore, State};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{TaskId, WorkerId};
use crate::task::{
    CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, QueuedTask, Task, TaskPriority,
    TaskQueue, TaskStatus, Waiting, held,
};

#[async_trait]
impl TaskQueue for MemoryStore {
    async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        let stored = state.tasks.get(&task.id).cloned();
        let row = QueuedTask::enqueue(stored, task, now)?;
        state.put_queued(row, now)
    }

    async fn spawn(&self, parent: &Lease, task: &Task, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        let stored = state.tasks.get(&task.id).cloned();
        let of = (state.tasks.get(&parent.task), parent);
        let row = QueuedTask::spawn(stored, task, of, now)?;
        state.put_queued(row, now)
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let mut state = self.lock();
        let row = match &claim.task {
            Some(id) => Some(state.find(id)?),
            None => state.next(claim),
        };
        let Some(row) = row else { return Ok(None) };
        let before = row.task.status;
        let claimed = row.claim(claim)?;
        state.changed(&claimed.task.id, before, claim.now)?;
        Ok(Some(claimed))
    }

    async fn heartbeat(&self, leases: &[Lease], until: Timestamp) -> Result<Vec<HeartbeatStatus>> {
        let mut state = self.lock();
        let heartbeat = |lease: &Lease| {
            let row = state.tasks.get_mut(&lease.task);
            row.map_or(HeartbeatStatus::Lost, |row| row.heartbeat(lease, until))
        };
        Ok(leases.iter().map(heartbeat).collect())
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        state.finish(lease, outcome, now)
    }

    async fn release(
        &self,
        lease: &Lease,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Task> {
        let mut state = self.lock();
        state.held(lease)?.release(lease, not_before, now)?;
        state.changed(&lease.task, TaskStatus::Running, now)
    }

    async fn park(&self, lease: &Lease, waiting: &Waiting, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        state.held(lease)?.park(lease, waiting, now)?;
        state.changed(&lease.task, TaskStatus::Running, now)
    }

    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome> {
        let mut state = self.lock();
        let row = state.find(id)?;
        let before = row.task.status;
        let outcome = row.request_cancel(now)?;
        state.changed(id, before, now)?;
        Ok(outcome)
    }

    async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>> {
        let state = self.lock();
        let holds = |row: &&QueuedTask| row.lease.as_ref().is_some_and(|l| l.owner == *owner);
        let requested = state.tasks.values().filter(|row| row.cancel_requested);
        Ok(requested.filter(holds).map(|row| row.task.id.clone()).collect())
    }

    async fn lease(&self, id: &TaskId) -> Result<Option<Lease>> {
        Ok(self.lock().tasks.get(id).and_then(|row| row.lease.clone()))
    }

    async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>> {
        let state = self.lock();
        let leases = state.tasks.values().filter_map(|row| row.lease.as_ref());
        let mut found: Vec<&Lease> = leases.filter(|lease| lease.owner != *owner).collect();
        found.sort_by_key(|lease| (lease.until, &lease.task));
        Ok(found.into_iter().take(limit).cloned().collect())
    }
}

impl State {
    /// Returns the row of a task.
    pub(super) fn find(&mut self, id: &TaskId) -> Result<&mut QueuedTask> {
        self.tasks.get_mut(id).ok_or_else(|| Error::not_found("task", id))
    }

    /// Returns the row of a task whose current lease is `lease`.
    pub(super) fn held(&mut self, lease: &Lease) -> Result<&mut QueuedTask> {
        held(self.tasks.get_mut(&lease.task), lease)
    }

    /// Ends a task and its lease.
    pub(super) fn finish(
        &mut self,
        lease: &Lease,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<Task> {
        self.held(lease)?.finish(lease, outcome, now)?;
        self.changed(&lease.task, TaskStatus::Running, now)
    }

    /// Stores a row that is queued; returns its task.
    fn put_queued(&mut self, row: QueuedTask, now: Timestamp) -> Result<Task> {
        let stored = self.tasks.get(&row.task.id).map(|stored| &stored.task);
        let before = stored.map(|task| task.status);
        let part_of = stored.and_then(|task| task.parent_task_id.clone());
        self.ledger.change_own(row.budget_change(before), now)?;
        Ok(self.put(row, part_of.as_ref()))
    }

    /// Sets or removes the own budget of a task that was in the status `before`, and cancels what it has spawned if it
    /// ended or is to; returns the task.
    fn changed(&mut self, id: &TaskId, before: TaskStatus, now: Timestamp) -> Result<Task> {
        let row = self.find(id)?;
        let (task, cancels) = (row.task.clone(), row.cancels_spawned());
        let change = row.budget_change(Some(before));
        self.ledger.change_own(change, now)?;
        if cancels {
            for id in self.below(id) {
                let row = self.find(&id)?;
                let before = row.task.status;
                row.cancel_with_parent(now)?;
                let change = row.budget_change(Some(before));
                self.ledger.change_own(change, now)?;
            }
        }
        Ok(task)
    }

    /// Returns the tasks that a task has spawned, those that these have spawned, and so on.
    pub(super) fn below(&self, id: &TaskId) -> Vec<TaskId> {
        let mut found = vec![id.clone()];
        let mut next = 0;
        while let Some(parent) = found.get(next).cloned() {
            let rows = self.tasks.values().filter(|row| row.task.options.spawned.is_some());
            let spawned = rows.filter(|row| row.task.parent_task_id.as_ref() == Some(&parent));
            let new = spawned.map(|row| &row.task.id).filter(|id| !found.contains(id));
            let new: Vec<_> = new.cloned().collect();
            found.extend(new);
            next += 1;
        }
        found.split_off(1)
    }

    /// Returns the task that the next claim gets.
    fn next(&mut self, claim: &Claim) -> Option<&mut QueuedTask> {
        let overdue = self.overdue(claim).cloned();
        let is_next = |row: &&mut QueuedTask| match &row.task.waiting {
            Some(_) => overdue.as_ref() == Some(&row.task.id),
            None => is_claimable(row, claim),
        };
        self.tasks.values_mut().filter(is_next).min_by(|a, b| order(a).cmp(&order(b)))
    }

    /// Returns the parked task whose time to answer ended first.
    fn overdue(&self, claim: &Claim) -> Option<&TaskId> {
        let parked = self.tasks.values().filter_map(|row| Some((row.task.waiting.as_ref()?, row)));
        let overdue = parked.filter(|(waiting, _)| waiting.is_over(claim.now));
        let first = overdue.min_by_key(|(waiting, row)| (waiting.deny_at, &row.task.id));
        first.map(|(_, row)| &row.task.id)
    }
}

fn is_claimable(row: &QueuedTask, claim: &Claim) -> bool {
    match row.task.status {
        TaskStatus::Pending => row.not_before.is_none_or(|from| from <= claim.now),
        TaskStatus::Running => row.lease.as_ref().is_some_and(|lease| !claim.is_blocked_by(lease)),
        TaskStatus::Initialized
        | TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled => false,
    }
}

fn order(row: &QueuedTask) -> (Reverse<TaskPriority>, Timestamp, &TaskId) {
    (Reverse(row.task.priority), row.task.created_at, &row.task.id)
}
