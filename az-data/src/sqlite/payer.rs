//! The parents of payers.

use az_core::cost::Payer;
use az_core::error::Error;
use az_core::id::TaskId;
use rusqlite::Connection;

use super::row::{first, run};
use super::task_row;
use crate::error::{Result, unreadable};

/// Registers the parent of a payer, or removes it.
pub(super) fn set_parent(conn: &Connection, payer: &Payer, parent: Option<&Payer>) -> Result<()> {
    let task = payer.task().map(|task| task_row::find(conn, task)).transpose()?.flatten();
    let whole = task.and_then(|task| task.parent_task_id);
    if whole.is_some_and(|whole| parent.and_then(Payer::task) != Some(&whole)) {
        return Err(Error::is_part(payer).into());
    }
    if let Some(parent) = parent
        && (parent == payer || ancestors(conn, parent)?.contains(payer))
    {
        let reason = format!("{parent} is {payer} or descends from it");
        return Err(Error::invalid("parent", reason).into());
    }
    put(conn, payer, parent)
}

/// Notes the task that a task is part of, in place of what it was part of before.
pub(super) fn set_part(
    conn: &Connection,
    task: &TaskId,
    before: Option<&TaskId>,
    whole: Option<&TaskId>,
) -> Result<()> {
    if before == whole {
        return Ok(());
    }
    put(conn, &task.into(), whole.map(Payer::from).as_ref())
}

/// Lists the ancestors of a payer, nearest first.
pub(super) fn ancestors(conn: &Connection, payer: &Payer) -> Result<Vec<Payer>> {
    let sql = "SELECT parent FROM payer WHERE payer = ?1";
    let mut line = vec![payer.clone()];
    while let Some(last) = line.last()
        && let Some(parent) = first(conn, sql, [last.to_string()], |row| row.parsed(read))?
        // Tasks that are parts of each other have no top.
        && !line.contains(&parent)
    {
        line.push(parent);
    }
    line.remove(0);
    Ok(line)
}

/// Reads a payer.
pub(super) fn read(name: &str) -> Result<Payer> {
    name.parse().map_err(|error| unreadable("payer", error))
}

/// Changes the parent of a payer. The buckets of its old and new ancestors are forgotten, and are
/// counted from the ledger and the open holds when they are needed next.
fn put(conn: &Connection, payer: &Payer, parent: Option<&Payer>) -> Result<()> {
    forget_buckets(conn, payer)?;
    let name = payer.to_string();
    match parent {
        Some(parent) => {
            let sql = "INSERT INTO payer (payer, parent) VALUES (?1, ?2) \
                ON CONFLICT (payer) DO UPDATE SET parent = excluded.parent";
            run(conn, sql, [name, parent.to_string()])?;
        }
        None => drop(run(conn, "DELETE FROM payer WHERE payer = ?1", [name])?),
    }
    forget_buckets(conn, payer)
}

fn forget_buckets(conn: &Connection, payer: &Payer) -> Result<()> {
    for ancestor in ancestors(conn, payer)? {
        let scope = ancestor.to_string();
        run(conn, "DELETE FROM hold_bucket WHERE scope = ?1", [&scope])?;
        run(conn, "DELETE FROM bucket WHERE scope = ?1", [&scope])?;
    }
    Ok(())
}
