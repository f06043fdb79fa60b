//! Where tasks are kept.

use std::fmt;

use async_trait::async_trait;

use super::model::{Task, TaskPriority, TaskStatus};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TaskId;

/// Keeps tasks.
///
/// # Contract
///
/// 1. What was created is found again as it was given, times and text to the last byte.
/// 2. Creating the same task twice, by id, command, `created_at` and parent, is one task; another
///    task under a known id is refused with `AlreadyExists`. Ids are not used again: what a deleted
///    task cost stays booked under its id.
/// 3. An id that is not known is `None` to [`get`](Self::get), `NotFound` to
///    [`update`](Self::update), `false` to [`delete`](Self::delete).
/// 4. An update is taken only if the caller's `updated_at` is the stored one, else `Conflict`; the
///    stored task then has `updated_at = now`. Status moves only where
///    [`TaskStatus::allows`] does, and never into or out of `Running`, which is the queue's. What
///    the task has cost and used is the ledger's, and kept as it is.
/// 5. A list is newest first (by `created_at`, then id); filters combine by *and*; pages made by
///    `offset` cover every task once while nothing is added.
/// 6. A task held by a worker is not deleted (`LeaseHeld`); a deleted task takes its journal and
///    its snapshots with it, but not its costs: what is held for it is booked in full.
/// 7. What was acknowledged survives a restart, where the backend is durable.
#[async_trait]
pub trait TaskRepository: fmt::Debug + Send + Sync + 'static {
    /// Adds a task and returns it as stored.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, or the backend's own.
    async fn create(&self, task: &Task) -> Result<Task>;

    /// Looks a task up.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn get(&self, id: &TaskId) -> Result<Option<Task>>;

    /// Replaces what is stored of a task.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Conflict`, `Invalid` for an illegal status, or the backend's own.
    async fn update(&self, task: &Task, now: Timestamp) -> Result<Task>;

    /// Lists tasks.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn list(&self, filter: &TaskFilter) -> Result<Vec<Task>>;

    /// Deletes a task; says whether there was one.
    ///
    /// # Errors
    ///
    /// `LeaseHeld` while a worker holds it at `now`, or the backend's own.
    async fn delete(&self, id: &TaskId, now: Timestamp) -> Result<bool>;
}

/// Which tasks to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only in this status.
    pub status: Option<TaskStatus>,
    /// Only of this priority.
    pub priority: Option<TaskPriority>,
    /// Only parts of this task.
    pub parent: Option<TaskId>,
    /// Only ids that begin or end with this text.
    pub id_part: Option<String>,
    /// At most this many.
    pub limit: usize,
    /// After leaving out this many.
    pub offset: usize,
}

impl Default for TaskFilter {
    fn default() -> Self {
        Self { status: None, priority: None, parent: None, id_part: None, limit: 100, offset: 0 }
    }
}

impl TaskFilter {
    /// Whether the filter lets `task` through, limit and offset aside.
    pub fn matches(&self, task: &Task) -> bool {
        let id = task.id.as_str();
        self.status.is_none_or(|s| s == task.status)
            && self.priority.is_none_or(|p| p == task.priority)
            && self.parent.as_ref().is_none_or(|p| task.parent_task_id.as_ref() == Some(p))
            && self.id_part.as_ref().is_none_or(|part| id.starts_with(part) || id.ends_with(part))
    }
}
