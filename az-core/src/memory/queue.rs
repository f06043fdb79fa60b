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
        let part_of = stored.as_ref().and_then(|row| row.task.parent_task_id.clone());
        let row = QueuedTask::enqueue(stored, task, now)?;
        Ok(state.put(row, part_of.as_ref()))
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let mut state = self.lock();
        let row = match &claim.task {
            Some(id) => Some(state.find(id)?),
            None => state.next(claim),
        };
        row.map(|row| row.claim(claim)).transpose()
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
        state.changed(&lease.task, now)
    }

    async fn park(&self, lease: &Lease, waiting: &Waiting, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        state.held(lease)?.park(lease, waiting, now)?;
        state.changed(&lease.task, now)
    }

    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome> {
        let mut state = self.lock();
        let outcome = state.find(id)?.request_cancel(now)?;
        state.changed(id, now)?;
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
        self.changed(&lease.task, now)
    }

    /// Cancels what a task has spawned if it ended or is to; returns the task.
    fn changed(&mut self, id: &TaskId, now: Timestamp) -> Result<Task> {
        let row = self.find(id)?;
        let task = row.task.clone();
        if row.cancels_spawned() {
            let rows = self.tasks.values().filter(|row| row.is_cancelled_with_parent());
            let spawned = rows.filter(|row| row.task.parent_task_id.as_ref() == Some(id));
            let spawned: Vec<_> = spawned.map(|row| row.task.id.clone()).collect();
            for id in spawned {
                self.find(&id)?.request_cancel(now)?;
                self.changed(&id, now)?;
            }
        }
        Ok(task)
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
