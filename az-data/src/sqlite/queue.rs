//! The queue in SQLite: the same rows as the tasks, with a lease on them.

use async_trait::async_trait;
use az_core::clock::Timestamp;
use az_core::error::Error;
use az_core::id::{TaskId, WorkerId};
use az_core::task::{
    Beat, CancelOutcome, Claim, Claimed, Failure, Lease, Outcome, Task, TaskQueue, TaskStatus,
};
use rusqlite::{Connection, named_params};

use super::row::{Columns, all, bound, first, micros, run};
use super::store::SqliteStore;
use super::task::{add, same};
use super::task_row::{
    Queued, find, find_lease, find_queued, free, lost, put_status, task_id, waits, worker_id,
};
use crate::error::Result;

/// Finds the next task for a claim at `:now` that presumes `:dead` to be so. The index of what waits
/// is in this order, so its first row is all that is read of it. What ran out, or belongs to the
/// dead, is little and looked at whole. Left to itself, the planner prefers an index of all tasks.
const NEXT: &str = "SELECT id FROM ( \
        SELECT * FROM (SELECT id, priority, created_at FROM task INDEXED BY task_next \
            WHERE status = 'pending' AND (not_before IS NULL OR not_before <= :now) \
            ORDER BY priority DESC, created_at, id LIMIT 1) \
        UNION ALL SELECT id, priority, created_at FROM task INDEXED BY task_expiring \
            WHERE status = 'running' AND lease_until <= :now \
        UNION ALL SELECT id, priority, created_at FROM task WHERE lease_owner = :dead \
    ) ORDER BY priority DESC, created_at, id LIMIT 1";

/// Finds the leases of others than `?1`, in the order of the index, of which no more is read than
/// the limit `?2` and the caller's own leases ask for.
const OTHERS: &str = "SELECT id, lease_owner, epoch, lease_until FROM task INDEXED BY task_expiring \
    WHERE status = 'running' AND lease_owner <> ?1 ORDER BY lease_until, id LIMIT ?2";

