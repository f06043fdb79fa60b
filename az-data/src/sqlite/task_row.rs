//! The row of a task.

use az_core::id::{TaskId, WorkerId};
use az_core::task::{Lease, QueuedTask, Task, TaskPriority};
use rusqlite::{Connection, named_params};

use super::json;
use super::row::{Columns, all, first, micros, run};
use crate::error::{Result, unreadable};

/// The columns of a task, in the order in which [`task`] reads them.
pub(super) const COLUMNS: &str = "id, status, priority, created_at, updated_at, started_at, \
     completed_at, cost, estimated_tokens, actual_tokens, parent_task_id, model, options, failure, \
     command, answer";

/// The columns of the queue, in the order in which [`queued`] reads them.
const QUEUE: &str = "epoch, lease_owner, lease_until, not_before, cancel_requested";

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

/// Parses the id of a task.
pub(super) fn task_id(text: &str) -> Result<TaskId> {
    TaskId::new(text).map_err(|error| unreadable("task id", error))
}

/// Parses the id of a worker.
pub(super) fn worker_id(text: &str) -> Result<WorkerId> {
    WorkerId::new(text).map_err(|error| unreadable("worker id", error))
}

/// Returns a priority as a number in the order of priorities.
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
    let sql = format!("SELECT {COLUMNS} FROM task WHERE namespace = az_namespace() AND id = ?1");
    first(conn, &sql, [id.as_str()], task)
}

/// Finds a task with the data of the queue.
pub(super) fn find_queued(conn: &Connection, id: &TaskId) -> Result<Option<QueuedTask>> {
    let sql =
        format!("SELECT {COLUMNS}, {QUEUE} FROM task WHERE namespace = az_namespace() AND id = ?1");
    first(conn, &sql, [id.as_str()], queued)
}

fn queued(row: &mut Columns<'_>) -> Result<QueuedTask> {
    let task = task(row)?;
    let epoch = row.count()?;
    let owner = row.take::<Option<String>>()?;
    let owner = owner.as_deref().map(worker_id).transpose()?;
    let lease = owner.zip(row.time_if_any()?);
    let lease = lease.map(|(owner, until)| Lease { task: task.id.clone(), owner, epoch, until });
    let (not_before, cancel_requested) = (row.time_if_any()?, row.take()?);
    Ok(QueuedTask { task, epoch, lease, not_before, cancel_requested })
}

/// Finds the lease of a task, expired or not.
pub(super) fn find_lease(conn: &Connection, id: &TaskId) -> Result<Option<Lease>> {
    let sql = "SELECT id, lease_owner, epoch, lease_until FROM task \
        WHERE namespace = az_namespace() AND id = ?1 AND lease_owner IS NOT NULL AND lease_until IS NOT NULL";
    first(conn, sql, [id.as_str()], lease)
}

/// Reads a lease from the columns `id, lease_owner, epoch, lease_until`.
pub(super) fn lease(row: &mut Columns<'_>) -> Result<Lease> {
    Ok(Lease {
        task: row.parsed(task_id)?,
        owner: row.parsed(worker_id)?,
        epoch: row.count()?,
        until: row.time()?,
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

/// Adds a task, or replaces a stored one except for its lease.
pub(super) fn put(conn: &Connection, task: &Task) -> Result<()> {
    let sql = "INSERT INTO task (namespace, id, status, priority, created_at, updated_at, started_at, \
            completed_at, cost, estimated_tokens, actual_tokens, parent_task_id, model, options, \
            failure, command, answer) \
        VALUES (az_namespace(), :id, :status, :priority, :created_at, :updated_at, :started_at, :completed_at, \
            :cost, :estimated_tokens, :actual_tokens, :parent, :model, :options, :failure, \
            :command, :answer) \
        ON CONFLICT (namespace, id) DO UPDATE SET status = excluded.status, priority = excluded.priority, \
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

/// Stores the changes that a rule of the queue makes to a row: the status, the times that depend on
/// it, and the lease.
pub(super) fn put_queued(conn: &Connection, row: &QueuedTask) -> Result<()> {
    let QueuedTask { task, epoch, lease, not_before, cancel_requested } = row;
    let sql = "UPDATE task SET status = :status, started_at = :started_at, \
            completed_at = :completed_at, updated_at = :updated_at, failure = :failure, \
            answer = :answer, epoch = :epoch, lease_owner = :owner, lease_until = :until, \
            not_before = :not_before, cancel_requested = :cancel_requested \
        WHERE namespace = az_namespace() AND id = :id";
    let params = named_params! {
        ":id": task.id.as_str(),
        ":status": task.status.as_str(),
        ":started_at": task.started_at.map(micros),
        ":completed_at": task.completed_at.map(micros),
        ":updated_at": micros(task.updated_at),
        ":failure": failure(task)?,
        ":answer": task.answer,
        ":epoch": epoch.cast_signed(),
        ":owner": lease.as_ref().map(|lease| lease.owner.as_str()),
        ":until": lease.as_ref().map(|lease| micros(lease.until)),
        ":not_before": not_before.map(micros),
        ":cancel_requested": cancel_requested,
    };
    run(conn, sql, params)?;
    Ok(())
}

fn failure(task: &Task) -> Result<Option<String>> {
    let write = |failure| json::write("failure", failure);
    task.failure.as_ref().map(write).transpose()
}
