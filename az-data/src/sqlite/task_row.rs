//! A task as a row.

use az_core::clock::Timestamp;
use az_core::error::Error;
use az_core::id::{TaskId, WorkerId};
use az_core::task::{Lease, Task, TaskPriority, TaskStatus};
use rusqlite::{Connection, named_params};

use super::json;
use super::row::{Columns, all, first, micros, run};
use crate::error::{Result, unreadable};

/// The columns of a task, in the order in which [`task`] reads them.
pub(super) const COLUMNS: &str = "id, status, priority, created_at, updated_at, started_at, \
     completed_at, cost, estimated_tokens, actual_tokens, parent_task_id, model, options, failure, \
     command, answer";

/// A task and what the queue knows of it.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) task: Task,
    pub(super) epoch: u64,
    pub(super) lease: Option<Lease>,
}

impl Queued {
    /// Checks that a lease is the current one.
    pub(super) fn check(&self, lease: &Lease) -> Result<(), Error> {
        let current = self.lease.as_ref();
        if current.is_some_and(|held| held.epoch == lease.epoch && held.owner == lease.owner) {
            return Ok(());
        }
        Err(lost(lease, current.map(|held| held.owner.clone())))
    }
}

/// Returns the error of a lease that somebody else, or nobody, has now.
pub(super) fn lost(lease: &Lease, owner: Option<WorkerId>) -> Error {
    Error::LeaseLost { task: lease.task.clone(), owner }
}

/// Reads a task from the [`COLUMNS`].
pub(super) fn task(row: &mut Columns<'_>) -> Result<Task> {
    Ok(Task {
        id: row.parsed(task_id)?,
        status: row.parsed(|name| name.parse().map_err(|e| unreadable("status", e)))?,
        priority: priority_at(row.take()?)?,
        created_at: row.time()?,
        updated_at: row.time()?,
        started_at: row.time_if_any()?,
        completed_at: row.time_if_any()?,
        cost: row.money()?,
        estimated_tokens: row.count()?,
        actual_tokens: row.count()?,
        parent_task_id: row.take::<Option<String>>()?.as_deref().map(task_id).transpose()?,
        model: row.take()?,
        options: row.parsed(|text| json::read("options", text))?,
        failure: row
            .take::<Option<String>>()?
            .map(|text| json::read("failure", &text))
            .transpose()?,
        command: row.take()?,
        answer: row.take()?,
    })
}

/// Reads an id of a task.
pub(super) fn task_id(text: &str) -> Result<TaskId> {
    TaskId::new(text).map_err(|error| unreadable("task id", error))
}

/// Reads a name of a worker.
pub(super) fn worker_id(text: &str) -> Result<WorkerId> {
    WorkerId::new(text).map_err(|error| unreadable("worker id", error))
}

/// Returns a priority as a number that orders.
pub(super) const fn rank(priority: TaskPriority) -> i64 {
    match priority {
        TaskPriority::Low => 0,
        TaskPriority::Medium => 1,
        TaskPriority::High => 2,
        TaskPriority::Urgent => 3,
    }
}

fn priority_at(number: i64) -> Result<TaskPriority> {
    let known = TaskPriority::ALL.iter().copied();
    let mut known = known.filter(|priority| rank(*priority) == number);
    known.next().ok_or_else(|| unreadable("priority", number))
}

/// Finds a task.
pub(super) fn find(conn: &Connection, id: &TaskId) -> Result<Option<Task>> {
    let sql = format!("SELECT {COLUMNS} FROM task WHERE id = ?1");
    first(conn, &sql, [id.as_str()], task)
}

/// Finds a task and what the queue knows of it.
pub(super) fn find_queued(conn: &Connection, id: &TaskId) -> Result<Option<Queued>> {
    let Some(task) = find(conn, id)? else {
        return Ok(None);
    };
    let (epoch, lease) = find_lease(conn, id)?.unwrap_or((0, None));
    Ok(Some(Queued { task, epoch, lease }))
}

