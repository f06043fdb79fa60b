//! The queue: who works on what, and until when.

use std::cmp::Reverse;

use async_trait::async_trait;

use super::store::{MemoryStore, State};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{TaskId, WorkerId};
use crate::task::{
    Beat, CancelOutcome, Claim, Claimed, Lease, Outcome, Task, TaskPriority, TaskQueue, TaskStatus,
};

#[async_trait]
impl TaskQueue for MemoryStore {
    async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        if let Some(slot) = state.tasks.get_mut(&task.id) {
            slot.check_same(task)?;
            slot.line_up(now)?;
            return Ok(slot.task.clone());
        }
        let mut slot = Slot::new(task.clone());
        if task.status != TaskStatus::Pending {
            slot.task.move_to(TaskStatus::Pending, now)?;
        }
        let stored = slot.task.clone();
        state.ledger.set_part(&task.id, None, task.parent_task_id.as_ref());
        state.tasks.insert(task.id.clone(), slot);
        Ok(stored)
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let mut state = self.lock();
        let slot = match &claim.task {
            Some(id) => Some(state.named(id, claim)?),
            None => state.next(claim),
        };
        slot.map(|slot| slot.take(claim)).transpose()
    }

    async fn heartbeat(&self, leases: &[Lease], until: Timestamp) -> Result<Vec<Beat>> {
        let mut state = self.lock();
        Ok(leases.iter().map(|lease| state.beat(lease, until)).collect())
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        let slot = state.held(lease)?;
        slot.end(outcome, now)?;
        Ok(slot.task.clone())
    }

    async fn release(
        &self,
        lease: &Lease,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Task> {
        let mut state = self.lock();
        let slot = state.held(lease)?;
        if slot.asked_to_stop {
            slot.stop(now)?;
        } else {
            slot.task.move_to(TaskStatus::Pending, now)?;
            slot.lease = None;
            slot.not_before = not_before;
        }
        Ok(slot.task.clone())
    }

    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome> {
        let mut state = self.lock();
        let slot = state.tasks.get_mut(id);
        let slot = slot.ok_or_else(|| Error::not_found("task", id))?;
        match slot.task.status {
            TaskStatus::Initialized | TaskStatus::Pending => {
                slot.stop(now)?;
                Ok(CancelOutcome::Cancelled)
            }
            TaskStatus::Running => {
                slot.asked_to_stop = true;
                Ok(CancelOutcome::Requested)
            }
            ended @ (TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled) => {
                Ok(CancelOutcome::AlreadyEnded(ended))
            }
        }
    }

    async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>> {
        let state = self.lock();
        let holds = |slot: &&Slot| slot.lease.as_ref().is_some_and(|l| l.owner == *owner);
        let asked = state.tasks.values().filter(|slot| slot.asked_to_stop);
        Ok(asked.filter(holds).map(|slot| slot.task.id.clone()).collect())
    }

    async fn lease(&self, id: &TaskId) -> Result<Option<Lease>> {
        Ok(self.lock().tasks.get(id).and_then(|slot| slot.lease.clone()))
    }

    async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>> {
        let state = self.lock();
        let leases = state.tasks.values().filter_map(|slot| slot.lease.as_ref());
        let mut found: Vec<&Lease> = leases.filter(|lease| lease.owner != *owner).collect();
        found.sort_by_key(|lease| (lease.until, &lease.task));
        Ok(found.into_iter().take(limit).cloned().collect())
    }
}

/// A task with what the queue knows of it.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) task: Task,
    pub(super) lease: Option<Lease>,
    epoch: u64,
    not_before: Option<Timestamp>,
    asked_to_stop: bool,
}

impl Slot {
    pub(super) const fn new(task: Task) -> Self {
        Self { task, lease: None, epoch: 0, not_before: None, asked_to_stop: false }
    }

    /// Checks that a task given under this one's id is this one: what may change over a task's life
    /// is not compared, so that a caller whom no acknowledgement reached can simply ask again.
    pub(super) fn check_same(&self, given: &Task) -> Result<()> {
        let identity = |task: &Task| (task.created_at, task.parent_task_id.clone());
        if self.task.command == given.command && identity(&self.task) == identity(given) {
            return Ok(());
        }
        Err(Error::AlreadyExists { what: "task", id: given.id.to_string() })
    }