#[async_trait]
impl TaskQueue for SqliteStore {
    async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task, Error> {
        let task = task.clone();
        self.write(move |conn| enqueue(conn, &task, now)).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>, Error> {
        let claim = claim.clone();
        self.write(move |conn| match &claim.task {
            Some(id) => claim_named(conn, &claim, id).map(Some),
            None => claim_next(conn, &claim),
        })
        .await
    }

    async fn heartbeat(&self, leases: &[Lease], until: Timestamp) -> Result<Vec<Beat>, Error> {
        let leases = leases.to_vec();
        self.write(move |conn| leases.iter().map(|lease| beat(conn, lease, until)).collect()).await
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

    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome, Error> {
        let id = id.clone();
        self.write(move |conn| cancel(conn, &id, now)).await
    }

    async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>, Error> {
        let sql = "SELECT id FROM task WHERE lease_owner = ?1 AND cancel_requested = 1 ORDER BY id";
        self.point(|conn| all(conn, sql, [owner.as_str()], |row| row.parsed(task_id))).await
    }

    async fn lease(&self, id: &TaskId) -> Result<Option<Lease>, Error> {
        let found = self.point(|conn| find_lease(conn, id)).await?;
        Ok(found.and_then(|(_, lease)| lease))
    }

    async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>, Error> {
        let owner = owner.clone();
        self.scan(move |conn| all(conn, OTHERS, (owner.as_str(), bound(limit)), lease)).await
    }
}

fn lease(row: &mut Columns<'_>) -> Result<Lease> {
    Ok(Lease {
        task: row.parsed(task_id)?,
        owner: row.parsed(worker_id)?,
        epoch: row.count()?,
        until: row.time()?,
    })
}

fn enqueue(conn: &Connection, given: &Task, now: Timestamp) -> Result<Task> {
    let known = find(conn, &given.id)?;
    if let Some(known) = &known {
        same(known, given)?;
    }
    let is_known = known.is_some();
    let mut task = known.unwrap_or_else(|| given.clone());
    match task.status {
        TaskStatus::Pending | TaskStatus::Running if is_known => return Ok(task),
        TaskStatus::Pending => {}
        _ => task.move_to(TaskStatus::Pending, now)?,
    }
    if is_known {
        put_status(conn, &task)?;
        free(conn, &task.id, None)?;
        Ok(task)
    } else {
        add(conn, &task, None)
    }
}

fn claim_named(conn: &Connection, claim: &Claim, id: &TaskId) -> Result<Claimed> {
    let queued = find_queued(conn, id)?.ok_or_else(|| Error::not_found("task", id))?;
    if let Some(lease) = queued.lease.as_ref().filter(|lease| claim.is_barred_by(lease)) {
        return Err(Error::LeaseHeld {
            task: lease.task.clone(),
            owner: lease.owner.clone(),
            until: lease.until,
        }
        .into());
    }
    take(conn, claim, queued)
}

fn claim_next(conn: &Connection, claim: &Claim) -> Result<Option<Claimed>> {
    let params = named_params! {
        ":now": micros(claim.now),
        ":dead": claim.presumed_dead.as_ref().map(WorkerId::as_str),
    };
    let Some(id) = first(conn, NEXT, params, |row| row.parsed(task_id))? else {
        return Ok(None);
    };
    let next = find_queued(conn, &id)?;
    next.map(|queued| take(conn, claim, queued)).transpose()
}

/// Gives a task to the claimant.
fn take(conn: &Connection, claim: &Claim, queued: Queued) -> Result<Claimed> {
    let Queued { mut task, epoch, .. } = queued;
    task.move_to(TaskStatus::Running, claim.now)?;
    put_status(conn, &task)?;
    let lease = Lease {
        task: task.id.clone(),
        owner: claim.owner.clone(),
        epoch: epoch + 1,
        until: claim.until,
    };
    let sql = "UPDATE task SET epoch = :epoch, lease_owner = :owner, lease_until = :until, \
            not_before = NULL, cancel_requested = cancel_requested AND :is_next WHERE id = :id";
    let params = named_params! {
        ":id": lease.task.as_str(),
        ":epoch": lease.epoch.cast_signed(),
        ":owner": lease.owner.as_str(),
        ":until": micros(lease.until),
        // Whoever names a task wants it after all; whoever takes what is next knows nothing of it.
        ":is_next": claim.task.is_none(),
    };
    run(conn, sql, params)?;
    Ok(Claimed { task, lease })
}

fn beat(conn: &Connection, lease: &Lease, until: Timestamp) -> Result<Beat> {
    let sql = "UPDATE task SET lease_until = max(lease_until, :until) \
        WHERE id = :id AND lease_owner = :owner AND epoch = :epoch RETURNING cancel_requested";
    let params = named_params! {
        ":id": lease.task.as_str(),
        ":owner": lease.owner.as_str(),
        ":epoch": lease.epoch.cast_signed(),
        ":until": micros(until),
    };
    let requested = first(conn, sql, params, |row| row.take::<bool>())?;
    Ok(match requested {
        Some(true) => Beat::CancelRequested,
        Some(false) => Beat::Held,
        None => Beat::Lost,
    })
}

/// Ends a task and the lease on it.
pub(super) fn finish(
    conn: &Connection,
    lease: &Lease,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Task> {
    let mut task = find_held(conn, lease)?;
    outcome.apply(&mut task, now)?;
    put_status(conn, &task)?;
    free(conn, &task.id, None)?;
    Ok(task)
}

fn release(
    conn: &Connection,
    lease: &Lease,
    not_before: Option<Timestamp>,
    now: Timestamp,
) -> Result<Task> {
    let mut task = find_held(conn, lease)?;
    let sql = "SELECT cancel_requested FROM task WHERE id = ?1";
    if first(conn, sql, [task.id.as_str()], |row| row.take())? == Some(true) {
        stop(conn, &mut task, now)?;
        return Ok(task);
    }
    task.move_to(TaskStatus::Pending, now)?;
    put_status(conn, &task)?;
    free(conn, &task.id, not_before)?;
    Ok(task)
}

/// Finds the task that a lease is on, if it still is.
fn find_held(conn: &Connection, lease: &Lease) -> Result<Task> {
    let queued = find_queued(conn, &lease.task)?.ok_or_else(|| lost(lease, None))?;
    queued.check(lease)?;
    Ok(queued.task)
}

fn cancel(conn: &Connection, id: &TaskId, now: Timestamp) -> Result<CancelOutcome> {
    let mut task = find(conn, id)?.ok_or_else(|| Error::not_found("task", id))?;
    if task.status == TaskStatus::Running {
        let sql = "UPDATE task SET cancel_requested = 1 WHERE id = ?1";
        run(conn, sql, [id.as_str()])?;
        return Ok(CancelOutcome::Requested);
    }
    if !waits(task.status) {
        return Ok(CancelOutcome::AlreadyEnded(task.status));
    }
    stop(conn, &mut task, now)?;
    Ok(CancelOutcome::Cancelled)
}

fn stop(conn: &Connection, task: &mut Task, now: Timestamp) -> Result<()> {
    let failure = Failure::from(&Error::Cancelled);
    Outcome::Cancelled { failure }.apply(task, now)?;
    put_status(conn, task)?;
    free(conn, &task.id, None)
}

#[cfg(test)]
mod tests {
    use super::{NEXT, OTHERS};
    use crate::sqlite::migrate;

    #[test]
    fn leases_of_others_are_read_in_the_order_of_their_index() {
        let conn = migrate::in_memory();
        let mut query = conn.prepare(&format!("EXPLAIN QUERY PLAN {OTHERS}")).unwrap();
        let steps = query.query_map(("w", 1), |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        // Only those that run out at one instant are sorted, by their task.
        let sorted = "USE TEMP B-TREE FOR LAST TERM OF ORDER BY";
        assert_eq!(steps, ["SCAN task USING INDEX task_expiring", sorted]);
    }

    #[test]
    fn a_claim_reads_no_task_that_cannot_be_next() {
        let conn = migrate::in_memory();
        let mut query = conn.prepare(&format!("EXPLAIN QUERY PLAN {NEXT}")).unwrap();
        let steps = query.query_map([0, 0], |row| row.get::<_, String>(3)).unwrap();
        let mut steps: Vec<_> = steps.map(Result::unwrap).collect();
        steps.retain(|step| step.contains(" task "));
        assert_eq!(
            steps,
            [
                "SCAN task USING COVERING INDEX task_next",
                "SEARCH task USING INDEX task_expiring (lease_until<?)",
                "SEARCH task USING INDEX task_held (lease_owner=?)",
            ]
        );
    }
}
