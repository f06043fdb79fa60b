//! The contract of the task repository.

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
/// 1. A created task is returned as it was given, with times and text unchanged.
/// 2. Creating the same task twice, by id, command, `created_at` and parent, creates one task;
///    another task with a stored id is refused with `AlreadyExists`. Ids are not reused: the cost
///    of a deleted task stays booked under its id.
/// 3. An unknown id is `None` to [`get`](Self::get), `NotFound` to [`update`](Self::update),
///    `false` to [`delete`](Self::delete).
/// 4. An update succeeds only if the caller's `updated_at` is the stored one, else `Conflict`; the
///    stored task then has `updated_at = now`. The status changes only as [`TaskStatus::allows`]
///    permits, and never to or from `Running`, which only the queue changes. An update does not
///    change cost and tokens, which only the ledger changes, nor what a parked task waits for.
/// 5. A list is newest first (by `created_at`, then id); filters combine by *and*; pages by
///    `offset` contain every task once while none is added. The tasks below a task are those that
///    it has spawned, those that these have spawned, and so on.
/// 6. A task under a lease is not deleted (`LeaseHeld`). Deleting a task deletes its journal and
///    its snapshots, but not its costs: its holds are booked in full.
/// 7. Acknowledged writes survive a restart, if the backend is durable.
/// 8. A task of which a part cannot be read is returned with the reason in [`Task::damage`], and can be
///    deleted; updating it is refused with `Damaged`. It does not affect other tasks.
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

    /// Deletes a task; returns whether it existed.
    ///
    /// # Errors
    ///
    /// `LeaseHeld` while a worker has its lease at this lease time, or the backend's own.
    async fn delete(&self, id: &TaskId, lease_now: Timestamp) -> Result<bool>;
}

/// A filter of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only tasks in this status.
    pub status: Option<TaskStatus>,
    /// Only tasks of this priority.
    pub priority: Option<TaskPriority>,
    /// Only parts of this task.
    pub parent: Option<TaskId>,
    /// Only tasks below this task.
    pub below: Option<TaskId>,
    /// Only tasks whose id begins or ends with this text.
    pub id_part: Option<String>,
    /// Only parked tasks.
    pub waiting: bool,
    /// At most this many tasks.
    pub limit: usize,
    /// The number of tasks to skip.
    pub offset: usize,
}

impl Default for TaskFilter {
    fn default() -> Self {
        Self {
            status: None,
            priority: None,
            parent: None,
            below: None,
            id_part: None,
            waiting: false,
            limit: 100,
            offset: 0,
        }
    }
}

impl TaskFilter {
    /// Returns `true` if the filter matches `task`; limit, offset and the tasks below another one aside.
    pub fn matches(&self, task: &Task) -> bool {
        let id = task.id.as_str();
        self.status.is_none_or(|s| s == task.status)
            && self.priority.is_none_or(|p| p == task.priority)
            && (!self.waiting || task.waiting.is_some())
            && self.parent.as_ref().is_none_or(|p| task.parent_task_id.as_ref() == Some(p))
            && self.id_part.as_ref().is_none_or(|part| id.starts_with(part) || id.ends_with(part))
    }
}
