//! Handles of two namespaces of one file share nothing.

use std::fs;
use std::sync::{Arc, OnceLock};
use std::thread;

use async_trait::async_trait;
use az_core::config::ConfigManager;
use az_core::cost::{BudgetKeeper, CostTracker, Grouping, Payer, Period, Scope, TimeRange};
use az_core::journal::{Journal, RunStore, fold};
use az_core::log::{CommandLog, Level, LogQuery, LogRecord, LogStore};
use az_core::state::StateManager;
use az_core::store::{Namespace, StoreAdmin};
use az_core::task::{TaskFilter, TaskQueue, TaskRepository, TaskStatus};
use az_core::testing::sample::{
    at, budget, claim, completed, entry, hold, note, run_finished, task, task_id,
};
use az_core::testing::{AdminStore, Capabilities, Fixture, RunAndStateStore, StoreAdminFixture};
use az_core::{Error, Usd};
use az_data::repository::{Record, SqlRepository};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::types::Value;
use serde_json::json;

use crate::support::{Home, append, fixture_of, held};

/// The contracts, in a namespace of a file whose namespace `default` is full.
mod conformance {
    use super::Tenant;

    mod task_repository {
        az_core::task_repository_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod task_queue {
        az_core::task_queue_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod journal {
        az_core::journal_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod ledger {
        az_core::ledger_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod store {
        az_core::store_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod store_admin {
        az_core::store_admin_conformance! {
            make: super::Tenant::new,
            skips: ["a_migration_is_reported_by_the_handle_that_made_it"],
        }
    }

    mod state_manager {
        az_core::state_manager_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod config_manager {
        az_core::config_manager_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod command_log {
        az_core::command_log_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod hint_queue {
        az_core::hint_queue_conformance! { make: super::Tenant::new, skips: [] }
    }

    mod log_store {
        az_core::log_store_conformance! { make: super::Tenant::new, skips: [] }
    }
}

/// The tables whose rows belong to a namespace.
const TABLES: [&str; 13] = [
    "alert",
    "bucket",
    "budget",
    "entry",
    "event",
    "hint",
    "hold",
    "hold_bucket",
    "log",
    "payer",
    "setting",
    "snapshot",
    "task",
];

/// A namespace of a file whose namespace `default` is full of data, which is checked at the end to
/// be unchanged.
#[derive(Debug)]
struct Tenant(Home);

impl Tenant {
    fn new() -> Self {
        Self(Home::copy_of(&template().0))
    }

    fn open(&self) -> SqliteStore {
        open(&self.0, "tenant")
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert_eq!(default_rows(&self.0), template().1);
        }
    }
}

#[async_trait]
impl StoreAdminFixture for Tenant {
    async fn open_read_only(&self) -> Arc<dyn AdminStore> {
        let options = SqliteOptions::default().with_namespace(Namespace::new("tenant").unwrap());
        Arc::new(SqliteStore::open_read_only(self.0.path(), options).unwrap())
    }

    /// A whole file of an earlier schema is none in which `default` is as it was.
    fn put_earlier_schema(&self) -> Option<u32> {
        None
    }
}

fixture_of!(Tenant: TaskRepository TaskQueue RunStore RunAndStateStore AdminStore StateManager ConfigManager LogStore CommandLog);

fn open(home: &Home, namespace: &str) -> SqliteStore {
    let namespace = Namespace::new(namespace).expect("a namespace");
    home.open_with(SqliteOptions::default().with_namespace(namespace))
}

/// Rows by their tables.
type Rows = Vec<(&'static str, Vec<Vec<Value>>)>;

/// Returns a closed file whose namespace `default` is full, with the ids and keys that the kits use,
/// and the rows of that namespace.
fn template() -> &'static (Home, Rows) {
    static TEMPLATE: OnceLock<(Home, Rows)> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let home = Home::new();
        // A runtime of its own thread: the caller may be in one already.
        thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.expect("a runtime").block_on(fill(&home.open(), 1));
            });
        });
        let rows = default_rows(&home);
        (home, rows)
    })
}

/// Stores data of every kind. `marker` distinguishes the namespaces.
async fn fill(store: &SqliteStore, marker: i64) {
    let model = Scope::Model("m".to_owned());
    for scope in [Scope::Global, model, Scope::task(task_id("t")), Scope::task(task_id("a"))] {
        for period in [Period::Daily, Period::Total] {
            // Full before the first call of a scenario.
            store.set_budget(&budget(scope.clone(), period, 10 * marker), at(0)).await.unwrap();
        }
    }
    store.hold(&hold("a", "m0", 5 * marker, 1)).await.unwrap();
    for id in ["t", "a", "b", "c", "other", "u", "v", "w", "x"] {
        store.book(&entry(id, "m1", 7 * marker, 1)).await.unwrap();
    }
    let (key, team) = ("key:k".parse().unwrap(), "team:t".parse().unwrap());
    store.set_parent(&key, Some(&team)).await.unwrap();
    // With an expired lease, a valid one, a waiting task, and one that has ended.
    for (id, until) in [("t", 60), ("a", 1_000_000)] {
        let lease = held(store, id).await;
        let text = format!("{id} {marker}").repeat(50_000);
        append(store, &lease, 0, vec![note(id), note(&text)]).await.unwrap();
        store.heartbeat(&[lease], at(until)).await.unwrap();
    }
    store.enqueue(&task("b", 0), at(0)).await.unwrap();
    let lease = held(store, "c").await;
    append(store, &lease, 0, vec![run_finished(completed(&marker.to_string()))]).await.unwrap();
    for name in [None, Some("name"), Some("n")] {
        store.save_snapshot(&task_id("t"), &json!(marker), name, at(1)).await.unwrap();
    }
    for key in ["a", "b", "key", "k", "theme"] {
        store.set(key, &json!(marker)).await.unwrap();
    }
    let record = LogRecord {
        at: at(1),
        level: Level::Error,
        target: "test".to_owned(),
        task: Some(task_id("t")),
        message: marker.to_string(),
    };
    LogStore::append(store, &[record]).await.unwrap();
}

/// Returns every row of the namespace `default`.
fn default_rows(home: &Home) -> Rows {
    let conn = home.raw();
    let rows = |table| {
        let sql = format!("SELECT * FROM {table} WHERE namespace = 'default'");
        let mut query = conn.prepare(&sql).expect("a statement");
        let columns = query.column_count();
        let rows = query.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        (table, rows.expect("rows").map(|row| row.expect("a row")).collect())
    };
    TABLES.map(rows).to_vec()
}

/// Returns everything that the contracts return, in text that shows differences.
async fn everything(store: &SqliteStore) -> Vec<String> {
    let id = task_id("t");
    let tail = store.tail(&id).await.unwrap();
    let status = store.status().await.unwrap();
    vec![
        format!("{:?}", store.list(&TaskFilter::default()).await.unwrap()),
        format!("{:?}", fold(&tail).unwrap()),
        format!("{:?}", store.read(&id, 0, 99).await.unwrap()),
        format!("{:?}", store.leases_of_others(&"z".parse().unwrap(), 99).await.unwrap()),
        format!("{:?}", store.budgets(at(2)).await.unwrap()),
        format!("{:?}", store.open_holds().await.unwrap()),
        format!("{:?}", store.entries(TimeRange::ALL, None).await.unwrap()),
        format!("{:?}", store.sums(TimeRange::ALL, &Grouping::Payer).await.unwrap()),
        format!("{:?}", store.total_in(TimeRange::ALL).await.unwrap()),
        format!("{:?}", store.ancestors(&"key:k".parse().unwrap()).await.unwrap()),
        format!("{:?}", store.load_snapshot(&id, None).await.unwrap().map(|found| found.state)),
        format!("{:?}", store.get_all().await.unwrap()),
        format!("{:?}", store.query(&LogQuery::default()).await.unwrap()),
        format!("{:?}", [status.tasks, status.events, status.entries, status.holds]),
    ]
}

#[tokio::test]
async fn equal_ids_of_two_namespaces_are_two_things() {
    let home = Home::new();
    let (one, two, empty) = (open(&home, "one"), open(&home, "two"), open(&home, "empty"));
    let nothing = empty.status().await.unwrap();
    fill(&one, 1).await;
    let alone = everything(&one).await;
    fill(&two, 2).await;
    let second = everything(&two).await;
    assert_eq!(everything(&one).await, alone);
    let total = |cost: i64| format!("{:?}", Usd::from_nanos(cost));
    assert_eq!((&alone[8], &second[8]), (&total(63), &total(126)));
    let status = empty.status().await.unwrap();
    let counts = [status.tasks, status.events, status.entries, status.holds];
    assert_eq!((counts, status.schema), ([0; 4], nothing.schema));

    // Handles that are opened later, and read-only ones, find the data on disk.
    let options = SqliteOptions::default().with_namespace(Namespace::new("one").unwrap());
    let reader = SqliteStore::open_read_only(home.path(), options).unwrap();
    assert_eq!(everything(&reader).await, alone);
}

#[tokio::test]
async fn what_runs_out_in_one_namespace_is_left_alone_in_the_other() {
    let home = Home::new();
    let (one, two) = (open(&home, "one"), open(&home, "two"));
    fill(&one, 1).await;
    fill(&two, 2).await;
    let second = everything(&two).await;
    // Every task and hold of the first namespace is taken, cancelled, swept or deleted.
    let late = 2_000_000;
    while let Some(claimed) = one.claim(&claim("w", late, late + 9)).await.unwrap() {
        one.request_cancel(&claimed.task.id, at(late)).await.unwrap();
        let released = one.release(&claimed.lease, None, at(late)).await.unwrap();
        assert_eq!(released.status, TaskStatus::Cancelled);
    }
    assert_eq!(one.sweep(at(late)).await.unwrap(), 1);
    assert_eq!(one.sweep(at(late)).await.unwrap(), 0);
    let (key, own): (Payer, _) = ("key:k".parse().unwrap(), "key".to_owned());
    one.set_parent(&key, None).await.unwrap();
    assert!(one.clear_budget(&Scope::Global, Period::Total).await.unwrap());
    assert!(ConfigManager::delete(&one, &own).await.unwrap());
    for id in ["t", "a", "b", "c"] {
        assert!(TaskRepository::delete(&one, &task_id(id), at(late)).await.unwrap());
    }
    assert_eq!(everything(&two).await, second);
    assert_eq!(two.sweep(at(late / 2 - 1)).await.unwrap(), 0, "its task is held");
}

#[tokio::test]
async fn a_body_is_kept_while_a_namespace_refers_to_it() {
    let home = Home::new();
    let (one, two) = (open(&home, "one"), open(&home, "two"));
    let text = "x".repeat(100_000);
    for store in [&one, &two] {
        let lease = held(store, "t").await;
        append(store, &lease, 0, vec![note(&text)]).await.unwrap();
    }
    let files = || {
        let shelves = fs::read_dir(format!("{}.blobs", home.path().display())).unwrap();
        shelves.map(|shelf| fs::read_dir(shelf.unwrap().path()).unwrap().count()).sum::<usize>()
    };
    assert_eq!(files(), 1);
    assert!(TaskRepository::delete(&one, &task_id("t"), at(100)).await.unwrap());
    assert_eq!(files(), 1);
    assert_eq!(two.read(&task_id("t"), 0, 9).await.unwrap().len(), 1);
    assert_eq!(two.check().await.unwrap(), [""; 0]);
    assert!(TaskRepository::delete(&two, &task_id("t"), at(100)).await.unwrap());
    assert_eq!(files(), 0);
}

#[tokio::test]
async fn a_check_reports_the_lost_bodies_of_its_own_namespace() {
    let home = Home::new();
    let (one, two) = (open(&home, "one"), open(&home, "two"));
    let lease = held(&one, "t").await;
    append(&one, &lease, 0, vec![note(&"x".repeat(100_000))]).await.unwrap();
    fs::remove_dir_all(format!("{}.blobs", home.path().display())).unwrap();
    assert_eq!(one.check().await.unwrap().len(), 1);
    assert_eq!(two.check().await.unwrap(), [""; 0]);
}

/// SQL of users sees all of the file, which would be the rows of all namespaces.
#[tokio::test]
async fn tables_of_ones_own_are_refused_outside_of_the_default_namespace() {
    let home = Home::new();
    let (default, tenant) = (home.open(), open(&home, "tenant"));
    default.execute("CREATE TABLE mine (x)", &Record::new()).await.unwrap();
    for refused in [
        tenant.execute("INSERT INTO mine VALUES (1)", &Record::new()).await.map(drop),
        tenant.fetch_all("SELECT * FROM task", &Record::new()).await.map(drop),
        tenant.insert("mine", &Record::from_iter([("x".to_owned(), json!(1))])).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    }
}
