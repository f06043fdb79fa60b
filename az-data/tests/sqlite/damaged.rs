//! Records that cannot be read: each affects only what needs it, and money is never undercounted.

use az_core::config::ConfigManager;
use az_core::cost::{
    BudgetKeeper, CostTracker, Decision, Limit, Period, Reconciliation, Scope, Settlement,
    TimeRange, Usage,
};
use az_core::error::Error;
use az_core::id::WorkerId;
use az_core::log::{Level, LogQuery, LogRecord, LogStore};
use az_core::money::Usd;
use az_core::state::StateManager;
use az_core::store::StoreAdmin;
use az_core::task::{Claim, Task, TaskFilter, TaskQueue, TaskRepository, TaskStatus};
use az_core::testing::sample::{
    at, budget, call_id, claim_of, completed, entry, hold, paid, payer, spawned, task, task_id,
};
use az_data::sqlite::SqliteStore;
use serde_json::json;

use crate::support::Home;

/// Returns a store with the pending tasks `a`, `b` and `c`; the options of `a`, the next one, cannot be
/// read.
async fn with_a_damaged_task(home: &Home) -> SqliteStore {
    let store = home.open();
    for (id, minute) in [("a", 0), ("b", 1), ("c", 2)] {
        store.enqueue(&task(id, minute), at(9)).await.unwrap();
    }
    home.raw().execute("UPDATE task SET options = '{' WHERE id = 'a'", []).unwrap();
    store
}

fn damage_of(task: &Task) -> String {
    task.damage.clone().unwrap_or_default()
}

fn is_damaged<T: std::fmt::Debug>(result: Result<T, Error>, message: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    assert!(error.to_string().starts_with(message), "{error}");
}

/// Checks `TaskRepository` 8.
#[tokio::test]
async fn a_damaged_task_is_listed_with_what_can_be_read() {
    let home = Home::new();
    let store = with_a_damaged_task(&home).await;
    let listed = store.list(&TaskFilter::default()).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["c", "b", "a"]);
    assert!(damage_of(&listed[2]).starts_with("stored options cannot be read: "), "{listed:?}");
    assert_eq!((listed[1].damage.as_ref(), &listed[2].command), (None, &task("a", 0).command));
    assert_eq!(TaskRepository::get(&store, &task_id("a")).await.unwrap().as_ref(), listed.last());
}

/// Checks `TaskQueue` 12.
#[tokio::test]
async fn a_damaged_task_is_skipped_by_claims_and_refused_by_name() {
    let home = Home::new();
    let store = with_a_damaged_task(&home).await;
    let claim = Claim::next(WorkerId::new("w").unwrap(), at(10), at(20));
    for expected in [Some("b"), Some("c"), None] {
        let claimed = store.claim(&claim).await.unwrap();
        assert_eq!(claimed.as_ref().map(|claimed| claimed.task.id.as_str()), expected);
    }
    let message = "task a is damaged: stored options cannot be read: ";
    is_damaged(store.claim(&claim.of(task_id("a"))).await, message);
    is_damaged(store.enqueue(&task("a", 0), at(11)).await, message);
    let stored = TaskRepository::get(&store, &task_id("a")).await.unwrap().unwrap();
    is_damaged(store.update(&stored, at(11)).await, message);
}

/// Checks `TaskQueue` 12 and `TaskRepository` 8.
#[tokio::test]
async fn a_damaged_task_is_cancelled_and_deleted() {
    let home = Home::new();
    let store = with_a_damaged_task(&home).await;
    store.request_cancel(&task_id("a"), at(10)).await.unwrap();
    let options = "SELECT status || options FROM task WHERE id = 'a'";
    let stored: String = home.raw().query_row(options, [], |row| row.get(0)).unwrap();
    assert_eq!(stored, "cancelled{");
    assert!(TaskRepository::delete(&store, &task_id("a"), at(11)).await.unwrap());
    assert_eq!(TaskRepository::get(&store, &task_id("a")).await.unwrap(), None);
}

