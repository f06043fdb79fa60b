//! The row of a task.

use az_core::id::{TaskId, WorkerId};
use az_core::task::{Lease, QueuedTask, Task, TaskPriority, TaskStatus};
use rusqlite::{Connection, named_params};

use super::json;
use super::row::{Columns, first, micros, readable, run};
use crate::error::{Result, unreadable};

/// The columns of a task, in the order in which [`task`] reads them.
pub(super) const COLUMNS: &str = "id, status, priority, created_at, updated_at, started_at, \
     completed_at, cost, estimated_tokens, actual_tokens, parent_task_id, model, options, failure, \
     command, answer, waiting";

/// The columns of the queue, in the order in which [`queued`] reads them.
const QUEUE: &str =
    "epoch, lease_owner, lease_until, not_before, cancel_requested, cancelled_alone";

/// Reads a task from the [`COLUMNS`]. A part that cannot be read has its default, and the task has
/// the damage; only the id has to be readable.
pub(super) fn task(row: &mut Columns<'_>) -> Result<Task> {
    let mut damage = Damage::default();
    let mut task = Task {
        id: row.parsed(task_id)?,
        status: damage.or(TaskStatus::Failed, row.parsed(status))?,
        priority: damage.or(TaskPriority::Low, row.take().and_then(priority_at))?,
        created_at: row.time()?,
        updated_at: row.time()?,
        started_at: row.time_if_any()?,
        completed_at: row.time_if_any()?,
        cost: row.money()?,
        estimated_tokens: row.count()?,
        actual_tokens: row.count()?,
        parent_task_id: damage.or_default(row.parsed_if_any(task_id))?,
        model: damage.or_default(row.take())?,
        options: damage.or_default(row.parsed(|text| json::read("options", text)))?,
        failure: damage.or_default(row.parsed_if_any(|text| json::read("failure", text)))?,
        command: damage.or_default(row.take())?,
        answer: damage.or_default(row.take())?,
        waiting: damage.or_default(row.parsed_if_any(|text| json::read("waiting", text)))?,
        damage: None,
    };
    task.damage = damage.0;
    Ok(task)
}

/// Checks that all of a task can be read.
pub(super) fn check(row: &mut Columns<'_>) -> Result<()> {
    Ok(task(row)?.check_undamaged()?)
}

/// The first part of a row that cannot be read.
#[derive(Debug, Default)]
struct Damage(Option<String>);

impl Damage {
    /// Returns a part of the row, or `other` if it cannot be read.
    fn or<T>(&mut self, other: T, part: Result<T>) -> Result<T> {
        match part {
            Err(error) if error.is_unreadable() => {
                self.0.get_or_insert_with(|| error.to_string());
                Ok(other)
            }
            part => part,
        }
    }

    fn or_default<T: Default>(&mut self, part: Result<T>) -> Result<T> {
        self.or(T::default(), part)
    }
}

fn status(name: &str) -> Result<TaskStatus> {
    name.parse().map_err(|error| unreadable("status", error))
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
    let owner = row.parsed_if_any(worker_id)?;
    let lease = owner.zip(row.time_if_any()?);
    let lease = lease.map(|(owner, until)| Lease { task: task.id.clone(), owner, epoch, until });
    let not_before = row.time_if_any()?;
    let (cancel_requested, cancelled_alone) = (row.take()?, row.take()?);
    Ok(QueuedTask { task, epoch, lease, not_before, cancel_requested, cancelled_alone })
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
    readable(conn, &format!("SELECT {COLUMNS} {rest}"), params, task)
}

/// Adds a task, or replaces a stored one except for its lease.
pub(super) fn put(conn: &Connection, task: &Task) -> Result<()> {
    let sql = "INSERT INTO task (namespace, id, status, priority, created_at, updated_at, started_at, \
            completed_at, cost, estimated_tokens, actual_tokens, parent_task_id, model, options, \
            failure, command, answer, waiting, deny_at) \
        VALUES (az_namespace(), :id, :status, :priority, :created_at, :updated_at, :started_at, :completed_at, \
            :cost, :estimated_tokens, :actual_tokens, :parent, :model, :options, :failure, \
            :command, :answer, :waiting, :deny_at) \
        ON CONFLICT (namespace, id) DO UPDATE SET status = excluded.status, priority = excluded.priority, \
            created_at = excluded.created_at, updated_at = excluded.updated_at, \
            started_at = excluded.started_at, completed_at = excluded.completed_at, \
            cost = excluded.cost, estimated_tokens = excluded.estimated_tokens, \
            actual_tokens = excluded.actual_tokens, parent_task_id = excluded.parent_task_id, \
            model = excluded.model, options = excluded.options, failure = excluded.failure, \
            command = excluded.command, answer = excluded.answer, \
            waiting = excluded.waiting, deny_at = excluded.deny_at";
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
        ":waiting": waiting(task)?,
        ":deny_at": deny_at(task),
    };
    run(conn, sql, params)?;
    Ok(())
}

/// Stores the changes that a rule of the queue makes to a row: the status, the times that depend on
/// it, and the lease.
pub(super) fn put_queued(conn: &Connection, row: &QueuedTask) -> Result<()> {
    let QueuedTask { task, epoch, lease, not_before, cancel_requested, cancelled_alone } = row;
    let sql = "UPDATE task SET status = :status, started_at = :started_at, \
            completed_at = :completed_at, updated_at = :updated_at, failure = :failure, \
            answer = :answer, epoch = :epoch, lease_owner = :owner, lease_until = :until, \
            not_before = :not_before, cancel_requested = :cancel_requested, \
            cancelled_alone = :cancelled_alone, waiting = :waiting, deny_at = :deny_at \
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
        ":cancelled_alone": cancelled_alone,
        ":waiting": waiting(task)?,
        ":deny_at": deny_at(task),
    };
    run(conn, sql, params)?;
    Ok(())
}

fn waiting(task: &Task) -> Result<Option<String>> {
    let write = |waiting| json::write("waiting", waiting);
    task.waiting.as_ref().map(write).transpose()
}

fn deny_at(task: &Task) -> Option<i64> {
    task.waiting.as_ref().and_then(|waiting| waiting.deny_at).map(micros)
}

fn failure(task: &Task) -> Result<Option<String>> {
    let write = |failure| json::write("failure", failure);
    task.failure.as_ref().map(write).transpose()
}
