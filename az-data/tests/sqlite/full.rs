//! A full disk, simulated by a limit on the number of pages, which is deterministic.

use az_core::cost::{BudgetKeeper, CostTracker};
use az_core::journal::{Journal, ModelReply, NewEvent};
use az_core::task::TaskRepository;
use az_core::testing::sample::{always, llm_intent, llm_result, note, paid, task, task_id};
use az_core::{Error, Usd};
use az_data::sqlite::{SqliteOptions, SqliteStore};

use crate::support::{Home, append, held};

/// Returns the events of call `n`, which costs a nano-dollar and has a text that fills a page.
fn call(n: u64) -> Vec<NewEvent> {
    let id = format!("m{n}");
    let reply = ModelReply::text("x".repeat(4_000));
    vec![llm_intent(&id, Some(2), 90), llm_result(&id, reply, paid(1))]
}

async fn check_holds(store: &SqliteStore, calls: u64) {
    let events = store.read(&task_id("t"), 0, usize::MAX).await.unwrap();
    assert_eq!(events.len() as u64, 2 * calls);
    let spent = Usd::from_nanos(calls.cast_signed());
    assert_eq!(store.total_in(always()).await.unwrap(), spent);
    let task = store.get(&task_id("t")).await.unwrap().unwrap();
    assert_eq!((task.cost, task.actual_tokens), (spent, 15 * calls));
    assert_eq!(store.open_holds().await.unwrap(), []);
}

#[tokio::test]
async fn a_full_disk_refuses_the_whole_append_and_keeps_earlier_data() {
    let home = Home::new();
    let lease = held(&home.open(), "t").await;
    let mut calls = 0;
    for pages in 1..=200 {
        // A limit below the current number of pages is the current number.
        let limit = SqliteOptions::default().with_max_page_count(pages);
        let store = home.open_with(limit);
        let from = calls;
        while let Ok(next) = append(&store, &lease, 2 * calls, call(calls)).await {
            calls += 1;
            assert_eq!(next, 2 * calls);
        }
        let refused = append(&store, &lease, 2 * calls, call(calls)).await;
        assert!(matches!(refused, Err(Error::Full { .. })), "{refused:?}");
        if calls > from {
            check_holds(&store, calls).await;
        }
        drop(store);
    }
    assert!(calls > 30, "{calls}");
    let store = home.open();
    check_holds(&store, calls).await;
    append(&store, &lease, 2 * calls, call(calls)).await.unwrap();
    check_holds(&store, calls + 1).await;
}

#[tokio::test]
async fn creating_a_store_on_a_full_disk_fails_and_can_be_repeated() {
    for pages in 1..=60 {
        let home = Home::new();
        let limit = SqliteOptions::default().with_max_page_count(pages);
        match SqliteStore::open(home.path(), limit) {
            Ok(store) => match store.create(&task("t", 0)).await {
                Ok(_) | Err(Error::Full { .. }) => {}
                Err(other) => panic!("{pages}: {other:?}"),
            },
            Err(Error::Full { .. }) => {}
            Err(other) => panic!("{pages}: {other:?}"),
        }
        let store = home.open();
        store.create(&task("t", 0)).await.unwrap();
        let lease = held(&store, "u").await;
        assert_eq!(append(&store, &lease, 0, call(0)).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_request_too_large_for_the_disk_does_not_affect_its_batch() {
    let home = Home::new();
    let small = home.open();
    let mut leases = Vec::new();
    for n in 0..12 {
        leases.push(held(&small, &format!("t{n}")).await);
    }
    drop(small);
    let pages: u32 = home.raw().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let store = home.open_with(SqliteOptions::default().with_max_page_count(pages + 8));
    let text = |n: usize| if n == 6 { 60_000 } else { 100 };
    let appends = leases
        .iter()
        .enumerate()
        .map(|(n, lease)| append(&store, lease, 0, vec![note(&"x".repeat(text(n)))]));
    let results = futures_util::future::join_all(appends).await;
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(1) if n != 6 => {}
            Err(Error::Full { .. }) if n == 6 => {}
            other => panic!("{n}: {other:?}"),
        }
    }
}