/// Checks `TaskQueue` 15 and `TaskRepository` 8.
#[tokio::test]
async fn a_damaged_child_does_not_keep_the_tasks_above_it_from_ending() {
    let home = Home::new();
    let store = home.open();
    store.enqueue(&task("p", 0), at(1)).await.unwrap();
    let claimed = store.claim(&claim_of("p", "w", 2, 60)).await.unwrap().unwrap();
    for (child, options) in [
        ("a", r#"{"spawned":{"level":1,"budget_nanos":"x"}}"#),
        ("b", r#"{"spawned":{"level":1,"budget_nanos":[1]}}"#),
        ("c", r#"{"spawned":{"level":1,"budget_nanos":7}}"#),
    ] {
        store.spawn(&claimed.lease, &spawned(child, "p"), at(3)).await.unwrap();
        let sql = "UPDATE task SET options = ?2 WHERE id = ?1";
        home.raw().execute(sql, [child, options]).unwrap();
    }
    assert!(TaskRepository::delete(&store, &task_id("b"), at(4)).await.unwrap());
    let ended = store.finish(&claimed.lease, &completed("done"), at(5)).await;
    assert_eq!(ended.unwrap().status, TaskStatus::Completed);
    let sql = "SELECT group_concat(id || ' ' || status, ', ' ORDER BY id) FROM task WHERE id IN ('a', 'c')";
    let stored: String = home.raw().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(stored, "a cancelled, c cancelled");
}

#[tokio::test]
async fn a_task_whose_owner_cannot_be_read_is_deleted_once_its_lease_has_expired() {
    let home = Home::new();
    let store = with_a_damaged_task(&home).await;
    let set = "UPDATE task SET lease_owner = 'no owner', lease_until = ?1 WHERE id = 'a'";
    home.raw().execute(set, [at(20).as_microsecond()]).unwrap();
    let refused = TaskRepository::delete(&store, &task_id("a"), at(19)).await;
    is_damaged(refused, "task a is damaged: stored worker id cannot be read: ");
    let worker = WorkerId::new("w").unwrap();
    assert_eq!(store.leases_of_others(&worker, 9).await.unwrap(), []);
    assert!(TaskRepository::delete(&store, &task_id("a"), at(20)).await.unwrap());
}

/// Checks `BudgetKeeper` 12.
#[tokio::test]
async fn a_damaged_budget_refuses_the_calls_that_it_covers_until_it_is_replaced_or_removed() {
    let home = Home::new();
    let store = home.open();
    let scope = Scope::Payer(payer("task:t"));
    let mut bad = budget(scope.clone(), Period::Total, 100);
    bad.limit = Limit::Soft;
    store.set_budget(&bad, at(1)).await.unwrap();
    let good = budget(Scope::Model("m9".to_owned()), Period::Total, 100);
    store.set_budget(&good, at(1)).await.unwrap();
    let damage =
        || home.raw().execute("UPDATE budget SET alerts = '[' WHERE scope LIKE 'task:%'", []);
    damage().unwrap();

    is_damaged(store.hold(&hold("t", "m0", 7, 1)).await, "budget task:t total is damaged: ");
    store.hold(&hold("u", "m1", 7, 1)).await.unwrap();
    let shown = store.budgets(at(1)).await.unwrap();
    assert_eq!(shown.iter().map(|status| &status.budget).collect::<Vec<_>>(), [&good]);

    store.set_budget(&bad, at(2)).await.unwrap();
    store.hold(&hold("t", "m0", 7, 1)).await.unwrap();
    damage().unwrap();
    assert!(store.clear_budget(&scope, Period::Total).await.unwrap());
    store.hold(&hold("t", "m2", 7, 1)).await.unwrap();
}

/// A budget that may cover the call is not passed over.
///
/// Checks `BudgetKeeper` 12.
#[tokio::test]
async fn a_budget_whose_scope_cannot_be_read_refuses_every_call() {
    let home = Home::new();
    let store = home.open();
    store.set_budget(&budget(Scope::Global, Period::Total, 1_000), at(1)).await.unwrap();
    store.hold(&hold("t", "m0", 7, 1)).await.unwrap();
    for damaged in ["'glo'", "'tas\u{7f}:'", "CAST(x'ff00' AS TEXT)"] {
        home.raw().execute(&format!("UPDATE budget SET scope = {damaged}"), []).unwrap();
        let refused = store.hold(&hold("t", "m1", 7, 1)).await.unwrap_err();
        assert!(matches!(refused, Error::Damaged { what: "budget", .. }), "{damaged}: {refused:?}");
        let text = refused.to_string();
        assert!(text.contains("all are refused until its row is removed"), "{text}");
    }
    // The call that is under way is booked nevertheless.
    store.settle(&payer("task:t"), &hold("t", "m0", 7, 1).call, &Settlement::Full).await.unwrap();
    assert_eq!(store.total_in(TimeRange::ALL).await.unwrap(), Usd::from_nanos(7));
    home.raw().execute("DELETE FROM budget", []).unwrap();
    store.hold(&hold("t", "m1", 7, 1)).await.unwrap();
}

/// Checks `BudgetKeeper` 12.
#[tokio::test]
async fn a_damaged_budget_prevents_no_settlement_sweep_decision_or_deletion() {
    let repair = "UPDATE budget SET scope = 'global', alerts = '[]', period = 'total'";
    for damage in ["alerts = '['", "period = 'era'", "scope = 'all'"] {
        let home = Home::new();
        let store = home.open();
        store.create(&task("d", 0)).await.unwrap();
        store.set_budget(&budget(Scope::Global, Period::Total, 100), at(0)).await.unwrap();
        for (of, call) in [("t", "m0"), ("t", "m1"), ("t", "m2"), ("d", "m0")] {
            store.hold(&hold(of, call, 20, 1)).await.unwrap();
        }
        home.raw().execute(&format!("UPDATE budget SET {damage}"), []).unwrap();
        let payer = payer("task:t");

        store.settle(&payer, &call_id("m0"), &paid(7)).await.unwrap();
        store.settle(&payer, &call_id("m1"), &Settlement::Full).await.unwrap();
        let released = Reconciliation::new(payer.clone(), call_id("m1"), Decision::Released, at(2));
        assert!(store.reconcile(&released).await.unwrap().is_some(), "{damage}");
        assert!(TaskRepository::delete(&store, &task_id("d"), at(2)).await.unwrap());
        assert_eq!(store.sweep(at(1_000_000)).await.unwrap(), 1, "{damage}");

        home.raw().execute(repair, []).unwrap();
        let status = store.budgets(at(1)).await.unwrap().remove(0);
        assert_eq!((status.spent, status.held), (Usd::from_nanos(47), Usd::ZERO), "{damage}");
    }
}

/// Checks `BudgetKeeper` 12.
#[tokio::test]
async fn a_damaged_hold_keeps_its_amount_held_and_others_are_swept() {
    let home = Home::new();
    let store = home.open();
    let all = budget(Scope::Global, Period::Total, 100);
    store.set_budget(&all, at(0)).await.unwrap();
    store.hold(&hold("t", "m0", 7, 1)).await.unwrap();
    store.hold(&hold("u", "m1", 30, 1)).await.unwrap();
    home.raw()
        .execute_batch("PRAGMA foreign_keys = OFF; UPDATE hold SET call_id = '' WHERE amount = 7")
        .unwrap();
    assert_eq!(store.sweep(at(1_000_000)).await.unwrap(), 1);
    let status = store.budgets(at(1)).await.unwrap().remove(0);
    assert_eq!((status.spent, status.held), (Usd::from_nanos(30), Usd::from_nanos(7)));
    assert_eq!(store.open_holds().await.unwrap(), []);
}

#[tokio::test]
async fn a_ledger_entry_whose_usage_cannot_be_read_keeps_its_cost_and_its_tokens() {
    let home = Home::new();
    let store = home.open();
    let booked = entry("t", "m0", 7, 1);
    store.book(&booked).await.unwrap();
    home.raw().execute("UPDATE entry SET usage = 'x'", []).unwrap();
    let found = store.entries(TimeRange::ALL, None).await.unwrap();
    let usage = &booked.charge.usage;
    let mut expected = booked.clone();
    expected.charge.usage = Usage::tokens(usage.total_input(), usage.total_output());
    assert_eq!(found, [expected]);
    assert_eq!(store.total_in(TimeRange::ALL).await.unwrap(), Usd::from_nanos(7));

    home.raw().execute("UPDATE entry SET call_id = ''", []).unwrap();
    is_damaged(store.entries(TimeRange::ALL, None).await, "ledger entry  of task:t is damaged: ");
    assert_eq!(store.total_in(TimeRange::ALL).await.unwrap(), Usd::from_nanos(7));
}

#[tokio::test]
async fn a_damaged_setting_state_or_log_record_does_not_affect_others() {
    let home = Home::new();
    let store = home.open();
    for key in ["a", "b"] {
        store.set(key, &json!(1)).await.unwrap();
    }
    let record = |text: &str| LogRecord {
        at: at(1),
        level: Level::Warn,
        target: "az".to_owned(),
        task: None,
        message: text.to_owned(),
    };
    LogStore::append(&store, &[record("first"), record("second")]).await.unwrap();
    for _ in 0..2 {
        store.save_snapshot(&task_id("t"), &json!(1), None, at(1)).await.unwrap();
    }
    home.raw()
        .execute_batch(
            "UPDATE setting SET value = '[' WHERE key = 'a';
             UPDATE log SET level = 99 WHERE message = 'first';
             UPDATE snapshot SET state = '[' WHERE id = 2;",
        )
        .unwrap();
    assert_eq!(store.get_all().await.unwrap(), [("b".to_owned(), json!(1))].into());
    is_damaged(ConfigManager::get(&store, "a").await, "setting a is damaged: ");
    assert_eq!(store.query(&LogQuery::default()).await.unwrap(), [record("second")]);
    is_damaged(store.load_snapshot(&task_id("t"), None).await, "state 2 of task t is damaged: ");
    assert_eq!(store.list_snapshots(&task_id("t")).await.unwrap().len(), 2);
    assert!(store.delete_snapshot(&task_id("t"), "2").await.unwrap());
    assert!(store.load_snapshot(&task_id("t"), None).await.unwrap().is_some());
}

#[tokio::test]
async fn a_check_lists_every_damaged_record() {
    let home = Home::new();
    let store = with_a_damaged_task(&home).await;
    store.set_budget(&budget(Scope::Global, Period::Total, 100), at(1)).await.unwrap();
    store.hold(&hold("t", "m0", 7, 1)).await.unwrap();
    store.book(&entry("t", "m1", 7, 1)).await.unwrap();
    store.set("key", &json!(1)).await.unwrap();
    home.raw()
        .execute_batch(
            "PRAGMA foreign_keys = OFF;
             UPDATE budget SET alerts = '[';
             UPDATE hold SET payer = '';
             UPDATE entry SET usage = '[';
             UPDATE setting SET value = '[';
             INSERT INTO event (task_id, seq, epoch, type, at, body) VALUES
                 ('b', 0, 1, 'note', 0, '[');",
        )
        .unwrap();
    let problems = store.check().await.unwrap();
    let named: Vec<_> =
        problems.iter().map(|text| text.split(" is damaged: ").next().unwrap()).collect();
    assert_eq!(
        named,
        [
            "task a",
            "budget global total",
            "hold m0 of ",
            "ledger entry m1 of task:t",
            "setting key",
            "event 0 of task b",
        ],
        "{problems:?}"
    );
}

#[tokio::test]
async fn a_check_compares_the_sums_of_budgets_with_the_ledger_and_the_open_holds() {
    let home = Home::new();
    let store = home.open();
    let scopes = [Scope::Global, Scope::Payer(payer("task:t")), Scope::Model("m".to_owned())];
    for scope in scopes {
        store.set_budget(&budget(scope, Period::Total, 100), at(1)).await.unwrap();
    }
    store.hold(&hold("t", "m0", 7, 1)).await.unwrap();
    store.hold(&hold("t", "m1", 5, 2)).await.unwrap();
    store.settle(&payer("task:t"), &call_id("m0"), &paid(3)).await.unwrap();
    assert_eq!(store.check().await.unwrap(), <Vec<String>>::new());

    let set = "UPDATE bucket SET spent = 4, held = 0 WHERE scope = 'global'";
    assert_eq!(home.raw().execute(set, []), Ok(1));
    let problems = store.check().await.unwrap();
    let begin = "budget global total: ";
    assert!(problems.iter().all(|text| text.starts_with(begin)), "{problems:?}");
    let [spent, held] = problems.as_slice() else { panic!("{problems:?}") };
    assert!(spent.contains("$0.000000004 is stored as spent"), "{spent}");
    assert!(spent.contains("but the ledger adds up to $0.000000003"), "{spent}");
    assert!(held.contains("but the open holds add up to $0.000000005"), "{held}");

    store.clear_budget(&Scope::Global, Period::Total).await.unwrap();
    store.set_budget(&budget(Scope::Global, Period::Total, 100), at(3)).await.unwrap();
    assert_eq!(store.check().await.unwrap(), <Vec<String>>::new());
}
