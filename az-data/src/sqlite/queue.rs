//! The queue in SQLite: the rows of the tasks, with their leases.

use async_trait::async_trait;
use az_core::clock::Timestamp;
use az_core::error::Error;
use az_core::id::{TaskId, WorkerId};
use az_core::task::{
    CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, QueuedTask, Task, TaskQueue,
    TaskStatus, Waiting, held,
};
use rusqlite::{Connection, named_params};

use super::row::{bound, first, micros, readable};
use super::spawned;
use super::store::SqliteStore;
use super::task::store;
use super::task_row::{find_lease, find_queued, lease, put_queued, task_id};
use crate::error::Result;

/// Finds the next task for a claim at the time `:now` and the lease time `:lease_now` that presumes
/// the owner `:dead` dead. The index of claimable tasks has this order, and that of parked tasks with a
/// limit of time the order of the limits, so only the first row of each is read. Expired leases and those of the dead owner are few and all read. Without the hint, the planner
/// would use an index of all tasks.
/// `:skip` is a JSON list of the rows that are damaged.
const NEXT: &str = "SELECT row, id FROM ( \
        SELECT * FROM (SELECT rowid AS row, id, priority, created_at FROM task INDEXED BY task_next \
            WHERE namespace = az_namespace() AND status = 'pending' AND waiting IS NULL \
            AND (not_before IS NULL OR not_before <= :now) \
            AND rowid NOT IN (SELECT value FROM json_each(:skip)) \
            ORDER BY priority DESC, created_at, id LIMIT 1) \
        UNION ALL SELECT * FROM (SELECT rowid, id, priority, created_at FROM task INDEXED BY task_overdue \
            WHERE namespace = az_namespace() AND deny_at <= :now \
            AND rowid NOT IN (SELECT value FROM json_each(:skip)) \
            ORDER BY deny_at, id LIMIT 1) \
        UNION ALL SELECT rowid, id, priority, created_at FROM task INDEXED BY task_expiring \
            WHERE namespace = az_namespace() AND status = 'running' AND lease_until <= :lease_now \
            AND rowid NOT IN (SELECT value FROM json_each(:skip)) \
        UNION ALL SELECT rowid, id, priority, created_at FROM task \
            WHERE namespace = az_namespace() AND lease_owner = :dead \
            AND rowid NOT IN (SELECT value FROM json_each(:skip)) \
    ) ORDER BY priority DESC, created_at, id LIMIT 1";

/// Finds the leases of owners other than `?1` in the order of the index, and reads no more of it
/// than the limit `?2` and the caller's own leases require.
const OTHERS: &str = "SELECT id, lease_owner, epoch, lease_until FROM task INDEXED BY task_expiring \
    WHERE namespace = az_namespace() AND status = 'running' AND lease_owner <> ?1 \
    ORDER BY lease_until, id LIMIT ?2";

#[async_trait]
impl TaskQueue for SqliteStore {
    async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task, Error> {
        let task = task.clone();
        self.write(move |conn| {
            let stored = find_queued(conn, &task.id)?;
            let before = stored.as_ref().map(|row| row.task.status);
            put_queueable(conn, QueuedTask::enqueue(stored, &task, now)?, before, now)
        })
        .await
    }

