//! Status, check and migration of a store.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Reports the size and the health of a store.
///
/// # Contract
///
/// 1. [`status`](Self::status) counts the tasks, events, ledger entries and open holds that the
///    other contracts of the same store return.
/// 2. [`check`](Self::check) reads all stored data and returns one message for each problem; an
///    intact store has none.
/// 3. Both change nothing, and work on a store that was opened read-only.
/// 4. [`migration`](Self::migration) returns the migration that opening this handle made; `None`
///    for a store that was new or up to date.
/// 5. [`leftovers`](Self::leftovers) lists what interrupted writes left in the storage and nothing
///    refers to. [`clean`](Self::clean) removes of it what no running process can still need, and
///    returns what it removed. Neither changes what the other contracts return.
#[async_trait]
pub trait StoreAdmin: fmt::Debug + Send + Sync + 'static {
    /// Returns the counts and the size of the store.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn status(&self) -> Result<StoreStatus>;

    /// Reads all stored data and returns the problems found.
    ///
    /// # Errors
    ///
    /// The backend's own, if a problem prevents the rest of the check.
    async fn check(&self) -> Result<Vec<String>>;

    /// Lists what interrupted writes left behind. Backends that leave nothing return nothing.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn leftovers(&self) -> Result<Vec<Leftover>> {
        Ok(Vec::new())
    }

    /// Removes what interrupted writes left behind; returns what was removed.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn clean(&self) -> Result<Vec<Leftover>> {
        Ok(Vec::new())
    }

    /// Returns the migration that opening this handle made, if it made one.
    fn migration(&self) -> Option<StoreMigration> {
        None
    }
}

/// Data that an interrupted write left behind, such as a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Leftover {
    /// The name, such as the path of a file.
    pub name: String,
    /// The size in bytes.
    pub bytes: u64,
}

impl Leftover {
    /// Creates a leftover.
    pub const fn new(name: String, bytes: u64) -> Self {
        Self { name, bytes }
    }
}

/// A migration of a store to a newer schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreMigration {
    /// The schema version before.
    pub from: u32,
    /// The schema version now.
    pub to: u32,
    /// The name of the backup that was made first.
    pub backup: String,
}

/// The counts and the size of a store.
///
/// Exhaustive, so that a new field is a compile error in every backend that does not set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoreStatus {
    /// The schema version, if the backend has one.
    pub schema: Option<u32>,
    /// The size on disk, in bytes, if the backend knows it.
    pub bytes: Option<u64>,
    /// The number of tasks.
    pub tasks: u64,
    /// The number of events in all journals.
    pub events: u64,
    /// The number of ledger entries.
    pub entries: u64,
    /// The number of open holds.
    pub holds: u64,
}
