//! Tasks in SQLite.

use async_trait::async_trait;
use az_core::clock::Timestamp;
use az_core::cost::Calendar;
use az_core::error::Error;
use az_core::id::TaskId;
use az_core::task::{Task, TaskFilter, TaskRepository};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::row::{bound, first, run};
use super::spawned::BELOW;
use super::store::SqliteStore;
use super::task_row::{find, find_all, find_lease, put, rank};
use super::{hint, hold, payer, spawned};
use crate::error::Result;

#[async_trait]
impl TaskRepository for SqliteStore {
    async fn create(&self, task: &Task) -> Result<Task, Error> {
        let task = task.clone();
        self.write(move |conn| create(conn, &task)).await
    }

    async fn get(&self, id: &TaskId) -> Result<Option<Task>, Error> {
        let id = id.clone();
        self.point(move |conn| find(conn, &id)).await
    }

    async fn update(&self, task: &Task, now: Timestamp) -> Result<Task, Error> {
        let task = task.clone();
        self.write(move |conn| update(conn, &task, now)).await
    }

    async fn list(&self, filter: &TaskFilter) -> Result<Vec<Task>, Error> {
        let filter = filter.clone();
        self.scan(move |conn| list(conn, &filter)).await
    }

    async fn delete(&self, id: &TaskId, lease_now: Timestamp) -> Result<bool, Error> {
        let (id, calendar) = (id.clone(), self.calendar());
        let deleted = self.write(move |conn| delete(conn, &calendar, &id, lease_now)).await?;
        if deleted == Deleted::AndLoose {
            self.tidy().await;
        }
        Ok(deleted != Deleted::Nothing)
    }
}

/// Adds a task unless it is stored.
fn create(conn: &Connection, task: &Task) -> Result<Task> {
    match find(conn, &task.id)? {
        Some(stored) => {
            stored.check_same(task)?;
            Ok(stored)
        }
        None => store(conn, task, None),
    }
}

/// Stores a task that was part of `before`, and returns it as it is stored.
pub(super) fn store(conn: &Connection, task: &Task, before: Option<&TaskId>) -> Result<Task> {
    put(conn, task)?;
    payer::set_part(conn, &task.id, before, task.parent_task_id.as_ref())?;
    let stored = find(conn, &task.id)?;
    Ok(stored.ok_or_else(|| Error::not_found("task", &task.id))?)
}

fn update(conn: &Connection, task: &Task, now: Timestamp) -> Result<Task> {
    let stored = find(conn, &task.id)?.ok_or_else(|| Error::not_found("task", &task.id))?;
    let updated = stored.updated_to(task, now)?;
    store(conn, &updated, stored.parent_task_id.as_ref())
}

fn list(conn: &Connection, filter: &TaskFilter) -> Result<Vec<Task>> {
    let (rest, values) = selection(filter);
    find_all(conn, &rest, params_from_iter(values))
}

/// Returns the rest of the query after its columns, and the values to bind. It has only the
/// conditions of the filter, so that each combination uses its index.
fn selection(filter: &TaskFilter) -> (String, Vec<Value>) {
    let text = |text: &str| Value::from(text.to_owned());
    let below = format!("rowid IN ({})", BELOW.replace(":top", "?"));
    let wanted = [
        ("status = ?", filter.status.map(|s| text(s.as_str()))),
        ("priority = ?", filter.priority.map(|p| rank(p).into())),
        ("parent_task_id = ?", filter.parent.as_ref().map(|p| text(p.as_str()))),
        (&below, filter.below.as_ref().map(|top| text(top.as_str()))),
        (
            "(substr(id, 1, length(?)) = ? OR substr(id, -length(?)) = ?)",
            filter.id_part.as_deref().filter(|part| !part.is_empty()).map(text),
        ),
    ];
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    for (condition, value) in wanted {
        if let Some(value) = value {
            values.push(value);
            conditions.push(condition.replace('?', &format!("?{}", values.len())));
        }
    }
    // The rows below a task are found by their numbers.
    let by = if filter.below.is_some() { " NOT INDEXED" } else { "" };
    let mut rest = format!("FROM task{by} WHERE namespace = az_namespace()");
    if filter.waiting {
        conditions.push("waiting IS NOT NULL".to_owned());
    }
    for condition in conditions {
        rest.push_str(" AND ");
        rest.push_str(&condition);
    }
    let next = values.len() + 1;
    rest.push_str(&format!(
        " ORDER BY created_at DESC, id DESC LIMIT ?{next} OFFSET ?{}",
        next + 1
    ));
    values.extend([bound(filter.limit).into(), bound(filter.offset).into()]);
    (rest, values)
}

