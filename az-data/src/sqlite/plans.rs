//! The query plans of the store's statements.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use az_core::TaskId;
use az_core::clock::BootTime;
use az_core::config::ConfigManager;
use az_core::cost::{
    BudgetKeeper, Calendar, CostTracker, Decision, Grouping, Payer, Period, Reconciliation, Scope,
    Settlement, TimeRange,
};
use az_core::journal::{EventBody, Hint, HintQueue, Journal, NewEvent};
use az_core::lease::LeaseAnchors;
use az_core::log::{
    CommandLog, CommandRun, Level, LogMark, LogQuery, LogRecord, LogRetention, LogStore, RunQuery,
};
use az_core::state::StateManager;
use az_core::store::{StoreAccess, StoreAddress, StoreAdmin, StoreFactory, StoreRequest};
use az_core::task::{TaskFilter, TaskQueue, TaskRepository, WaitAnswer, WaitReply};
use az_core::testing::sample::{
    at, budget, call_id, claim, claim_of, completed, entry, hold, note, run_finished, task,
    task_id, waiting,
};
use rusqlite::Connection;
use serde_json::json;

use super::log::RECORD;
use super::log_page::{self, Order};
use super::migrate::{self, OWN};
use super::{SqliteOptions, SqliteStore, SqliteStores, bucket, entry_sum, log_count, spawned};

/// The statements that the tests of this process have prepared.
static PREPARED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Stores a statement that is being prepared.
pub(super) fn record(sql: &str) {
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    if !prepared.iter().any(|known| known == sql) {
        prepared.push(sql.to_owned());
    }
}

/// Returns the steps of the plan of a statement on an empty store.
pub(super) fn plan(sql: &str) -> Vec<String> {
    plan_on(&migrate::in_memory(), sql)
}

fn plan_on(conn: &Connection, sql: &str) -> Vec<String> {
    // Parameters that are not bound are NULL, which does not change a plan.
    let mut query = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = query.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}

