//! Waiting for a lock does not block the runtime.

use std::pin::pin;
use std::sync::Arc;

use az_core::store::{Store, StoreAccess, StoreAddress, StoreFactory, StoreRequest};
use az_core::task::{TaskFilter, TaskRepository};
use az_core::testing::sample::task;
use az_data::sqlite::{SqliteOptions, SqliteStore, SqliteStores};
use futures_util::poll;
use rusqlite::Connection;

use crate::support::Home;

/// Runs work that has to wait for a lock, on a runtime with one thread. The same thread releases the
/// lock, a thousand turns later: work that blocks the thread waits in vain, until its timeout.
async fn until_released<T>(lock: Connection, work: impl Future<Output = az_core::Result<T>>) -> T {
    let mut work = pin!(work);
    for turn in 0..1_000 {
        assert!(poll!(work.as_mut()).is_pending(), "it did not wait, in turn {turn}");
        tokio::task::yield_now().await;
    }
    drop(lock);
    work.await.expect("the lock was released")
}

/// Returns a store with a task, whose journal is one that readers wait for: while a connection
/// writes to it, no other can read.
async fn with_rollback_journal() -> Home {
    let home = Home::new();
    home.open().create(&task("t", 0)).await.expect("it is written");
    let mode = home.raw().query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0));
    assert_eq!(mode, Ok("delete".to_owned()));
    home
}

/// Returns a connection that no other may read beside, until it is dropped.
fn lock(home: &Home) -> Connection {
    let conn = home.raw();
    conn.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    conn
}

async fn open(home: &Home, access: StoreAccess) -> az_core::Result<Arc<dyn Store>> {
    let address = StoreAddress::new("sqlite", home.path()).expect("an address");
    SqliteStores::default().open(&StoreRequest::new(address, access)).await
}

#[tokio::test]
async fn a_read_on_the_callers_thread_moves_to_another_to_wait() {
    let home = with_rollback_journal().await;
    let reader = SqliteStore::open_read_only(home.path(), SqliteOptions::default());
    for store in [home.open(), reader.expect("it opens")] {
        let id = task("t", 0).id;
        // The connection is open before the lock is taken.
        let stored = store.get(&id).await.expect("it is read");
        assert_eq!(until_released(lock(&home), store.get(&id)).await, stored);
        let all = TaskFilter::default();
        let listed = until_released(lock(&home), store.list(&all)).await;
        assert_eq!(listed.first(), stored.as_ref());
    }
}

#[tokio::test]
async fn the_first_read_of_a_store_opens_its_connection_elsewhere() {
    let home = with_rollback_journal().await;
    let store = home.open();
    let found = until_released(lock(&home), store.get(&task("t", 0).id)).await;
    assert!(found.is_some());
    let store = home.open();
    let listed = until_released(lock(&home), store.list(&TaskFilter::default())).await;
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn a_store_is_opened_without_blocking_the_runtime() {
    let home = with_rollback_journal().await;
    for access in [StoreAccess::ReadOnly, StoreAccess::ReadWrite] {
        let store = until_released(lock(&home), open(&home, access)).await;
        assert_eq!(store.status().await.expect("it is read").tasks, 1);
    }
}

/// A log that a crash has left is read by the first connection, which locks out the others.
#[tokio::test]
async fn a_store_whose_log_is_being_recovered_is_waited_for_without_blocking_the_runtime() {
    let crashed = Home::new();
    {
        let home = Home::new();
        let store = home.open();
        store.create(&task("t", 0)).await.expect("it is written");
        std::fs::create_dir_all(crashed.path().parent().expect("a directory")).expect("one");
        for suffix in ["", "-wal"] {
            let [from, to] = [&home, &crashed].map(|h| format!("{}{suffix}", h.path().display()));
            std::fs::copy(from, to).expect("a copy");
        }
    }
    let recovering = crashed.raw();
    let mode: String = recovering
        .query_row("PRAGMA locking_mode = EXCLUSIVE", [], |row| row.get(0))
        .expect("a mode");
    assert_eq!(mode, "exclusive");
    let tasks = recovering.query_row("SELECT count(*) FROM task", [], |row| row.get(0));
    assert_eq!(tasks, Ok(1), "the log was read");
    let store = until_released(recovering, open(&crashed, StoreAccess::ReadOnly)).await;
    assert_eq!(store.status().await.expect("it is read").tasks, 1);
}