    /// Makes the task wait for a worker, unless it does or has one.
    fn line_up(&mut self, now: Timestamp) -> Result<()> {
        if !matches!(self.task.status, TaskStatus::Pending | TaskStatus::Running) {
            self.task.move_to(TaskStatus::Pending, now)?;
        }
        Ok(())
    }

    /// Whether a claim of whatever is next may get the task.
    fn is_next_for(&self, claim: &Claim) -> bool {
        match self.task.status {
            TaskStatus::Pending => self.not_before.is_none_or(|from| from <= claim.now),
            TaskStatus::Running => self.lease.as_ref().is_some_and(|l| !claim.is_barred_by(l)),
            TaskStatus::Initialized
            | TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled => false,
        }
    }

    /// Returns the task's place in line.
    fn place(&self) -> (Reverse<TaskPriority>, Timestamp, &TaskId) {
        let task = &self.task;
        (Reverse(task.priority), task.created_at, &task.id)
    }

    fn take(&mut self, claim: &Claim) -> Result<Claimed> {
        self.task.move_to(TaskStatus::Running, claim.now)?;
        self.epoch += 1;
        self.not_before = None;
        // Whoever names a task wants it after all; whoever takes what is next knows nothing of it.
        self.asked_to_stop &= claim.task.is_none();
        let lease = Lease {
            task: self.task.id.clone(),
            owner: claim.owner.clone(),
            epoch: self.epoch,
            until: claim.until,
        };
        self.lease = Some(lease.clone());
        Ok(Claimed { task: self.task.clone(), lease })
    }

    pub(super) fn end(&mut self, outcome: &Outcome, now: Timestamp) -> Result<()> {
        outcome.apply(&mut self.task, now)?;
        self.lease = None;
        self.not_before = None;
        self.asked_to_stop = false;
        Ok(())
    }

    fn stop(&mut self, now: Timestamp) -> Result<()> {
        let failure = (&Error::Cancelled).into();
        self.end(&Outcome::Cancelled { failure }, now)
    }

    fn is_held_by(&self, lease: &Lease) -> bool {
        let same = |held: &Lease| held.epoch == lease.epoch && held.owner == lease.owner;
        self.lease.as_ref().is_some_and(same)
    }
}

impl State {
    fn named(&mut self, id: &TaskId, claim: &Claim) -> Result<&mut Slot> {
        let slot = self.tasks.get_mut(id);
        let slot = slot.ok_or_else(|| Error::not_found("task", id))?;
        match slot.lease.as_ref().filter(|lease| claim.is_barred_by(lease)) {
            Some(lease) => Err(Error::LeaseHeld {
                task: id.clone(),
                owner: lease.owner.clone(),
                until: lease.until,
            }),
            None => Ok(slot),
        }
    }

    fn next(&mut self, claim: &Claim) -> Option<&mut Slot> {
        let ready = self.tasks.values_mut().filter(|s| s.is_next_for(claim));
        ready.min_by(|a, b| a.place().cmp(&b.place()))
    }

    fn beat(&mut self, lease: &Lease, until: Timestamp) -> Beat {
        let Ok(slot) = self.held(lease) else {
            return Beat::Lost;
        };
        if let Some(held) = &mut slot.lease {
            held.until = held.until.max(until);
        }
        if slot.asked_to_stop { Beat::CancelRequested } else { Beat::Held }
    }

    /// Returns the task that a lease is for, if it is the current one.
    pub(super) fn held(&mut self, lease: &Lease) -> Result<&mut Slot> {
        let lost = |owner| Error::LeaseLost { task: lease.task.clone(), owner };
        match self.tasks.get_mut(&lease.task) {
            Some(slot) if slot.is_held_by(lease) => Ok(slot),
            Some(slot) => Err(lost(slot.lease.as_ref().map(|held| held.owner.clone()))),
            None => Err(lost(None)),
        }
    }
}
