//! Status and check of the file.

use std::path::Path;

use async_trait::async_trait;
use az_core::blocking;
use az_core::error::Error;
use az_core::store::{Leftover, StoreAdmin, StoreMigration, StoreStatus};
use rusqlite::Connection;

use super::blob::Blobs;
use super::connect::{self, beside};
use super::damage;
use super::entry_sum;
use super::leftover;
use super::log_count;
use super::migrate::Migration;
use super::row::{all, first, prepare};
use super::store::SqliteStore;
use super::stored_sums;
use super::tool_call;
use crate::error::Result;

#[async_trait]
impl StoreAdmin for SqliteStore {
    async fn status(&self) -> Result<StoreStatus, Error> {
        let sql = "SELECT (SELECT user_version FROM pragma_user_version), \
            (SELECT count(*) FROM task WHERE namespace = az_namespace()), (SELECT count(*) FROM event WHERE namespace = az_namespace()), \
            (SELECT count(*) FROM entry WHERE namespace = az_namespace()), (SELECT count(*) FROM hold WHERE namespace = az_namespace())";
        let bytes = size(self.path());
        let counted = self.scan(move |conn| {
            first(conn, sql, [], |row| {
                Ok(StoreStatus {
                    schema: Some(row.take()?),
                    bytes: Some(bytes),
                    tasks: row.count()?,
                    events: row.count()?,
                    entries: row.count()?,
                    holds: row.count()?,
                })
            })
        });
        counted.await?.ok_or_else(|| Error::Internal("counting returned nothing".to_owned()))
    }

    /// Reads every page, and every file of a large body, and compares what is stored twice: sums of budgets and of the
    /// ledger, numbers of log records, and results of tools.
    async fn check(&self) -> Result<Vec<String>, Error> {
        let blobs = self.blobs();
        self.scan(move |conn| {
            let mut found = in_pages(conn)?;
            let look = conn.transaction()?;
            let problems = [
                lost_bodies(&look, &blobs),
                damage::find(&look),
                stored_sums::differences(&look),
                entry_sum::differences(&look),
                log_count::differences(&look),
                tool_call::differences(&look, &blobs),
            ];
            for problems in problems {
                match problems {
                    Ok(problems) => found.extend(problems),
                    // Errors that prevent reading the rows are in the list already.
                    Err(_) if !found.is_empty() => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(found)
        })
        .await
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>, Error> {
        let (blobs, path) = (self.blobs(), self.path().to_owned());
        self.scan(move |conn| leftover::list(conn, &blobs, &path)).await
    }

    async fn clean(&self) -> Result<Vec<Leftover>, Error> {
        self.writer()?;
        let (blobs, path, options) = (self.blobs(), self.path().to_owned(), self.options().clone());
        let file = self.file().clone();
        let clean = move || {
            file.check()?;
            let (mut conn, _) = connect::writable(&path, &options)?;
            if !entry_sum::differences(&conn)?.is_empty() {
                entry_sum::rebuild(&mut conn)?;
            }
            if !log_count::differences(&conn)?.is_empty() {
                log_count::rebuild(&mut conn)?;
            }
            tool_call::rebuild(&mut conn, &blobs)?;
            leftover::remove(&mut conn, &blobs, &path)
        };
        Ok(blocking::run(clean).await??)
    }

    fn migration(&self) -> Option<StoreMigration> {
        let Migration { from, to, backup, .. } = Self::migration(self)?;
        Some(StoreMigration { from: *from, to: *to, backup: backup.display().to_string() })
    }
}

/// Returns the problems that SQLite finds in its pages. Its check may end with an error at one of them; those
/// that it found before are returned.
fn in_pages(conn: &Connection) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut query = prepare(conn, "PRAGMA quick_check")?;
    let mut rows = query.query([])?;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row.get::<_, String>(0)?,
            Ok(None) => return Ok(found),
            Err(_) if !found.is_empty() => return Ok(found),
            Err(error) => return Err(error.into()),
        };
        // A row may be several lines below a heading.
        let lines = row.lines().filter(|line| *line != "ok" && !line.starts_with("***"));
        found.extend(lines.map(str::to_owned));
    }
}

/// Returns the size of the file and of its write-ahead log.
fn size(path: &Path) -> u64 {
    let len = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    len(path).saturating_add(len(&beside(path, "-wal")))
}

/// Returns the problems of the files that events refer to.
fn lost_bodies(conn: &Connection, blobs: &Blobs) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT blob FROM event INDEXED BY event_in_blob \
        WHERE namespace = az_namespace() AND blob IS NOT NULL ORDER BY blob";
    let mut lost = Vec::new();
    for name in all(conn, sql, [], |row| row.take::<String>())? {
        // The task may have been deleted meanwhile, and its files with it.
        if let Err(error) = blobs.get(&name)
            && is_referred_to(conn, &name)?
        {
            lost.push(error.to_string());
        }
    }
    Ok(lost)
}

fn is_referred_to(conn: &Connection, name: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM event WHERE namespace = az_namespace() AND blob = ?1 LIMIT 1";
    Ok(first(conn, sql, [name], |row| row.take::<i64>())?.is_some())
}
