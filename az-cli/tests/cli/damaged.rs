//! Damaged records, as the user meets them.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Az, script};

/// Queues two tasks; the options of the first cannot be read. Returns its id.
fn with_a_damaged_task(az: &Az, model: &str) -> String {
    az.ok(&["task", "run", "--detach", "damaged", "--model", model, "--priority", "urgent"]);
    let id = az.only_id();
    az.ok(&["task", "run", "--detach", "intact", "--model", model]);
    let sql = "UPDATE task SET options = '{\"max_steps\":' WHERE command = 'damaged'";
    assert_eq!(Connection::open(az.database()).unwrap().execute(sql, []), Ok(1));
    id
}

fn listed(az: &Az) -> Vec<(String, String, bool)> {
    let tasks = az.ok(&["task", "list", "--format", "json"]);
    let tasks: Vec<Value> = serde_json::from_str(&tasks).unwrap();
    let text = |task: &Value, field: &str| task[field].as_str().unwrap().to_owned();
    let row =
        |task: &Value| (text(task, "command"), text(task, "status"), task["damage"].is_string());
    tasks.iter().map(row).collect()
}

#[test]
fn a_damaged_task_is_listed_skipped_by_workers_and_deleted() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "done"})]);
    let id = with_a_damaged_task(&az, &model);
    let table = az.ok(&["task", "list"]);
    assert!(table.lines().any(|row| row.contains("damaged  urgent")), "{table}");

    let worker = az.az(&["worker", "run", "--until-idle"]);
    assert_eq!(worker.code, Some(0), "{worker:?}");
    let warning = format!("task {id} is damaged: stored options cannot be read");
    assert_eq!(worker.stderr.matches(&warning).count(), 1, "{worker:?}");
    let status = |damaged, status: &str, intact: &str| {
        [("intact", intact, false), ("damaged", status, damaged)]
            .map(|(command, status, damaged)| (command.to_owned(), status.to_owned(), damaged))
    };
    assert_eq!(listed(&az), status(true, "pending", "completed"));

    let shown = az.shown(&id);
    assert!(shown["damage"].as_str().unwrap().starts_with("stored options cannot be read"));
    let resumed = az.az(&["task", "resume", &id]);
    assert_eq!(resumed.code, Some(78), "{resumed:?}");
    let help = format!("help: `az task delete {id}` deletes it\n");
    assert!(resumed.stderr.ends_with(&help), "{resumed:?}");

    let check = az.az(&["db", "status", "--check"]);
    assert_eq!(check.code, Some(74), "{check:?}");
    assert!(check.stdout.contains("is damaged: stored options"), "{check:?}");
    az.ok(&["task", "delete", &id]);
    az.ok(&["db", "status", "--check"]);
    assert_eq!(listed(&az).len(), 1);
}

#[test]
fn a_damaged_budget_fails_closed_and_names_itself_and_the_remedy() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "done", "price_nanos": 1})]);
    az.ok(&["cost", "budget", "set", "--amount", "5", "--period", "daily"]);
    let damage = |sql| Connection::open(az.database()).unwrap().execute(sql, []);
    assert_eq!(damage("UPDATE budget SET alerts = '['"), Ok(1));

    let refused = az.az(&["task", "run", "first", "--model", &model]);
    assert_eq!(refused.code, Some(78), "{refused:?}");
    assert!(refused.stderr.contains("budget global daily is damaged"), "{refused:?}");
    assert!(refused.stderr.contains("; set the budget again or clear it"), "{refused:?}");
    let shown = az.az(&["cost", "budget", "show"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stderr.contains("budget global daily is damaged"), "{shown:?}");

    az.ok(&["cost", "budget", "set", "--amount", "5", "--period", "daily"]);
    az.ok(&["task", "run", "second", "--model", &model]);
}

#[test]
fn a_damaged_ledger_entry_keeps_its_cost_in_every_listing() {
    let az = Az::new();
    let usage = json!({"input": 10, "output": 5});
    let line = json!({"text": "done", "usage": usage, "cost_nanos": 70, "price_nanos": 70});
    let model = script(&az, &[line]);
    az.ok(&["task", "run", "first", "--model", &model]);
    let db = Connection::open(az.database()).unwrap();
    assert_eq!(db.execute("UPDATE entry SET usage = '['", []), Ok(1));
    let id = az.only_id();
    let entry = az.shown(&id)["entries"][0].clone();
    assert_eq!(entry["cost_nanos"], 70, "{entry}");
    let exported = az.az(&["cost", "export"]);
    assert_eq!(exported.code, Some(0), "{exported:?}");
    assert!(exported.stderr.contains("its cost is intact"), "{exported:?}");
}