/// The result of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deleted {
    /// The task did not exist.
    Nothing,
    /// The task was deleted.
    Task,
    /// The task was deleted, and there may be orphaned blobs.
    AndLoose,
}

fn delete(
    conn: &Connection,
    calendar: &Calendar,
    id: &TaskId,
    lease_now: Timestamp,
) -> Result<Deleted> {
    // No more of the row is read than is needed: it may be damaged.
    let sql = "SELECT lease_until FROM task WHERE namespace = az_namespace() AND id = ?1";
    let Some(until) = first(conn, sql, [id.as_str()], |row| row.time_if_any())? else {
        return Ok(Deleted::Nothing);
    };
    if until.is_some_and(|until| until > lease_now)
        && let Some(lease) = find_lease(conn, id).map_err(|error| error.of("task", id))?
    {
        lease.check_expired(lease_now)?;
    }
    hold::settle_all(conn, calendar, id)?;
    spawned::forget_budget(conn, id)?;
    let sql = "INSERT INTO orphaned_blob (name) \
        SELECT blob FROM event WHERE namespace = az_namespace() AND task_id = ?1 AND blob IS NOT NULL \
        ON CONFLICT DO NOTHING";
    run(conn, sql, [id.as_str()])?;
    hint::delete_all(conn, id)?;
    let sql = "DELETE FROM snapshot WHERE namespace = az_namespace() AND task_id = ?1";
    run(conn, sql, [id.as_str()])?;
    let sql = "DELETE FROM task WHERE namespace = az_namespace() AND id = ?1";
    run(conn, sql, [id.as_str()])?;
    // Includes blobs that an interrupted deletion has listed.
    let sql = "SELECT 1 FROM orphaned_blob LIMIT 1";
    let loose = first(conn, sql, [], |row| row.take::<i64>())?;
    Ok(loose.map_or(Deleted::Task, |_| Deleted::AndLoose))
}

#[cfg(test)]
mod tests {
    use az_core::task::{TaskFilter, TaskPriority, TaskStatus};

    use super::selection;
    use crate::sqlite::plans::plan;

    #[track_caller]
    fn check(filter: &TaskFilter, expect: &str) {
        let (rest, _) = selection(filter);
        assert_eq!(plan(&format!("SELECT * {rest}")), [expect]);
    }

    #[test]
    fn no_list_reads_more_than_it_shows_or_sorts() {
        let all = TaskFilter::default();
        let status = Some(TaskStatus::Pending);
        let priority = Some(TaskPriority::High);
        let parent = Some("t".parse().unwrap());
        check(&all, "SEARCH task USING INDEX task_newest (namespace=?)");
        check(
            &TaskFilter { status, ..all.clone() },
            "SEARCH task USING INDEX task_newest_of_status (namespace=? AND status=?)",
        );
        check(
            &TaskFilter { priority, ..all.clone() },
            "SEARCH task USING INDEX task_newest_of_priority (namespace=? AND priority=?)",
        );
        check(
            &TaskFilter { status, priority, ..all.clone() },
            "SEARCH task USING INDEX task_newest_of_both (namespace=? AND status=? AND priority=?)",
        );
        check(
            &TaskFilter { waiting: true, ..all.clone() },
            "SEARCH task USING INDEX task_waiting (namespace=?)",
        );
        check(
            &TaskFilter { parent, ..all },
            "SEARCH task USING INDEX task_parts (namespace=? AND parent_task_id=?)",
        );
    }

    #[test]
    fn a_list_of_the_tasks_below_one_reads_no_others() {
        for status in [None, Some(TaskStatus::Running)] {
            let below = Some("t".parse().unwrap());
            let (rest, _) = selection(&TaskFilter { status, below, ..TaskFilter::default() });
            let steps = plan(&format!("SELECT * {rest}"));
            let of_tasks: Vec<_> = steps.iter().filter(|step| step.contains(" task ")).collect();
            let parts = "SEARCH task USING INDEX task_parts (namespace=? AND parent_task_id=?)";
            let row = "SEARCH task USING INTEGER PRIMARY KEY (rowid=?)";
            assert_eq!(of_tasks, [row, parts, parts], "{rest}");
        }
    }
}