/// Runs every statement of the store at least once.
async fn run_every_statement(store: &SqliteStore) {
    let (now, later) = (at(1), at(90));
    let boot = BootTime { boot: "boot".into(), elapsed: Duration::ZERO };
    store.lease_anchor(&boot, now).await.unwrap();
    store.create(&task("created", 0)).await.unwrap();
    let part = task("part", 0).with_parent(task_id("created"));
    store.enqueue(&part, now).await.unwrap();
    store.enqueue(&task("t", 0), now).await.unwrap();
    let key: Payer = "key:k".parse().unwrap();
    store.set_parent(&key, Some(&"team:t".parse().unwrap())).await.unwrap();
    store.ancestors(&key).await.unwrap();
    for scope in [Scope::Global, Scope::Model("m".to_owned()), Scope::task(task_id("created"))] {
        store.set_budget(&budget(scope.clone(), Period::Daily, 10), now).await.unwrap();
        store.set_budget(&budget(scope, Period::Daily, 1_000), now).await.unwrap();
    }
    for call in ["m0", "m1"] {
        store.hold(&hold("part", call, 600, 1)).await.unwrap_or_default();
    }
    let held = Payer::from(task_id("part"));
    store.renew(&[(held.clone(), call_id("m0"))], later).await.unwrap();
    store.open_holds().await.unwrap();
    store.budgets(now).await.unwrap();
    store.budgets(at(10_000)).await.unwrap();
    store.settle(&held, &call_id("m0"), &Settlement::Full).await.unwrap();
    store.set_parent(&key, None).await.unwrap();
    store.book(&entry("t", "m0", 5, 1)).await.unwrap();
    store.sweep(later).await.unwrap();
    store.clear_budget(&Scope::Global, Period::Daily).await.unwrap();
    store.total_in(TimeRange::ALL).await.unwrap();
    store.cost_by_payer(&held).await.unwrap();
    for payer in [None, Some(&held)] {
        store.entries(TimeRange::ALL, payer).await.unwrap();
        store.uncertain(TimeRange::ALL, payer).await.unwrap();
    }
    let released = Reconciliation::new(held.clone(), call_id("m0"), Decision::Released, now);
    store.reconcile(&released).await.unwrap().unwrap();
    let days = Grouping::Day(Calendar::default());
    for by in [Grouping::All, Grouping::Model, Grouping::Provider, Grouping::Payer, days] {
        store.sums(TimeRange::ALL, &by).await.unwrap();
    }

    let lease = store.claim(&claim("w", 1, 60)).await.unwrap().unwrap().lease;
    store.heartbeat(std::slice::from_ref(&lease), later).await.unwrap();
    store.lease(&lease.task).await.unwrap();
    store.leases_of_others(&lease.owner, 5).await.unwrap();
    spawned::tests::spawn_and_list(store, &lease).await;
    store.request_cancel(&lease.task, now).await.unwrap();
    store.cancel_requests(&lease.owner).await.unwrap();
    let hint = sent_hint(store, &lease.task).await;
    let events = vec![hint, note(&"x".repeat(100_000)), run_finished(completed("done"))];
    Journal::append(store, &lease, 0, events, now).await.unwrap();
    read_the_journal(store, &lease.task).await;
    let lease = store.claim(&claim_of("t", "w", 1, 60)).await.unwrap().unwrap().lease;
    store.release(&lease, None, now).await.unwrap();
    store.list(&TaskFilter::default()).await.unwrap();
    park_and_answer(store).await;

    store.save_snapshot(&lease.task, &json!(1), Some("name"), now).await.unwrap();
    for name in [None, Some("name")] {
        store.load_snapshot(&lease.task, name).await.unwrap();
    }
    store.list_snapshots(&lease.task).await.unwrap();
    store.delete_snapshot(&lease.task, "1").await.unwrap();
    store.set("key", &json!(1)).await.unwrap();
    ConfigManager::get(store, "key").await.unwrap();
    store.get_all().await.unwrap();
    ConfigManager::delete(store, "key").await.unwrap();
    read_the_log(store, &lease.task).await;
    store.record_runs(&[CommandRun::new(now, "task list", 1, 0)]).await.unwrap();
    store.runs(&RunQuery::default()).await.unwrap();
    let address = StoreAddress::new("sqlite", store.path()).unwrap();
    let noted = StoreRequest::new(address, StoreAccess::ReadOnly);
    let run = CommandRun::new(now, "task show", 1, 0);
    SqliteStores::default().note_run(&noted, &run).await.unwrap();
    store.collect_runs().await.unwrap();
    store.prune_runs(now, 1).await.unwrap();
    check_and_rebuild(store).await;
    for id in ["part", "created", "t", "child"] {
        TaskRepository::delete(store, &task_id(id), later).await.unwrap();
    }
}

async fn check_and_rebuild(store: &SqliteStore) {
    store.status().await.unwrap();
    store.check().await.unwrap();
    entry_sum::rebuild(&mut migrate::in_memory()).unwrap();
    log_count::rebuild(&mut migrate::in_memory()).unwrap();
}

/// Sends a hint; returns the event that records it.
async fn sent_hint(store: &SqliteStore, task: &TaskId) -> NewEvent {
    let hint = Hint::new(call_id("h"), "text").unwrap();
    store.send_hint(task, &hint, at(1)).await.unwrap();
    store.hints(task).await.unwrap();
    NewEvent::about(hint.id, EventBody::Hint { text: hint.text })
}

async fn park_and_answer(store: &SqliteStore) {
    let lease = store.claim(&claim_of("t", "w", 1, 60)).await.unwrap().unwrap().lease;
    store.park(&lease, &waiting(), at(1)).await.unwrap();
    store.list(&TaskFilter { waiting: true, ..TaskFilter::default() }).await.unwrap();
    let granted = WaitAnswer::new(&waiting(), "me", WaitReply::Granted);
    store.answer(&lease.task, &granted, at(1)).await.unwrap();
}