    async fn spawn(&self, parent: &Lease, task: &Task, now: Timestamp) -> Result<Task, Error> {
        let (lease, task) = (parent.clone(), task.clone());
        self.write(move |conn| {
            let parent = find_queued(conn, &lease.task)?;
            let stored = find_queued(conn, &task.id)?;
            let before = stored.as_ref().map(|row| row.task.status);
            let row = QueuedTask::spawn(stored, &task, (parent.as_ref(), &lease), now)?;
            put_queueable(conn, row, before, now)
        })
        .await
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>, Error> {
        let claim = claim.clone();
        if let Some(id) = claim.task.clone() {
            let claimed = self.write(move |conn| {
                change(conn, &id, claim.now, |row| Ok(Some(row.claim(&claim)?)))
            });
            return claimed.await;
        }
        let claimed = self.write(move |conn| claim_next(conn, &claim)).await?;
        self.warn_of(claimed.damaged);
        Ok(claimed.next)
    }

    async fn heartbeat(
        &self,
        leases: &[Lease],
        until: Timestamp,
    ) -> Result<Vec<HeartbeatStatus>, Error> {
        let leases = leases.to_vec();
        self.write(move |conn| leases.iter().map(|lease| heartbeat(conn, lease, until)).collect())
            .await
    }

    async fn finish(
        &self,
        lease: &Lease,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<Task, Error> {
        let (lease, outcome) = (lease.clone(), outcome.clone());
        self.write(move |conn| finish(conn, &lease, &outcome, now)).await
    }

    async fn release(
        &self,
        lease: &Lease,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Task, Error> {
        let lease = lease.clone();
        self.write(move |conn| release(conn, &lease, not_before, now)).await
    }

    async fn park(&self, lease: &Lease, waiting: &Waiting, now: Timestamp) -> Result<Task, Error> {
        let (lease, waiting) = (lease.clone(), waiting.clone());
        self.write(move |conn| {
            let mut row = held(find_queued(conn, &lease.task)?, &lease)?;
            row.park(&lease, &waiting, now)?;
            put_changed(conn, row, TaskStatus::Running, now)
        })
        .await
    }

    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome, Error> {
        let id = id.clone();
        self.write(move |conn| change(conn, &id, now, |row| Ok(row.request_cancel(now)?))).await
    }

    async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>, Error> {
        let sql = "SELECT id FROM task INDEXED BY task_held \
            WHERE namespace = az_namespace() AND lease_owner = ?1 AND cancel_requested = 1 ORDER BY id";
        let owner = owner.clone();
        self.point(move |conn| readable(conn, sql, [owner.as_str()], |row| row.parsed(task_id)))
            .await
    }

    async fn lease(&self, id: &TaskId) -> Result<Option<Lease>, Error> {
        let id = id.clone();
        self.point(move |conn| find_lease(conn, &id)).await
    }

    async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>, Error> {
        let owner = owner.clone();
        self.scan(move |conn| readable(conn, OTHERS, (owner.as_str(), bound(limit)), lease)).await
    }
}

/// Stores a row that was enqueued or spawned; `before` is its status before, if it was stored.
fn put_queueable(
    conn: &Connection,
    row: QueuedTask,
    before: Option<TaskStatus>,
    now: Timestamp,
) -> Result<Task> {
    let Some(before) = before else {
        spawned::keep_budget(conn, &row, None)?;
        return store(conn, &row.task, None);
    };
    put_changed(conn, row, before, now)
}

/// The result of a claim of the next task.
struct ClaimedNext {
    next: Option<Claimed>,
    /// The rows that were skipped, with their errors.
    damaged: Vec<(i64, String)>,
}

/// Claims the next task of which all can be read.
fn claim_next(conn: &Connection, claim: &Claim) -> Result<ClaimedNext> {
    let mut damaged: Vec<(i64, String)> = Vec::new();
    loop {
        let skip: Vec<_> = damaged.iter().map(|(row, _)| row.to_string()).collect();
        let params = named_params! {
            ":now": micros(claim.now),
            ":lease_now": micros(claim.lease_now),
            ":dead": claim.presumed_dead.as_ref().map(WorkerId::as_str),
            ":skip": format!("[{}]", skip.join(",")),
        };
        let found = first(conn, NEXT, params, |row| Ok((row.take()?, row.parsed(task_id))))?;
        let Some((row, id)) = found else { return Ok(ClaimedNext { next: None, damaged }) };
        let claimed = id.and_then(|id| change(conn, &id, claim.now, |row| Ok(row.claim(claim)?)));
        match claimed {
            Ok(claimed) => return Ok(ClaimedNext { next: Some(claimed), damaged }),
            Err(error) if error.is_damage() => damaged.push((row, error.to_string())),
            Err(error) => return Err(error),
        }
    }
}

fn heartbeat(conn: &Connection, lease: &Lease, until: Timestamp) -> Result<HeartbeatStatus> {
    let sql = "UPDATE task SET lease_until = max(lease_until, :until) \
        WHERE namespace = az_namespace() AND id = :id AND lease_owner = :owner \
            AND epoch = :epoch RETURNING cancel_requested";
    let params = named_params! {
        ":id": lease.task.as_str(),
        ":owner": lease.owner.as_str(),
        ":epoch": lease.epoch.cast_signed(),
        ":until": micros(until),
    };
    let requested = first(conn, sql, params, |row| row.take())?;
    Ok(requested.map_or(HeartbeatStatus::Lost, HeartbeatStatus::held))
}

/// Ends a task and its lease.
pub(super) fn finish(
    conn: &Connection,
    lease: &Lease,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Task> {
    let mut row = held(find_queued(conn, &lease.task)?, lease)?;
    row.finish(lease, outcome, now)?;
    put_changed(conn, row, TaskStatus::Running, now)
}

fn release(
    conn: &Connection,
    lease: &Lease,
    not_before: Option<Timestamp>,
    now: Timestamp,
) -> Result<Task> {
    let mut row = held(find_queued(conn, &lease.task)?, lease)?;
    row.release(lease, not_before, now)?;
    put_changed(conn, row, TaskStatus::Running, now)
}

/// Applies a rule of the queue to a task and stores the change.
pub(super) fn change<T>(
    conn: &Connection,
    id: &TaskId,
    now: Timestamp,
    rule: impl FnOnce(&mut QueuedTask) -> Result<T>,
) -> Result<T> {
    let mut row = find_queued(conn, id)?.ok_or_else(|| Error::not_found("task", id))?;
    let before = row.task.status;
    let changed = rule(&mut row)?;
    put_changed(conn, row, before, now)?;
    Ok(changed)
}

/// Stores a row that a rule of the queue has changed from the status `before`, with the own budget of its task, and
/// cancels what the task has spawned if it has ended or is to; returns the task.
fn put_changed(
    conn: &Connection,
    row: QueuedTask,
    before: TaskStatus,
    now: Timestamp,
) -> Result<Task> {
    put_queued(conn, &row)?;
    spawned::keep_budget(conn, &row, Some(before))?;
    if row.cancels_spawned() {
        spawned::cancel_below(conn, &row.task.id, now)?;
    }
    Ok(row.task)
}

#[cfg(test)]
mod tests {
    use super::super::plans::plan;
    use super::{NEXT, OTHERS};

    #[test]
    fn leases_of_others_are_read_in_the_order_of_their_index() {
        // Only leases that expire at the same instant are sorted, by task.
        let sorted = "USE TEMP B-TREE FOR LAST TERM OF ORDER BY";
        let expected = ["SEARCH task USING INDEX task_expiring (namespace=?)", sorted];
        assert_eq!(plan(OTHERS), expected);
    }

    #[test]
    fn a_claim_reads_no_task_that_cannot_be_next() {
        let mut steps = plan(NEXT);
        steps.retain(|step| step.contains(" task "));
        assert_eq!(
            steps,
            [
                "SEARCH task USING COVERING INDEX task_next (namespace=?)",
                "SEARCH task USING INDEX task_overdue (namespace=? AND deny_at<?)",
                "SEARCH task USING INDEX task_expiring (namespace=? AND lease_until<?)",
                "SEARCH task USING INDEX task_held (namespace=? AND lease_owner=?)",
            ]
        );
    }
}
