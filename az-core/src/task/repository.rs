//! The contract of the repository of tasks.

use std::fmt;

use async_trait::async_trait;

use super::model::{Task, TaskPriority, TaskStatus};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TaskId;

/// Stores tasks.
///
/// # Contract
///
/// 1. A task is read back as it was created, times and text to the last byte.
/// 2. Creating the same task twice, by id, command, `created_at` and parent, creates one task.
///    Another task of a stored id is refused with `AlreadyExists`. Ids are not reused: what a
///    deleted task cost stays booked under its id.
/// 3. For an unknown id, [`get`](Self::get) returns `None`, [`update`](Self::update) fails with
///    `NotFound`, and [`delete`](Self::delete) returns `false`.
/// 4. An update needs the stored `updated_at`, else it fails with `Conflict`. The stored task then
///    has `updated_at = now`. The status changes only where [`TaskStatus::allows`] does, and never to
///    or from `Running`, which only the queue sets. The cost and the tokens of a task are kept; only
///    the ledger changes them.
/// 5. A list is newest first (by `created_at`, then id). Filters combine by *and*. Pages by `offset`
///    cover every task once while no task is added.
/// 6. A task that a worker holds is not deleted (`LeaseHeld`). A deleted task takes its journal and
///    its snapshots with it, but not its costs: its open holds are booked in full.
/// 7. What was acknowledged survives a restart, where the backend is durable.
#[async_trait]
pub trait TaskRepository: fmt::Debug + Send + Sync + 'static {
    /// Adds a task and returns it as stored.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, or the backend's own.
    async fn create(&self, task: &Task) -> Result<Task>;

    /// Returns a task.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn get(&self, id: &TaskId) -> Result<Option<Task>>;

    /// Replaces a stored task.
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

    /// Deletes a task; returns whether there was one.
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
    /// The most tasks to list.
    pub limit: usize,
    /// How many tasks to skip.
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
