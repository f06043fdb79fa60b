//! Many parked tasks.

use az_core::journal::Journal;
use az_core::task::{TaskFilter, TaskQueue, TaskRepository, WaitAnswer, WaitReply};
use az_core::testing::sample::{at, claim, task, task_id, waiting};
use az_core::{Task, TaskStatus};
use az_data::sqlite::SqliteStore;

use crate::support::Home;

/// The number of tasks that are parked.
const PARKED: usize = 10_000;

/// Parks tasks, all but the first by copies of its row.
async fn park_many(home: &Home) -> SqliteStore {
    let store = home.open();
    store.enqueue(&task("t", 0), at(0)).await.unwrap();
    let lease = store.claim(&claim("w", 0, 60)).await.unwrap().unwrap().lease;
    store.park(&lease, &waiting(), at(1)).await.unwrap();
    let conn = home.raw();
    let copy = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
        INSERT INTO task (id, status, priority, created_at, updated_at, started_at, epoch, cost, \
            estimated_tokens, actual_tokens, options, command, waiting) \
        SELECT id || n, status, priority, created_at, updated_at, started_at, epoch, cost, \
            estimated_tokens, actual_tokens, options, command, waiting FROM task, n";
    conn.execute(copy, [i64::try_from(PARKED).unwrap() - 1]).unwrap();
    store
}

#[tokio::test]
async fn a_claim_among_ten_thousand_parked_tasks_reads_none_of_them() {
    let home = Home::new();
    let store = park_many(&home).await;
    let all = TaskFilter { waiting: true, limit: usize::MAX, ..TaskFilter::default() };
    assert_eq!(store.list(&all).await.unwrap().len(), PARKED);

    // A thousand claims that read every parked task would take minutes.
    for _ in 0..1_000 {
        assert!(store.claim(&claim("w", 2, 60)).await.unwrap().is_none());
    }
    let id = task_id("t7000");
    let granted = WaitAnswer::new(&waiting(), "me", WaitReply::Granted);
    store.answer(&id, &granted, at(3)).await.unwrap();
    let claimed = store.claim(&claim("w", 4, 60)).await.unwrap().unwrap().task;
    assert_eq!((claimed.id, claimed.status), (id, TaskStatus::Running));
    assert!(store.claim(&claim("w", 4, 60)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_wait_that_cannot_be_read_damages_its_task_only() {
    let home = Home::new();
    let store = park_many(&home).await;
    let conn = home.raw();
    conn.execute("UPDATE task SET waiting = '{}' WHERE id = 't'", []).unwrap();
    let damaged: Task = store.get(&task_id("t")).await.unwrap().unwrap();
    assert!(damaged.damage.is_some_and(|damage| damage.contains("waiting")));
    assert!(store.claim(&claim("w", 2, 60)).await.unwrap().is_none());
}