/// Reads the journal of a task, and the tool calls of all.
async fn read_the_journal(store: &SqliteStore, task: &TaskId) {
    store.read(task, 0, 9).await.unwrap();
    store.tail(task).await.unwrap();
    store.tool_calls(TimeRange::ALL).await.unwrap();
}

/// Reads the log in every way: by task, by level, by time, and in the order of appending.
async fn read_the_log(store: &SqliteStore, task: &TaskId) {
    let records = [Level::Warn, Level::Error].map(|level| LogRecord {
        at: at(1),
        level,
        target: "plans".to_owned(),
        task: Some(task.clone()),
        message: "x".to_owned(),
    });
    LogStore::append(store, &records).await.unwrap();
    let none = LogQuery { since: Some(at(1)), ..LogQuery::default() };
    let mut queries = vec![none.clone(), LogQuery { task: Some(task.clone()), ..none.clone() }];
    queries.push(LogQuery { until: Some(at(9)), up_to: Some(LogMark(9)), ..none.clone() });
    queries.push(LogQuery { until: Some(at(9)), ..none.clone() });
    queries.extend(Level::ALL.iter().map(|level| LogQuery { level: Some(*level), ..none.clone() }));
    for query in queries {
        store.query(&query).await.unwrap();
        store.page(&query, None).await.unwrap();
        store.appended(&query, Some(LogMark(0))).await.unwrap();
        for limit in [1, 501] {
            let limited = LogQuery { limit: Some(limit), ..query.clone() };
            store.page(&limited, None).await.unwrap();
        }
    }
    store.prune(&LogRetention::new(at(5), 0)).await.unwrap();
}

