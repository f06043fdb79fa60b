//! Tables of users beside those of the store.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::Error;
use az_core::task::TaskRepository;
use az_core::testing::sample::task;
use az_core::testing::{Capabilities, Fixture};
use az_data::repository::{Record, SqlRepository};
use az_data::testing::sql_repository;
use serde_json::json;

use crate::support::Home;

#[async_trait]
impl Fixture<dyn SqlRepository> for Home {
    async fn open(&self) -> Arc<dyn SqlRepository> {
        Arc::new(Self::open(self))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

#[tokio::test]
async fn the_contract_holds() {
    let report = sql_repository(Home::new).await;
    report.assert_passed();
    assert_eq!(report.skipped(), [""; 0]);
}

fn none() -> Record {
    Record::new()
}

fn check_invalid<T: std::fmt::Debug>(result: Result<T, Error>, what: &str) {
    match result {
        Err(Error::Invalid { .. }) => {}
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test]
async fn tables_of_the_store_are_read_only() {
    let home = Home::new();
    let store = home.open();
    let stored = store.create(&task("t", 0)).await.unwrap();
    let forbidden = [
        "DELETE FROM task",
        "UPDATE TASK SET cost = 0",
        "INSERT INTO entry DEFAULT VALUES",
        "DROP TABLE event",
        "ALTER TABLE task ADD COLUMN mine",
        "CREATE INDEX mine ON task (model)",
        "CREATE TRIGGER mine AFTER INSERT ON task BEGIN SELECT 1; END",
        "DROP INDEX task_newest",
        "RELEASE request",
        "PRAGMA synchronous = OFF",
        "PRAGMA user_version = 9",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "CREATE TEMP TABLE mine (x)",
        "DELETE FROM sqlite_schema",
        "ANALYZE",
    ];
    for sql in forbidden {
        check_invalid(store.execute(sql, &none()).await, sql);
        check_invalid(store.fetch_all(sql, &none()).await, sql);
    }
    assert_eq!(store.get(&stored.id).await.unwrap(), Some(stored));
    let read = store.fetch_one("SELECT id FROM task", &none()).await.unwrap();
    assert_eq!(read.map(serde_json::Value::Object), Some(json!({"id": "t"})));
}

#[tokio::test]
async fn a_trigger_cannot_change_tables_of_the_store() {
    let home = Home::new();
    let store = home.open();
    let stored = store.create(&task("t", 0)).await.unwrap();
    for sql in [
        "CREATE TABLE note (x)",
        "CREATE TRIGGER mine AFTER INSERT ON note BEGIN DELETE FROM task; END",
    ] {
        assert_eq!(store.execute(sql, &none()).await.unwrap(), 0);
    }
    check_invalid(store.insert("note", &none()).await, "the trigger");
    assert_eq!(store.get(&stored.id).await.unwrap(), Some(stored));
}

#[tokio::test]
async fn a_rolled_back_statement_does_not_affect_other_requests() {
    let home = Home::new();
    let store = home.open();
    let sql = "CREATE TABLE note (title UNIQUE)";
    store.execute(sql, &none()).await.unwrap();
    let greedy = "INSERT OR ROLLBACK INTO note VALUES ('one')";
    assert_eq!(store.execute(greedy, &none()).await.unwrap(), 1);
    let (params, a, b) = (none(), task("a", 0), task("b", 0));
    let (a, greedy, b) = futures_util::future::join3(
        store.create(&a),
        store.execute(greedy, &params),
        store.create(&b),
    )
    .await;
    assert!(matches!(greedy, Err(Error::AlreadyExists { .. })), "{greedy:?}");
    for kept in [a.unwrap(), b.unwrap()] {
        assert_eq!(store.get(&kept.id).await.unwrap(), Some(kept));
    }
}

#[tokio::test]
async fn binary_values_are_returned_in_hexadecimal() {
    let home = Home::new();
    let found = home.open().fetch_one("SELECT x'00ff' AS b", &none()).await;
    let found = found.unwrap().map(serde_json::Value::Object);
    assert_eq!(found, Some(json!({"b": "00ff"})));
}
