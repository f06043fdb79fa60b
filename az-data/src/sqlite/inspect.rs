//! What a person looking after the file wants to know of it.

use az_core::error::Error;
use rusqlite::Connection;

use super::blob::Blobs;
use super::row::{all, first};
use super::store::SqliteStore;
use crate::error::Result;

/// How much is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// The version of the schema.
    pub schema: u32,
    /// Tasks.
    pub tasks: u64,
    /// Events of all journals.
    pub events: u64,
    /// Entries of the ledger.
    pub entries: u64,
    /// Holds that are open.
    pub holds: u64,
}

impl SqliteStore {
    /// Counts what is in the store.
    ///
    /// # Errors
    ///
    /// The store's own.
    pub async fn contents(&self) -> Result<Contents, Error> {
        let sql = "SELECT (SELECT user_version FROM pragma_user_version), \
            (SELECT count(*) FROM task), (SELECT count(*) FROM event), \
            (SELECT count(*) FROM entry), (SELECT count(*) FROM hold)";
        let counted = self.scan(move |conn| {
            first(conn, sql, [], |row| {
                Ok(Contents {
                    schema: row.take()?,
                    tasks: row.count()?,
                    events: row.count()?,
                    entries: row.count()?,
                    holds: row.count()?,
                })
            })
        });
        counted.await?.ok_or_else(|| Error::Internal("counting returned nothing".to_owned()))
    }

    /// Reads every page, and every file of a large body; returns what is wrong with them, which is
    /// nothing if they are sound.
    ///
    /// # Errors
    ///
    /// The store's own.
    pub async fn damage(&self) -> Result<Vec<String>, Error> {
        let blobs = self.blobs();
        self.scan(move |conn| {
            let mut found = all(conn, "PRAGMA quick_check", [], |row| row.take::<String>())?;
            found.retain(|line| line != "ok");
            match lost_bodies(conn, &blobs) {
                Ok(lost) => found.extend(lost),
                // What keeps the events from being read is on the list already.
                Err(_) if !found.is_empty() => {}
                Err(error) => return Err(error),
            }
            Ok(found)
        })
        .await
    }
}

/// Says what is wrong with the files that events refer to.
fn lost_bodies(conn: &Connection, blobs: &Blobs) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT blob FROM event WHERE blob IS NOT NULL ORDER BY blob";
    let mut lost = Vec::new();
    for name in all(conn, sql, [], |row| row.take::<String>())? {
        // A task may have been deleted since, and its files with it.
        if let Err(error) = blobs.get(&name)
            && is_referred_to(conn, &name)?
        {
            lost.push(error.to_string());
        }
    }
    Ok(lost)
}

fn is_referred_to(conn: &Connection, name: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM event WHERE blob = ?1 LIMIT 1";
    Ok(first(conn, sql, [name], |row| row.take::<i64>())?.is_some())
}
