//! The parents of payers.

use az_core::cost::{Payer, parents};
use az_core::id::TaskId;
use rusqlite::Connection;

use super::row::{first, run};
use super::task_row;
use crate::error::{Result, unreadable};

/// Registers the parent of a payer, or removes it.
pub(super) fn set_parent(conn: &Connection, payer: &Payer, parent: Option<&Payer>) -> Result<()> {
    let task = payer.task().map(|task| task_row::find(conn, task)).transpose()?.flatten();
    let part_of = task.and_then(|task| task.parent_task_id);
    let of_parent = parent.map(|parent| ancestors(conn, parent)).transpose()?.unwrap_or_default();
    parents::check(payer, parent, part_of.as_ref(), &of_parent)?;
    put(conn, payer, parent)
}

/// Stores the parent of a task that is part of another. `before` is the task that it was part of.
pub(super) fn set_part(
    conn: &Connection,
    task: &TaskId,
    before: Option<&TaskId>,
    after: Option<&TaskId>,
) -> Result<()> {
    match parents::change(before, after) {
        Some(parent) => put(conn, &task.into(), parent.as_ref()),
        None => Ok(()),
    }
}

/// Lists the ancestors of a payer, nearest first.
pub(super) fn ancestors(conn: &Connection, payer: &Payer) -> Result<Vec<Payer>> {
    let sql = "SELECT parent FROM payer WHERE namespace = az_namespace() AND payer = ?1";
    parents::ancestors(payer, |payer| first(conn, sql, [payer.to_string()], |row| row.parsed(read)))
}

/// Parses a payer.
pub(super) fn read(name: &str) -> Result<Payer> {
    name.parse().map_err(|error| unreadable("payer", error))
}

/// Changes the parent of a payer. The buckets of its old and new ancestors are deleted; they are
/// computed again from the ledger and the open holds when they are needed.
fn put(conn: &Connection, payer: &Payer, parent: Option<&Payer>) -> Result<()> {
    forget_buckets(conn, payer)?;
    let name = payer.to_string();
    match parent {
        Some(parent) => {
            let sql = "INSERT INTO payer (namespace, payer, parent) VALUES (az_namespace(), ?1, ?2) \
                ON CONFLICT (namespace, payer) DO UPDATE SET parent = excluded.parent";
            run(conn, sql, [name, parent.to_string()])?;
        }
        None => drop(run(
            conn,
            "DELETE FROM payer WHERE namespace = az_namespace() AND payer = ?1",
            [name],
        )?),
    }
    forget_buckets(conn, payer)
}

fn forget_buckets(conn: &Connection, payer: &Payer) -> Result<()> {
    for ancestor in ancestors(conn, payer)? {
        let scope = ancestor.to_string();
        for table in ["hold_bucket", "bucket"] {
            let sql =
                format!("DELETE FROM {table} WHERE namespace = az_namespace() AND scope = ?1");
            run(conn, &sql, [&scope])?;
        }
    }
    Ok(())
}
