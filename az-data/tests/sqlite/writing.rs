//! Concurrent writers of one file.

use std::time::Duration;

use az_core::Error;
use az_core::journal::Journal;
use az_core::task::{TaskFilter, TaskQueue, TaskRepository};
use az_core::testing::sample::{at, claim, note, task, task_id};
use az_data::sqlite::SqliteOptions;
use futures_util::future::join_all;

use crate::support::{Home, append, held};

#[tokio::test]
async fn a_refused_request_does_not_affect_its_batch() {
    let home = Home::new();
    let store = home.open();
    let mut leases = Vec::new();
    for n in 0..40 {
        leases.push(held(&store, &format!("t{n}")).await);
    }
    // Every fifth append has a number that is not the next.
    let appends = leases.iter().zip(0_u64..).map(|(lease, n)| {
        let next_seq = u64::from(n % 5 == 0) * 7;
        append(&store, lease, next_seq, vec![note("one"), note("two")])
    });
    let results = join_all(appends).await;
    drop(store);
    let store = home.open();
    for (result, n) in results.into_iter().zip(0..) {
        let kept = store.read(&leases[n].task, 0, 9).await.unwrap().len();
        match result {
            Ok(2) => assert_eq!(kept, 2),
            Err(Error::Conflict { .. }) if n % 5 == 0 => assert_eq!(kept, 0),
            other => panic!("{n}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn queued_writes_are_made_before_the_store_closes() {
    let home = Home::new();
    let store = home.open();
    for n in 0..50 {
        // Requested, and dropped at once.
        let task = task(&format!("t{n}"), n);
        let mut created = Box::pin(store.create(&task));
        assert!(futures_util::poll!(created.as_mut()).is_pending());
    }
    drop(store);
    let tasks = home.open().list(&TaskFilter::default()).await.unwrap();
    assert_eq!(tasks.len(), 50);
}

#[tokio::test]
async fn a_lasting_lock_is_busy_and_nothing_is_written() {
    let home = Home::new();
    let store =
        home.open_with(SqliteOptions::default().with_busy_timeout(Duration::from_millis(30)));
    let lease = held(&store, "t").await;
    let other = home.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = append(&store, &lease, 0, vec![note("one")]).await;
    assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
    // Reading continues meanwhile.
    assert_eq!(store.read(&task_id("t"), 0, 9).await.unwrap(), []);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(append(&store, &lease, 0, vec![note("one")]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_passing_lock_is_waited_for() {
    let home = Home::new();
    let store = home.open();
    let other = home.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.create(&task("t", 0)).await }
    });
    // The writer finds the lock whether it comes before or after this point.
    tokio::task::yield_now().await;
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().id, task_id("t"));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_claims_of_handles_never_get_the_same_task() {
    let home = Home::new();
    let handles = [home.open(), home.open(), home.open()];
    for n in 0..60 {
        handles[0].enqueue(&task(&format!("t{n}"), n), at(n)).await.unwrap();
    }
    let workers = (0..12).map(|n| {
        let store = handles[n % 3].clone();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(claimed) = store.claim(&claim(&format!("w{n}"), 60, 90)).await.unwrap() {
                taken.push(claimed.task.id);
            }
            taken
        })
    });
    let mut taken = Vec::new();
    for worker in join_all(workers).await {
        taken.extend(worker.unwrap());
    }
    taken.sort();
    let mut all: Vec<_> = (0..60).map(|n| task_id(&format!("t{n}"))).collect();
    all.sort();
    assert_eq!(taken, all);
}

#[test]
fn a_store_needs_no_runtime() {
    let home = Home::new();
    let store = home.open();
    let listed = futures_util::future::FutureExt::now_or_never(store.list(&TaskFilter::default()));
    assert_eq!(listed.unwrap().unwrap(), []);
}
