//! Bodies of every size and shape, and what becomes of those that are lost.

use std::fs;
use std::path::PathBuf;

use az_core::Error;
use az_core::journal::{EventBody, History, Journal, NewEvent, ToolOutcome, ToolResult, fold};
use az_core::task::TaskRepository;
use az_core::testing::sample::{call_id, note, task_id, tool_intent};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use crate::support::{Home, append, held};

fn result(text: String, data: Value) -> NewEvent {
    let result = ToolResult {
        tool: "echo".to_owned(),
        outcome: ToolOutcome::Done,
        text,
        data: Some(data),
        millis: 1,
    };
    NewEvent::about(call_id("c"), EventBody::ToolResult(result))
}

fn snapshot(of: &History, size: usize) -> NewEvent {
    let mut history = of.clone();
    history.summary = Some(az_core::journal::Summary { turns: 0, text: "s".repeat(size) });
    NewEvent::new(EventBody::Snapshot { history: Box::new(history) })
}

fn blobs(home: &Home) -> Vec<PathBuf> {
    let shelves = fs::read_dir(format!("{}.blobs", home.path().display()));
    let shelves = shelves.into_iter().flatten().map(|shelf| shelf.unwrap().path());
    let files = shelves.flat_map(|shelf| fs::read_dir(shelf).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn a_large_body_lies_in_a_file_and_comes_back_as_it_was() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    let large = result("größe 🦀 \0\u{1} ".repeat(60_000), json!({"n": 0.1 + 0.2}));
    let events = vec![note("small"), large.clone(), note("small")];
    append(&store, &lease, 0, events.clone()).await.unwrap();
    assert_eq!(blobs(&home).len(), 1);
    drop(store);
    let read = home.open().read(&task_id("t"), 0, 9).await.unwrap();
    let read: Vec<_> = read.into_iter().map(|event| event.event).collect();
    assert_eq!(read, events);
}

#[tokio::test]
async fn equal_bodies_share_a_file_that_outlives_one_of_them() {
    let home = Home::new();
    let store = home.open();
    let text = "x".repeat(100_000);
    for id in ["a", "b"] {
        let lease = held(&store, id).await;
        append(&store, &lease, 0, vec![note(&text)]).await.unwrap();
    }
    assert_eq!(blobs(&home).len(), 1);
    let late = az_core::testing::sample::at(100);
    assert!(store.delete(&task_id("a"), late).await.unwrap());
    assert_eq!(store.read(&task_id("b"), 0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_missing_or_torn_is_an_error_that_says_where() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    let events = vec![note("small"), note(&"x".repeat(100_000))];
    append(&store, &lease, 0, events).await.unwrap();
    let blob = blobs(&home).pop().unwrap();
    for torn in [true, false] {
        if torn {
            fs::write(&blob, "{}").unwrap();
        } else {
            fs::remove_file(&blob).unwrap();
        }
        let error = store.read(&task_id("t"), 0, 9).await.unwrap_err();
        assert!(matches!(error, Error::BrokenJournal { seq: 1, .. }), "{error:?}");
    }
    assert_eq!(store.read(&task_id("t"), 0, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_passed_over_for_the_one_before_it() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    append(&store, &lease, 0, vec![note("0"), tool_intent("c")]).await.unwrap();
    let whole = fold(&store.tail(&task_id("t")).await.unwrap()).unwrap();
    append(&store, &lease, 2, vec![snapshot(&whole, 10), note("3")]).await.unwrap();
    let before = fold(&store.tail(&task_id("t")).await.unwrap()).unwrap();
    append(&store, &lease, 4, vec![snapshot(&before, 100_000), note("5")]).await.unwrap();

    let numbers = async || -> Vec<u64> {
        let tail = store.tail(&task_id("t")).await.unwrap();
        assert_eq!(fold(&tail).unwrap().next_seq, 6);
        assert_eq!(fold(&tail).unwrap().calls, whole.calls);
        tail.iter().map(|event| event.seq).collect()
    };
    assert_eq!(numbers().await, [4, 5]);
    fs::remove_file(blobs(&home).pop().unwrap()).unwrap();
    assert_eq!(numbers().await, [2, 3, 4, 5]);
    home.raw()
        .execute("UPDATE event SET body = '{\"type\":\"snapshot\"' WHERE seq = 2", [])
        .unwrap();
    assert_eq!(numbers().await, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn nesting_comes_back_as_deep_as_it_was_and_is_refused_where_it_could_not() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    let nested = |levels| (0..levels).fold(json!(1e-7), |inner, _| json!([inner]));
    let deep = result(String::new(), nested(150));
    append(&store, &lease, 0, vec![deep.clone()]).await.unwrap();
    let read = store.read(&task_id("t"), 0, 9).await.unwrap();
    assert_eq!(read[0].event, deep);
    let bottomless = result(String::new(), nested(1_000));
    let refused = append(&store, &lease, 1, vec![note("no"), bottomless]).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    assert_eq!(store.read(&task_id("t"), 0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_link_to_the_file_leads_to_its_bodies_too() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    let events = vec![note(&"x".repeat(100_000))];
    append(&store, &lease, 0, events).await.unwrap();
    let link = home.parent().join("link.db");
    std::os::unix::fs::symlink(home.path(), &link).unwrap();
    let linked = SqliteStore::open_read_only(link, SqliteOptions::default()).unwrap();
    assert_eq!(linked.read(&task_id("t"), 0, 9).await.unwrap().len(), 1);
}