/// Finds out how many times a task was claimed, and who has it; `None` when there is no such task.
pub(super) fn find_lease(conn: &Connection, id: &TaskId) -> Result<Option<(u64, Option<Lease>)>> {
    let sql = "SELECT epoch, lease_owner, lease_until FROM task WHERE id = ?1";
    first(conn, sql, [id.as_str()], |row| {
        let epoch = row.count()?;
        let owner = row.take::<Option<String>>()?;
        let owner = owner.as_deref().map(worker_id).transpose()?;
        let lease = owner.zip(row.time_if_any()?).map(|(owner, until)| Lease {
            task: id.clone(),
            owner,
            epoch,
            until,
        });
        Ok((epoch, lease))
    })
}

/// Finds the tasks that the rest of a query selects.
pub(super) fn find_all(
    conn: &Connection,
    rest: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<Task>> {
    all(conn, &format!("SELECT {COLUMNS} {rest}"), params, task)
}

/// Adds a task, or replaces what is stored of it but for its lease.
pub(super) fn put(conn: &Connection, task: &Task) -> Result<()> {
    let sql = "INSERT INTO task (id, status, priority, created_at, updated_at, started_at, \
            completed_at, cost, estimated_tokens, actual_tokens, parent_task_id, model, options, \
            failure, command, answer) \
        VALUES (:id, :status, :priority, :created_at, :updated_at, :started_at, :completed_at, \
            :cost, :estimated_tokens, :actual_tokens, :parent, :model, :options, :failure, \
            :command, :answer) \
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, priority = excluded.priority, \
            created_at = excluded.created_at, updated_at = excluded.updated_at, \
            started_at = excluded.started_at, completed_at = excluded.completed_at, \
            cost = excluded.cost, estimated_tokens = excluded.estimated_tokens, \
            actual_tokens = excluded.actual_tokens, parent_task_id = excluded.parent_task_id, \
            model = excluded.model, options = excluded.options, failure = excluded.failure, \
            command = excluded.command, answer = excluded.answer";
    let parent = task.parent_task_id.as_ref().map(TaskId::as_str);
    let params = named_params! {
        ":id": task.id.as_str(),
        ":status": task.status.as_str(),
        ":priority": rank(task.priority),
        ":created_at": micros(task.created_at),
        ":updated_at": micros(task.updated_at),
        ":started_at": task.started_at.map(micros),
        ":completed_at": task.completed_at.map(micros),
        ":cost": task.cost.nanos(),
        ":estimated_tokens": task.estimated_tokens.cast_signed(),
        ":actual_tokens": task.actual_tokens.cast_signed(),
        ":parent": parent,
        ":model": task.model,
        ":options": json::write("options", &task.options)?,
        ":failure": failure(task)?,
        ":command": task.command,
        ":answer": task.answer,
    };
    run(conn, sql, params)?;
    Ok(())
}

/// Stores where a task stands after its status moved; the rest of it stays as it is.
pub(super) fn put_status(conn: &Connection, task: &Task) -> Result<()> {
    let sql = "UPDATE task SET status = :status, started_at = :started_at, \
            completed_at = :completed_at, updated_at = :updated_at, failure = :failure, \
            answer = :answer WHERE id = :id";
    let params = named_params! {
        ":id": task.id.as_str(),
        ":status": task.status.as_str(),
        ":started_at": task.started_at.map(micros),
        ":completed_at": task.completed_at.map(micros),
        ":updated_at": micros(task.updated_at),
        ":failure": failure(task)?,
        ":answer": task.answer,
    };
    run(conn, sql, params)?;
    Ok(())
}

/// Ends the lease on a task, and a request to stop it; it may be claimed from `not_before` on.
pub(super) fn free(conn: &Connection, id: &TaskId, not_before: Option<Timestamp>) -> Result<()> {
    let sql = "UPDATE task SET lease_owner = NULL, lease_until = NULL, not_before = ?2, \
            cancel_requested = 0 WHERE id = ?1";
    run(conn, sql, (id.as_str(), not_before.map(micros)))?;
    Ok(())
}

/// Whether a task may be claimed and is not: the statuses of tasks that wait.
pub(super) const fn waits(status: TaskStatus) -> bool {
    matches!(status, TaskStatus::Initialized | TaskStatus::Pending)
}

fn failure(task: &Task) -> Result<Option<String>> {
    let write = |failure| json::write("failure", failure);
    task.failure.as_ref().map(write).transpose()
}
