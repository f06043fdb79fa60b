//! Bodies of every size and shape, and missing and damaged ones.

use std::fs;
use std::path::PathBuf;

use az_core::Error;
use az_core::journal::{
    ContextChange, EventBody, History, Journal, NewEvent, Prompt, Protocol, ToolOutcome,
    ToolResult, fold,
};
use az_core::store::StoreAdmin;
use az_core::task::{CancelOutcome, TaskFilter, TaskQueue, TaskRepository, TaskStatus};
use az_core::testing::sample::{at, call_id, claim_of, failed, note, task_id, tool_intent};
use az_core::tool::{ToolDefinition, ToolOutput};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use crate::support::{Home, append, held};

fn result(text: String, data: Value) -> NewEvent {
    let output = ToolOutput::done(text).with_data(data);
    let result = ToolResult::new("echo", ToolOutcome::Done, output).with_millis(1);
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
async fn a_large_body_is_stored_in_a_file_and_returned_unchanged() {
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

/// A prompt is far smaller than other bodies in files, but every task with the same tools has it.
#[tokio::test]
async fn equal_prompts_of_several_tasks_share_a_file() {
    let home = Home::new();
    let store = home.open();
    let tool = ToolDefinition::new("look", "x".repeat(2_000), json!({"type": "object"}));
    let prompt = |system: &str| {
        let prompt = Prompt::new(Protocol::Native, system, [tool.clone()]);
        NewEvent::new(EventBody::Context(ContextChange::Prompt(prompt)))
    };
    for id in ["a", "b"] {
        let lease = held(&store, id).await;
        append(&store, &lease, 0, vec![prompt("be brief"), prompt("other")]).await.unwrap();
    }
    assert_eq!(blobs(&home).len(), 2);
    drop(store);
    let store = home.open();
    for id in ["a", "b"] {
        let read = store.read(&task_id(id), 0, 9).await.unwrap();
        let read: Vec<_> = read.into_iter().map(|event| event.event).collect();
        assert_eq!(read, [prompt("be brief"), prompt("other")]);
    }
}

#[tokio::test]
async fn equal_bodies_share_a_file_that_is_removed_with_the_last() {
    let home = Home::new();
    let store = home.open();
    let text = "x".repeat(100_000);
    for id in ["a", "b"] {
        let lease = held(&store, id).await;
        append(&store, &lease, 0, vec![note(&text)]).await.unwrap();
    }
    assert_eq!(blobs(&home).len(), 1);
    assert!(store.delete(&task_id("a"), at(100)).await.unwrap());
    assert_eq!(store.read(&task_id("b"), 0, 9).await.unwrap().len(), 1);
    assert!(home.open().delete(&task_id("b"), at(100)).await.unwrap());
    assert!(blobs(&home).is_empty());
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_refused_deletion_removes_no_file() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    append(&store, &lease, 0, vec![note(&"x".repeat(100_000))]).await.unwrap();
    let refused = store.delete(&lease.task, at(59)).await;
    assert!(matches!(refused, Err(Error::LeaseHeld { .. })), "{refused:?}");
    assert_eq!(store.read(&lease.task, 0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_orphaned_blob_is_removed_by_the_next_deletion() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    append(&store, &lease, 0, vec![note(&"x".repeat(100_000))]).await.unwrap();
    held(&store, "other").await;
    // The state on disk after a crash between the deletion and the removal of the file.
    home.raw()
        .execute_batch(
            "PRAGMA foreign_keys = ON; BEGIN; INSERT INTO orphaned_blob SELECT blob FROM event; \
             DELETE FROM task WHERE id = 't'; COMMIT",
        )
        .unwrap();
    assert_eq!(blobs(&home).len(), 1);
    store.delete(&task_id("other"), at(100)).await.unwrap();
    assert!(blobs(&home).is_empty());
}

/// One handle deletes the last task with a text while another is about to record the same text.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_blob_that_another_handle_is_about_to_refer_to_is_kept() {
    let home = Home::new();
    let (one, two) = (home.open(), home.open());
    for round in 0..16 {
        let text = format!("{round}").repeat(70_000);
        let [old, new] = ["old", "new"].map(|name| format!("{name}-{round}"));
        let lease = held(&one, &old).await;
        append(&one, &lease, 0, vec![note(&text)]).await.unwrap();
        let lease = held(&two, &new).await;

        // Both wait for the lock, at about the same time, one with a text that is on disk.
        let raw = home.raw();
        raw.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (one, two) = (one.clone(), two.clone());
        let adding = tokio::spawn(async move { append(&two, &lease, 0, vec![note(&text)]).await });
        let deleting = tokio::spawn(async move { one.delete(&task_id(&old), at(100)).await });
        for _ in 0..round * 200 {
            tokio::task::yield_now().await;
        }
        raw.execute_batch("COMMIT").unwrap();
        assert_eq!(adding.await.unwrap().unwrap(), 1);
        assert!(deleting.await.unwrap().unwrap());
        let read = home.open().read(&task_id(&new), 0, 9).await.unwrap();
        assert_eq!(read.len(), 1, "round {round}");
    }
    assert_eq!(one.check().await.unwrap(), [""; 0]);
    for round in 0..16 {
        two.delete(&task_id(&format!("new-{round}")), at(100)).await.unwrap();
    }
    assert!(blobs(&home).is_empty());
}

#[tokio::test]
async fn the_check_reports_missing_and_damaged_blobs() {
    let home = Home::new();
    let store = home.open();
    let lease = held(&store, "t").await;
    let events = vec![note(&"x".repeat(100_000)), note(&"y".repeat(100_000))];
    append(&store, &lease, 0, events).await.unwrap();
    assert_eq!(store.check().await.unwrap(), [""; 0]);
    let mut files = blobs(&home);
    files.sort();
    fs::remove_file(&files[0]).unwrap();
    fs::write(&files[1], b"\xff").unwrap();
    let expected = [
        format!("stored body cannot be read: {} is missing", files[0].display()),
        format!("stored body cannot be read: {} is damaged", files[1].display()),
    ];
    assert_eq!(store.check().await.unwrap(), expected);
}

#[tokio::test]
async fn a_task_with_an_unreadable_journal_can_be_listed_cancelled_and_deleted() {
    let home = Home::new();
    let store = home.open();
    for id in ["finished", "cancelled", "deleted"] {
        let lease = held(&store, id).await;
        append(&store, &lease, 0, vec![note(&id.repeat(20_000))]).await.unwrap();
    }
    for file in blobs(&home) {
        fs::remove_file(file).unwrap();
    }
    let mut found = store.list(&TaskFilter::default()).await.unwrap();
    found.sort_by_key(|task| task.id.to_string());
    let ids: Vec<_> = found.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["cancelled", "deleted", "finished"]);
    assert_eq!(store.get(&task_id("deleted")).await.unwrap().as_ref(), found.get(1));

    let claim = claim_of("finished", "other", 60, 90);
    let lease = store.claim(&claim).await.unwrap().unwrap().lease;
    append(&store, &lease, 1, vec![note("goes on")]).await.unwrap();
    let ended = store.finish(&lease, &failed("its record is gone"), at(61)).await.unwrap();
    assert_eq!(ended.status, TaskStatus::Failed);

    let asked = store.request_cancel(&task_id("cancelled"), at(61)).await.unwrap();
    assert_eq!(asked, CancelOutcome::Requested);
    let lease = store.lease(&task_id("cancelled")).await.unwrap().unwrap();
    let released = store.release(&lease, None, at(61)).await.unwrap();
    assert_eq!(released.status, TaskStatus::Cancelled);

    for id in ["finished", "cancelled", "deleted"] {
        assert!(store.delete(&task_id(id), at(100)).await.unwrap(), "{id}");
    }
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn an_error_names_the_missing_or_damaged_blob() {
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
async fn an_unreadable_snapshot_is_skipped_for_the_one_before_it() {
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
async fn nesting_is_stored_up_to_the_readable_depth_and_refused_beyond() {
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
async fn a_link_to_the_database_finds_its_blobs() {
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
