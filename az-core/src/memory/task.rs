//! Tasks: created, found, changed, listed, deleted.

use std::cmp::Reverse;

use async_trait::async_trait;

use super::queue::Slot;
use super::store::MemoryStore;
use crate::clock::Timestamp;
use crate::cost::Settlement;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::task::{Task, TaskFilter, TaskRepository, TaskStatus};

#[async_trait]
impl TaskRepository for MemoryStore {
    async fn create(&self, task: &Task) -> Result<Task> {
        let mut state = self.lock();
        if let Some(slot) = state.tasks.get(&task.id) {
            slot.check_same(task)?;
            return Ok(slot.task.clone());
        }
        state.ledger.set_part(&task.id, None, task.parent_task_id.as_ref());
        state.tasks.insert(task.id.clone(), Slot::new(task.clone()));
        Ok(task.clone())
    }

    async fn get(&self, id: &TaskId) -> Result<Option<Task>> {
        Ok(self.lock().tasks.get(id).map(|slot| slot.task.clone()))
    }

    async fn update(&self, task: &Task, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        let slot = state.tasks.get_mut(&task.id);
        let slot = slot.ok_or_else(|| Error::not_found("task", &task.id))?;
        check_version(&slot.task, task)?;
        let before = slot.task.parent_task_id.clone();
        check_status(slot.task.status, task.status)?;
        slot.task = Task {
            updated_at: now,
            // What was spent is the ledger's to say; a caller's copy may be older.
            cost: slot.task.cost,
            actual_tokens: slot.task.actual_tokens,
            ..task.clone()
        };
        let stored = slot.task.clone();
        state.ledger.set_part(&task.id, before.as_ref(), task.parent_task_id.as_ref());
        Ok(stored)
    }

    async fn list(&self, filter: &TaskFilter) -> Result<Vec<Task>> {
        let state = self.lock();
        let tasks = state.tasks.values().map(|slot| &slot.task);
        let mut found: Vec<&Task> = tasks.filter(|task| filter.matches(task)).collect();
        found.sort_by_key(|task| Reverse((task.created_at, &task.id)));
        let page = found.into_iter().skip(filter.offset).take(filter.limit);
        Ok(page.cloned().collect())
    }

    async fn delete(&self, id: &TaskId, now: Timestamp) -> Result<bool> {
        let mut state = self.lock();
        let Some(slot) = state.tasks.get(id) else {
            return Ok(false);
        };
        if let Some(lease) = slot.lease.as_ref().filter(|lease| lease.until > now) {
            return Err(Error::LeaseHeld {
                task: id.clone(),
                owner: lease.owner.clone(),
                until: lease.until,
            });
        }
        for key in state.ledger.held_for(&id.into()) {
            state.ledger.close(&key, &Settlement::Full)?;
        }
        state.tasks.remove(id);
        state.records.remove(id);
        state.shelves.remove(id);
        Ok(true)
    }
}

fn check_version(stored: &Task, given: &Task) -> Result<()> {
    if stored.updated_at == given.updated_at {
        return Ok(());
    }
    Err(Error::Conflict {
        what: "task",
        expected: given.updated_at.to_string(),
        found: stored.updated_at.to_string(),
    })
}

/// Checks a change of status by hand: legal, and neither into nor out of the queue's own.
fn check_status(from: TaskStatus, to: TaskStatus) -> Result<()> {
    if from == to {
        return Ok(());
    }
    if from == TaskStatus::Running || to == TaskStatus::Running {
        let reason = format!("only the queue takes a task from {from} to {to}");
        return Err(Error::invalid("status", reason));
    }
    if !from.allows(to) {
        let reason = format!("a task that is {from} cannot become {to}");
        return Err(Error::invalid("status", reason));
    }
    Ok(())
}
