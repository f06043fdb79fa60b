//! What a task has spawned in SQLite: it is cancelled with the task, and has the budget that the task has set for it.

use az_core::clock::Timestamp;
use az_core::error::Error;
use az_core::id::TaskId;
use az_core::money::Usd;
use az_core::task::{BudgetChange, Failure, QueuedTask, TaskStatus};
use rusqlite::{Connection, named_params};

use super::row::{all, first, micros, run};
use super::{budget, json};
use crate::error::Result;

/// Selects the tasks that the task `:top` has spawned, those that these have spawned, and so on, in any status. Options
/// that are no JSON are those of a task that was not spawned.
macro_rules! below {
    () => {
        "WITH RECURSIVE below (row, id) AS ( \
            SELECT rowid, id FROM task INDEXED BY task_parts \
            WHERE namespace = az_namespace() AND parent_task_id = :top \
                AND iif(json_valid(options), options -> '$.spawned', NULL) IS NOT NULL \
            UNION SELECT task.rowid, task.id FROM below CROSS JOIN task INDEXED BY task_parts \
                ON task.namespace = az_namespace() AND parent_task_id = below.id \
                AND iif(json_valid(options), options -> '$.spawned', NULL) IS NOT NULL) "
    };
}

/// Selects the rows of the tasks below a task.
pub(super) const BELOW: &str = concat!(below!(), "SELECT row FROM below");

/// Stores the request to cancel the running tasks below a task.
const REQUEST: &str = concat!(
    below!(),
    "UPDATE task NOT INDEXED SET cancel_requested = 1 \
        WHERE namespace = az_namespace() AND rowid IN (SELECT row FROM below) \
        AND status = 'running' AND cancel_requested = 0"
);

/// Reads what the parent of a task has set for it: none if the row is damaged, so that the task can be ended and deleted.
macro_rules! own_budget {
    () => {
        "iif(json_valid(options) AND json_type(options, '$.spawned.budget_nanos') = 'integer', \
            options ->> '$.spawned.budget_nanos', NULL)"
    };
}

/// Ends the waiting tasks below a task; returns the scopes of their budgets, and what their parents have set.
const END: &str = concat!(
    below!(),
    "UPDATE task NOT INDEXED SET status = 'cancelled', completed_at = :now, updated_at = :now, \
            failure = :failure, lease_owner = NULL, lease_until = NULL, not_before = NULL, \
            cancel_requested = 0, waiting = NULL, deny_at = NULL \
        WHERE namespace = az_namespace() AND rowid IN (SELECT row FROM below) \
        AND status IN ('initialized', 'pending') \
        RETURNING 'task:' || id, ",
    own_budget!()
);

/// Cancels the tasks below a task that have not ended, as [`QueuedTask::cancel_with_parent`] does: in two statements,
/// because there may be thousands.
pub(super) fn cancel_below(conn: &Connection, top: &TaskId, now: Timestamp) -> Result<()> {
    // Most tasks have none.
    let sql = "SELECT 1 FROM task INDEXED BY task_parts \
        WHERE namespace = az_namespace() AND parent_task_id = ?1 LIMIT 1";
    if first(conn, sql, [top.as_str()], |row| row.take::<i64>())?.is_none() {
        return Ok(());
    }
    run(conn, REQUEST, named_params! { ":top": top.as_str() })?;
    let params = named_params! {
        ":top": top.as_str(),
        ":now": micros(now),
        ":failure": json::write("failure", &Failure::from(&Error::Cancelled))?,
    };
    let ended: Vec<(String, Option<i64>)> =
        all(conn, END, params, |row| Ok((row.take()?, row.take()?)))?;
    for (scope, amount) in ended {
        remove_budget(conn, &scope, amount)?;
    }
    Ok(())
}

/// Sets or removes the own budget of a task that has changed; `before` is its status before, if it was stored.
pub(super) fn keep_budget(
    conn: &Connection,
    row: &QueuedTask,
    before: Option<TaskStatus>,
) -> Result<()> {
    match row.budget_change(before) {
        None => Ok(()),
        Some(BudgetChange::Set(own)) => budget::set_if_absent(conn, &own),
        Some(BudgetChange::Remove(own)) => {
            remove_budget(conn, &own.scope.key(), Some(own.amount.nanos()))
        }
    }
}

/// Removes the own budget of a task that is deleted. No more of the row is read than is needed: it may be damaged.
pub(super) fn forget_budget(conn: &Connection, task: &TaskId) -> Result<()> {
    let sql = concat!(
        "SELECT 'task:' || id, ",
        own_budget!(),
        " FROM task WHERE namespace = az_namespace() AND id = ?1"
    );
    let found = first(conn, sql, [task.as_str()], |row| Ok((row.take::<String>()?, row.take()?)))?;
    found.map_or(Ok(()), |(scope, amount)| remove_budget(conn, &scope, amount))
}

fn remove_budget(conn: &Connection, scope: &str, amount: Option<i64>) -> Result<()> {
    match amount.map(Usd::from_nanos) {
        Some(amount) => budget::remove_unchanged(conn, scope, amount),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use az_core::money::Usd;
    use az_core::task::{Lease, Spawned, TaskFilter, TaskQueue, TaskRepository};
    use az_core::testing::sample::{at, spawned};

    use super::super::SqliteStore;
    use super::super::plans::plan;
    use super::{BELOW, END, REQUEST};

    /// Spawns a task with a budget, and lists what is below its parent.
    pub(in super::super) async fn spawn_and_list(store: &SqliteStore, parent: &Lease) {
        let mut child = spawned("child", parent.task.as_str());
        child.options.spawned = Some(Spawned::at_level(1).with_budget(Some(Usd::from_nanos(5))));
        store.spawn(parent, &child, at(1)).await.unwrap();
        let below = Some(parent.task.clone());
        store.list(&TaskFilter { below, ..TaskFilter::default() }).await.unwrap();
    }

    #[test]
    fn the_tasks_below_a_task_are_found_by_the_index_of_parts() {
        for sql in [BELOW, REQUEST, END] {
            let steps = plan(sql);
            let of_tasks: Vec<_> = steps.iter().filter(|step| step.contains(" task ")).collect();
            let parts = "SEARCH task USING INDEX task_parts (namespace=? AND parent_task_id=?)";
            let row = "SEARCH task USING INTEGER PRIMARY KEY (rowid=?)";
            let expected = if sql == BELOW { vec![parts, parts] } else { vec![row, parts, parts] };
            assert_eq!(of_tasks, expected, "{sql}");
        }
    }
}
