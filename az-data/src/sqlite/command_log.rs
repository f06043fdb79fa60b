//! The commands that were run, in SQLite.

use async_trait::async_trait;
use az_core::blocking;
use az_core::clock::Timestamp;
use az_core::error::Error;
use az_core::log::{CommandLog, CommandRun, RunQuery};
use rusqlite::Connection;

use super::noted::{Noted, NotedRun};
use super::row::{Columns, all, bound, micros, run};
use super::store::SqliteStore;
use super::writer::Durability;
use crate::error::{Result, SqliteError, unreadable};

#[async_trait]
impl CommandLog for SqliteStore {
    async fn record_runs(&self, runs: &[CommandRun]) -> Result<(), Error> {
        if runs.is_empty() {
            return Ok(());
        }
        let runs = runs.to_vec();
        self.write_with(Durability::Relaxed, move |conn| {
            runs.iter().try_for_each(|run| add(conn, run))
        })
        .await
    }

    /// Reads the runs that were noted, too. They are read first: one that is collected meanwhile is found
    /// in the table as well, and counted once.
    async fn runs(&self, query: &RunQuery) -> Result<Vec<CommandRun>, Error> {
        let (query, noted) = (query.clone(), Noted::beside(self.path()));
        let namespace = self.namespace().clone();
        self.scan(move |conn| {
            let mut noted = noted.read(&namespace)?;
            let mut found = find(conn, &query)?;
            noted.retain(|run| !found.contains(run));
            found.extend(noted);
            Ok(query.select(found))
        })
        .await
    }

    async fn collect_runs(&self) -> Result<usize, Error> {
        let noted = Noted::beside(self.path());
        let take = move || match noted.take()? {
            Some(taken) => Ok(Some((taken.runs()?, taken))),
            None => Ok::<_, SqliteError>(None),
        };
        let Some((runs, taken)) = blocking::run(take).await?? else { return Ok(0) };
        let count = runs.len();
        self.write_with(Durability::Relaxed, move |conn| {
            runs.iter().try_for_each(|run| collect(conn, run))
        })
        .await?;
        blocking::run(move || taken.remove()).await??;
        Ok(count)
    }

    async fn prune_runs(&self, before: Timestamp, keep: usize) -> Result<usize, Error> {
        self.write_with(Durability::Relaxed, move |conn| {
            let old = "DELETE FROM command_run WHERE namespace = az_namespace() AND at < ?1";
            let removed = run(conn, old, [micros(before)])?;
            let more = "DELETE FROM command_run WHERE namespace = az_namespace() AND id IN \
                (SELECT id FROM command_run WHERE namespace = az_namespace() AND at >= ?1 \
                ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?2)";
            Ok(removed + run(conn, more, (micros(before), bound(keep)))?)
        })
        .await
    }
}

fn add(conn: &Connection, command: &CommandRun) -> Result<()> {
    let sql = "INSERT INTO command_run (namespace, at, command, micros, exit_code) \
        VALUES (az_namespace(), ?1, ?2, ?3, ?4)";
    let CommandRun { at, command, micros: duration, exit_code, .. } = command;
    run(conn, sql, (micros(*at), command, duration.cast_signed(), exit_code))?;
    Ok(())
}

/// Adds a run that was noted, for whichever namespace, unless it was added before: the process that did may
/// have ended before it removed the file.
fn collect(conn: &Connection, noted: &NotedRun) -> Result<()> {
    let sql = "INSERT INTO command_run (namespace, at, command, micros, exit_code) \
        SELECT ?1, ?2, ?3, ?4, ?5 WHERE az_namespace() IS NOT NULL AND NOT EXISTS \
        (SELECT 1 FROM command_run WHERE az_namespace() IS NOT NULL AND namespace = ?1 AND at = ?2 \
        AND command = ?3 AND micros = ?4 AND exit_code = ?5)";
    let NotedRun { namespace, run: CommandRun { at, command, micros: duration, exit_code, .. } } =
        noted;
    run(conn, sql, (namespace, micros(*at), command, duration.cast_signed(), exit_code))?;
    Ok(())
}

/// Finds runs, up to the limit of the query.
fn find(conn: &Connection, query: &RunQuery) -> Result<Vec<CommandRun>> {
    let sql = "SELECT at, command, micros, exit_code FROM command_run \
        WHERE namespace = az_namespace() AND at >= ?1 AND at < ?2 \
        AND (?3 IS NULL OR command = ?3) ORDER BY at DESC, id DESC LIMIT ?4";
    let since = query.since.map_or(i64::MIN, micros);
    let until = query.until.map_or(i64::MAX, micros);
    let limit = bound(query.limit.unwrap_or(usize::MAX));
    let mut found = all(conn, sql, (since, until, &query.command, limit), command_run)?;
    found.reverse();
    Ok(found)
}

fn command_run(row: &mut Columns<'_>) -> Result<CommandRun> {
    let (at, command, micros) = (row.time()?, row.take::<String>()?, row.count()?);
    let code: i64 = row.take()?;
    let exit_code = u8::try_from(code).map_err(|_| unreadable("exit code", code))?;
    Ok(CommandRun::new(at, command, micros, exit_code))
}
