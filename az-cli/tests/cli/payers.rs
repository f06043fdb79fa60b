//! Payers at the command line: their budgets, and what was spent by them.

use az_core::cost::{Charge, CostEntry, CostTracker, Usage};
use az_core::id::CallId;
use az_core::{Clock, Usd, clock::SystemClock};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use crate::support::Az;
use crate::support::block_on;

/// Returns an `az` with a task, and the id of that task.
fn az_with_task() -> (Az, String) {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let id = az.ok(&["task", "run", "--detach", "x", "--model", "offline"]).trim().to_owned();
    (az, id)
}

/// Books calls of two cents to a task, and of one cent to two other payers each.
fn book(az: &Az, task: &str) {
    let store = SqliteStore::open(az.database(), SqliteOptions::default()).unwrap();
    for (payer, model, cents) in
        [(&*format!("task:{task}"), "a", 2), ("key:test", "a", 1), ("tenant:acme", "b", 1)]
    {
        let cost = Usd::from_nanos(cents * 10_000_000);
        let entry = CostEntry {
            payer: payer.parse().unwrap(),
            call: CallId::new("c0").unwrap(),
            provider: "p".to_owned(),
            model: model.to_owned(),
            charge: Charge::new(Usage::tokens(10, 5), Some(cost)),
            at: SystemClock.now(),
        };
        block_on(store.book(&entry)).unwrap();
    }
}

fn rows(az: &Az, args: &[&str]) -> Vec<Value> {
    serde_json::from_str(&az.ok(&[args, &["--json"]].concat())).unwrap()
}

/// Returns the keys of a listing.
fn keys(az: &Az, args: &[&str]) -> Vec<String> {
    let rows = rows(az, &[&["cost", "show"], args].concat());
    rows.iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_budget_of_any_payer_is_set_shown_and_cleared_by_the_payers_name() {
    let (az, id) = az_with_task();
    let task = format!("task:{id}");
    for payer in ["key:test", "tenant:acme", &task] {
        let set = ["cost", "budget", "set", "--amount", "5", "--payer", payer];
        let name = payer.replacen(':', " ", 1);
        assert!(az.ok(&set).contains(&format!("{name} monthly $5.00 hard")), "{payer}");
        let shown = rows(&az, &["cost", "budget", "show", "--payer", payer]);
        assert_eq!((shown.len(), &shown[0]["scope"]), (1, &json!(name)), "{payer}");
    }
    assert_eq!(rows(&az, &["cost", "budget", "show"]).len(), 3);
    let part = format!("task:{}", &id[id.len() - 12..]);
    for payer in ["key:test", "tenant:acme", &part] {
        az.ok(&["cost", "budget", "clear", "--payer", payer]);
    }
    assert_eq!(rows(&az, &["cost", "budget", "show"]), [] as [Value; 0]);
    let none = az.az(&["cost", "budget", "show", "--payer", "key:test"]);
    assert!(none.stderr.contains("no budgets of key:test"), "{none:?}");
}

#[test]
fn a_budget_outlives_its_task_and_can_still_be_cleared() {
    let (az, id) = az_with_task();
    let task = format!("task:{id}");
    az.ok(&["cost", "budget", "set", "--amount", "5", "--payer", &task]);
    az.ok(&["task", "delete", &id]);
    az.ok(&["cost", "budget", "clear", "--payer", &task]);
    let refused = az.az(&["cost", "budget", "set", "--amount", "5", "--payer", &task]);
    assert_eq!(refused.code, Some(66), "{refused:?}");
}

#[test]
fn what_is_not_a_payer_is_refused() {
    let az = Az::new();
    let set = ["cost", "budget", "set", "--amount", "5"];
    for (args, code, says) in [
        (&["--payer", "claude"][..], 2, "must be KIND:ID, such as task:ID or key:NAME"),
        (&["--payer", "model:claude"], 2, "is not a payer; a payer is task:ID, key:NAME or"),
        (&["--payer", "Key:x"], 2, "begin with a letter"),
        (&["--payer", "task:4f2a"], 66, "no task \"4f2a\""),
        (&["--payer", "key:x", "--scope", "model", "--of", "m"], 2, "cannot be used with"),
    ] {
        let refused = az.az(&[&set[..], args].concat());
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(code), ""), "{refused:?}");
        assert!(refused.stderr.contains(says), "{args:?}: {refused:?}");
    }
    assert_eq!(rows(&az, &["cost", "budget", "show"]), [] as [Value; 0]);
}

#[test]
fn costs_are_shown_and_exported_of_one_payer() {
    let (az, id) = az_with_task();
    book(&az, &id);
    for (payer, model) in [("key:test", "a"), ("tenant:acme", "b"), (&*format!("task:{id}"), "a")] {
        assert_eq!(keys(&az, &["--by", "model", "--payer", payer]), [model]);
        let exported = rows(&az, &["cost", "export", "--payer", payer]);
        assert_eq!((exported.len(), &exported[0]["payer"]), (1, &json!(payer)));
    }
    let all = rows(&az, &["cost", "show", "--period", "total", "--payer", "key:test"]);
    assert_eq!(all[0]["calls"], json!(1));
    assert_eq!(keys(&az, &["--by", "model", "--payer", "key:other"]), [] as [String; 0]);
}

#[test]
fn a_listing_by_task_names_the_payers_that_are_not_tasks() {
    let (az, id) = az_with_task();
    book(&az, &id);
    assert_eq!(keys(&az, &["--by", "task"]), [&id, "key:test", "tenant:acme"]);
    let table = az.ok(&["cost", "show", "--by", "task"]);
    assert!(table.contains("key:test") && table.contains("tenant:acme"), "{table}");
    assert!(!table.contains(&id), "{table}");
}