/// The statements that read more rows than an index selects, with the step that does.
const WHOLE: &[(&str, &str)] = &[
    // Reads a page or the first row in the order of the index.
    (
        "ORDER BY created_at DESC, id DESC LIMIT",
        "SEARCH task USING INDEX task_newest (namespace=?)",
    ),
    // The tasks below one are sorted.
    ("SELECT row FROM below) ORDER BY", "USE TEMP B-TREE FOR ORDER BY"),
    ("waiting IS NOT NULL", "SEARCH task USING INDEX task_waiting (namespace=?)"),
    ("INDEXED BY task_next", "SEARCH task USING COVERING INDEX task_next (namespace=?)"),
    ("lease_owner <> ?1", "SEARCH task USING INDEX task_expiring (namespace=?)"),
    // A few rows are sorted.
    ("INDEXED BY task_next", "USE TEMP B-TREE FOR ORDER BY"),
    ("lease_owner <> ?1", "USE TEMP B-TREE FOR LAST TERM OF ORDER BY"),
    ("cancel_requested = 1 ORDER BY id", "USE TEMP B-TREE FOR ORDER BY"),
    (
        "FROM entry WHERE namespace = az_namespace() AND at >= ?1",
        "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
    ),
    ("FROM entry WHERE namespace = az_namespace() AND payer = ?1", "USE TEMP B-TREE FOR ORDER BY"),
    ("SELECT model, sum(calls)", "USE TEMP B-TREE FOR GROUP BY"),
    ("SELECT provider, sum(calls)", "USE TEMP B-TREE FOR GROUP BY"),
    ("GROUP BY +payer", "USE TEMP B-TREE FOR GROUP BY"),
    // Returns all rows.
    ("count(*) FROM task", "SEARCH task USING COVERING INDEX task_newest_of_both (namespace=?)"),
    (
        "count(*) FROM task",
        "SEARCH event USING COVERING INDEX sqlite_autoindex_event_1 (namespace=?)",
    ),
    ("count(*) FROM task", "SEARCH entry USING COVERING INDEX entry_of_model (namespace=?)"),
    ("count(*) FROM task", "SEARCH hold USING COVERING INDEX hold_expiring (namespace=?)"),
    (
        "hard FROM budget WHERE namespace = az_namespace()",
        "SEARCH budget USING PRIMARY KEY (namespace=?)",
    ),
    // The scopes are checked: one that cannot be read is in no index.
    (
        "SELECT scope, period FROM budget WHERE namespace = az_namespace()",
        "SEARCH budget USING PRIMARY KEY (namespace=?)",
    ),
    (
        "until FROM hold WHERE namespace = az_namespace()",
        "SEARCH hold USING PRIMARY KEY (namespace=?)",
    ),
    (
        "answer, waiting FROM task WHERE namespace = az_namespace()",
        "SEARCH task USING INDEX task_newest_of_both (namespace=?)",
    ),
    (
        "at FROM entry WHERE namespace = az_namespace()",
        "SEARCH entry USING INDEX entry_of_model (namespace=?)",
    ),
    (
        "SELECT task_id, seq, body FROM event",
        "SEARCH event USING INDEX sqlite_autoindex_event_1 (namespace=?)",
    ),
    // The check reads all results and all counts.
    ("SELECT body, blob, task_id, seq, tool", "SEARCH event USING INDEX event_once (namespace=?)"),
    ("WITH counts AS", "SEARCH log_count USING PRIMARY KEY (namespace=?)"),
    ("WITH counts AS", "SEARCH log USING COVERING INDEX log_of_level (namespace=?)"),
    ("WITH counts AS", "USE TEMP B-TREE FOR GROUP BY"),
    ("WITH counts AS", "USE TEMP B-TREE FOR ORDER BY"),
    ("DELETE FROM log_count", "SEARCH log_count USING PRIMARY KEY (namespace=?)"),
    ("INTO log_count SELECT", "SEARCH log USING COVERING INDEX log_of_level (namespace=?)"),
    ("INTO log_count SELECT", "USE TEMP B-TREE FOR GROUP BY"),
    ("DELETE FROM entry_sum", "SEARCH entry_sum USING PRIMARY KEY (namespace=?)"),
    ("INTO entry_sum SELECT", "SEARCH entry USING INDEX entry_by_time (namespace=?)"),
    ("INTO entry_sum SELECT", "USE TEMP B-TREE FOR GROUP BY"),
    ("WITH stored AS", "SEARCH entry USING INDEX entry_by_time (namespace=?)"),
    ("WITH stored AS", "SEARCH entry_sum USING PRIMARY KEY (namespace=?)"),
    ("WITH stored AS", "USE TEMP B-TREE FOR GROUP BY"),
    ("WITH stored AS", "USE TEMP B-TREE FOR ORDER BY"),
    ("SELECT key, value FROM setting", "SEARCH setting USING PRIMARY KEY (namespace=?)"),
    // The check of a store reads all of them.
    (
        "SELECT scope, period, start, stop, spent, held FROM bucket",
        "SEARCH bucket USING PRIMARY KEY (namespace=?)",
    ),
    ("FROM orphaned_blob", "SCAN orphaned_blob"),
    // The entries of the runs that are kept are skipped.
    (
        "DELETE FROM command_run",
        "SEARCH command_run USING COVERING INDEX command_run_by_time (namespace=?)",
    ),
    // There is one row.
    ("FROM log_size WHERE", "SEARCH log_size USING PRIMARY KEY (namespace=?)"),
    ("UPDATE log_size", "SEARCH log_size USING PRIMARY KEY (namespace=?)"),
    // Only the last row is read.
    ("ORDER BY id DESC LIMIT 1", "SCAN log"),
    // Only the last entry of an index is read for its largest value.
    ("max(lease_until)", "SEARCH task USING COVERING INDEX task_expiring (namespace=?)"),
    ("max(until) FROM hold", "SEARCH hold USING COVERING INDEX hold_expiring (namespace=?)"),
    // Open holds are few.
    (
        "FROM hold WHERE namespace = az_namespace() AND at >= ?1",
        "SEARCH hold USING PRIMARY KEY (namespace=?)",
    ),
    ("DELETE FROM hold_bucket", "SEARCH hold_bucket USING PRIMARY KEY (namespace=?)"),
];

