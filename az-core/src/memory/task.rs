//! The repository of tasks.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use async_trait::async_trait;

use super::store::{MemoryStore, State};
use crate::clock::Timestamp;
use crate::cost::{Payer, Settlement, parents};
use crate::error::Result;
use crate::id::TaskId;
use crate::task::{BudgetChange, QueuedTask, Task, TaskFilter, TaskRepository};

#[async_trait]
impl TaskRepository for MemoryStore {
    async fn create(&self, task: &Task) -> Result<Task> {
        let mut state = self.lock();
        if let Some(row) = state.tasks.get(&task.id) {
            row.task.check_same(task)?;
            return Ok(row.task.clone());
        }
        Ok(state.put(QueuedTask::new(task.clone()), None))
    }

    async fn get(&self, id: &TaskId) -> Result<Option<Task>> {
        Ok(self.lock().tasks.get(id).map(|row| row.task.clone()))
    }

    async fn update(&self, task: &Task, now: Timestamp) -> Result<Task> {
        let mut state = self.lock();
        let row = state.find(&task.id)?.clone();
        let updated = row.task.updated_to(task, now)?;
        Ok(state.put(QueuedTask { task: updated, ..row }, row.task.parent_task_id.as_ref()))
    }

    async fn list(&self, filter: &TaskFilter) -> Result<Vec<Task>> {
        let state = self.lock();
        let below: Option<BTreeSet<_>> =
            filter.below.as_ref().map(|top| state.below(top).into_iter().collect());
        let tasks = state.tasks.values().map(|row| &row.task);
        let tasks = tasks.filter(|task| below.as_ref().is_none_or(|ids| ids.contains(&task.id)));
        let mut found: Vec<&Task> = tasks.filter(|task| filter.matches(task)).collect();
        found.sort_by_key(|task| Reverse((task.created_at, &task.id)));
        let page = found.into_iter().skip(filter.offset).take(filter.limit);
        Ok(page.cloned().collect())
    }

    async fn delete(&self, id: &TaskId, lease_now: Timestamp) -> Result<bool> {
        let mut state = self.lock();
        let Some(row) = state.tasks.get(id) else {
            return Ok(false);
        };
        row.lease.as_ref().map_or(Ok(()), |lease| lease.check_expired(lease_now))?;
        let own = row.task.own_budget().map(BudgetChange::Remove);
        let payer = Payer::from(id);
        for key in state.ledger.keys(|hold| hold.payer == payer) {
            state.ledger.close(&key, &Settlement::Full)?;
        }
        state.ledger.change_own(own, lease_now)?;
        state.tasks.remove(id);
        state.records.remove(id);
        state.hints.remove(id);
        state.shelves.remove(id);
        Ok(true)
    }
}

impl State {
    /// Stores a row and the parent that it implies, and returns its task. `part_of` is the task
    /// that it was part of before.
    pub(super) fn put(&mut self, row: QueuedTask, part_of: Option<&TaskId>) -> Task {
        let task = row.task.clone();
        if let Some(parent) = parents::change(part_of, task.parent_task_id.as_ref()) {
            self.ledger.put_parent((&task.id).into(), parent);
        }
        self.tasks.insert(task.id.clone(), row);
        task
    }
}
