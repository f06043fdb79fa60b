//! What a person looking after the file wants to know of it.

use az_core::error::Error;

use super::row::{all, first};
use super::store::SqliteStore;

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

    /// Reads every page; returns what is wrong with the file, which is nothing if it is sound.
    ///
    /// # Errors
    ///
    /// The store's own.
    pub async fn damage(&self) -> Result<Vec<String>, Error> {
        let read = |conn: &mut rusqlite::Connection| {
            all(conn, "PRAGMA quick_check", [], |row| row.take::<String>())
        };
        let mut found = self.scan(read).await?;
        found.retain(|line| line != "ok");
        Ok(found)
    }
}