/// Returns `true` for a step that reads all rows of a namespace or sorts rows.
fn is_whole(step: &str) -> bool {
    let scanned = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
    scanned.is_some_and(|table| OWN.contains(&table))
        || step.ends_with("(namespace=?)")
        || step.starts_with("USE TEMP B-TREE")
}

#[tokio::test]
async fn every_statement_finds_its_rows_by_an_index() {
    let home = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(home.path().join("az.db"), SqliteOptions::default()).unwrap();
    run_every_statement(&store).await;
    let prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let conn = migrate::in_memory();
    let mut expected: BTreeSet<_> = WHOLE.iter().collect();
    for sql in &prepared {
        for step in plan_on(&conn, sql).iter().filter(|step| is_whole(step)) {
            let mut known =
                WHOLE.iter().filter(|(part, whole)| sql.contains(part) && whole == step);
            let known = known.next().unwrap_or_else(|| panic!("{sql}\n    {step}"));
            expected.remove(known);
        }
    }
    assert_eq!(expected, BTreeSet::new(), "steps that no statement takes");
}

/// The uncertain entries are few, whatever the number of entries of a model or a payer.
#[test]
fn uncertain_entries_are_summed_up_by_their_own_index() {
    for scope in [Scope::Global, Scope::Model("m".to_owned()), Scope::task(task_id("t"))] {
        let (sql, _) = bucket::uncertain_in(&scope);
        let of_entry: Vec<_> =
            plan(&sql).into_iter().filter(|step| step.contains(" entry ")).collect();
        let by_time = "SEARCH entry USING INDEX entry_uncertain (namespace=? AND at>? AND at<?)";
        assert_eq!(of_entry, [by_time], "{scope}");
    }
}

/// The statements of payers' budgets go from each payer to its parent or its children.
#[test]
fn payers_are_found_by_their_keys() {
    let searches = |sql: &str| {
        let mut steps = plan(sql);
        steps.retain(|step| step.starts_with("SEARCH"));
        steps
    };
    assert_eq!(
        searches(&format!(
            "{} UPDATE bucket SET spent = 0 WHERE namespace = az_namespace() \
            AND scope IN scopes AND start <= ?3",
            bucket::SCOPES
        )),
        [
            "SEARCH bucket USING PRIMARY KEY (namespace=? AND scope=?)",
            "SEARCH payer USING PRIMARY KEY (namespace=? AND payer=?)",
        ]
    );
    let (covered, _) = bucket::covered(&Scope::task(task_id("t")));
    for (table, key) in [
        ("entry", "SEARCH entry USING INDEX sqlite_autoindex_entry_1 (namespace=? AND payer=?)"),
        ("hold", "SEARCH hold USING PRIMARY KEY (namespace=? AND payer=?)"),
    ] {
        let children =
            "SEARCH payer USING COVERING INDEX payer_children (namespace=? AND parent=?)";
        let found = searches(&format!("SELECT 1 FROM {table} WHERE {covered}"));
        assert_eq!(found, [key, children]);
    }
}

/// The log is read from an index, in the order in which its records are returned: the first row of a million
/// takes no longer than that of ten.
#[test]
fn no_log_record_is_sorted() {
    let none = LogQuery::default();
    let level = "SEARCH log USING INDEX log_of_level (namespace=? AND level=? AND at>? AND at<?)";
    for (query, expected) in [
        (none.clone(), vec!["SEARCH log USING INDEX log_by_time (namespace=? AND at>? AND at<?)"]),
        (
            LogQuery { task: Some(task_id("t")), ..none.clone() },
            vec![
                "SEARCH log USING INDEX log_of_task (namespace=? AND task_id=? AND at>? AND at<?)",
            ],
        ),
        (LogQuery { level: Some(Level::Error), ..none.clone() }, vec![level]),
        (
            LogQuery { level: Some(Level::Warn), ..none },
            vec!["MERGE (UNION ALL)", "LEFT", level, "RIGHT", level],
        ),
    ] {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let (sql, _) = log_page::statement(&query, order, log_page::START, RECORD);
            assert_eq!(plan(&sql), expected, "{sql}");
        }
    }
}
