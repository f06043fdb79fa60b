//! Fixtures and helpers of the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use az_core::journal::{Journal, NewEvent, RunStore};
use az_core::store::{StoreAddress, StoreFactory};
use az_core::task::{Lease, TaskQueue, TaskRepository};
use az_core::testing::{
    AdminStore, Capabilities, Fixture, RunAndStateStore, StoreAdminFixture, StoreFactoryFixture,
    sample,
};
use az_core::{
    config::ConfigManager,
    log::{CommandLog, LogStore},
    state::StateManager,
};
use az_data::sqlite::{SqliteOptions, SqliteStore, SqliteStores};
use rusqlite::Connection;
use tempfile::TempDir;

/// A directory for one store, deleted after its test.
#[derive(Debug)]
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// Returns the path of the store, in a directory that does not exist yet.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("data").join("az.db")
    }

    /// Returns the directory in which the store's own is created.
    pub(crate) fn parent(&self) -> &Path {
        self.0.path()
    }

    /// Returns a directory with a copy of the files of another.
    pub(crate) fn copy_of(other: &Self) -> Self {
        let home = Self::new();
        copy(other.parent(), home.parent());
        home
    }

    /// Puts a database of an earlier schema in place.
    pub(crate) fn earlier(&self, schema: u32) {
        let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../az-cli/tests/fixtures");
        let directory = self.path().parent().expect("a directory").to_owned();
        copy(&made.join(format!("schema-{schema}/data")), &directory);
    }

    /// Opens another handle.
    pub(crate) fn open(&self) -> SqliteStore {
        self.open_with(SqliteOptions::default())
    }

    pub(crate) fn open_with(&self, options: SqliteOptions) -> SqliteStore {
        SqliteStore::open(self.path(), options).expect("the store opens")
    }

    /// Opens the file with SQLite alone, without the store.
    pub(crate) fn raw(&self) -> Connection {
        Connection::open(self.path()).expect("the file opens")
    }
}

/// Implements the fixtures of contracts for a type whose `open` opens a handle.
macro_rules! fixture_of {
    ($home:ident: $($contract:ident)+) => {
        $(
            #[async_trait]
            impl Fixture<dyn $contract> for $home {
                async fn open(&self) -> Arc<dyn $contract> {
                    Arc::new(Self::open(self))
                }

                fn capabilities(&self) -> Capabilities {
                    Capabilities::ALL
                }
            }
        )+
    };
}

pub(crate) use fixture_of;

fixture_of!(Home: TaskRepository TaskQueue RunStore RunAndStateStore AdminStore StateManager ConfigManager LogStore CommandLog);

#[async_trait]
impl Fixture<dyn StoreFactory> for Home {
    async fn open(&self) -> Arc<dyn StoreFactory> {
        Arc::new(SqliteStores::default())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

#[async_trait]
impl StoreAdminFixture for Home {
    async fn open_read_only(&self) -> Arc<dyn AdminStore> {
        let opened = SqliteStore::open_read_only(self.path(), SqliteOptions::default());
        Arc::new(opened.expect("the store opens"))
    }

    fn put_earlier_schema(&self) -> Option<u32> {
        self.earlier(5);
        Some(5)
    }
}

impl StoreFactoryFixture for Home {
    fn address(&self) -> StoreAddress {
        StoreAddress::new("sqlite", self.path()).unwrap()
    }
}

/// Copies the files of a directory, and those of the directories in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("a copy");
        }
    }
}

/// Creates a task and claims it.
pub(crate) async fn held(store: &SqliteStore, id: &str) -> Lease {
    store.enqueue(&sample::task(id, 0), sample::at(0)).await.unwrap();
    let claim = sample::claim_of(id, "worker", 1, 60);
    store.claim(&claim).await.unwrap().expect("a task").lease
}

/// Appends events at minute 2.
pub(crate) async fn append(
    store: &SqliteStore,
    lease: &Lease,
    next_seq: u64,
    events: Vec<NewEvent>,
) -> az_core::Result<u64> {
    let appended = Journal::append(store, lease, next_seq, events, sample::at(2)).await?;
    Ok(appended.next_seq)
}
