//! The real binary, stopped for longer than its lease, and with a database that another process has
//! locked: no effect is repeated, and no result is lost.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Az, Ended, Running, script, until};

/// A lease that expires soon.
const LEASE_MS: &str = "400";

/// Lets a model request one tool call, and answer.
fn task_with_call(az: &Az, tool: &str, arguments: &Value) -> Vec<String> {
    let call = json!({"calls": [{"name": tool, "arguments": arguments}]});
    let model = script(az, &[call, json!({"text": "done"})]);
    ["task", "run", "one call", "--allow", tool, "--model", &model].map(str::to_owned).to_vec()
}

/// Starts the task in a process that stops itself at a crash point; returns when it has stopped and its
/// lease has expired.
fn stopped_at(az: &Az, point: &str, args: &[String]) -> Running {
    let mut command = az.command(args);
    command.env("AZ_FAILPOINT", format!("stop:{point}")).env("AZ_LEASE_MS", LEASE_MS);
    let mut running = Running::spawn(command);
    let pid = running.child().id();
    let state = || fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    until("the process is stopped", || state().contains(") T "));
    until("the lease has expired", || {
        let now = "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)";
        let sql = format!("SELECT lease_until < {now} FROM task");
        database(az).query_row(&sql, [], |row| row.get(0)).unwrap()
    });
    running
}

pub(crate) fn signal(running: &mut Running, name: &str) {
    let pid = running.child().id().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

fn database(az: &Az) -> Connection {
    Connection::open(az.database()).unwrap()
}

/// Returns the recorded events of a kind, as their bodies.
fn recorded(az: &Az, kind: &str) -> Vec<Value> {
    let logs = az.ok(&["task", "logs", &az.only_id(), "--format", "json"]);
    let events = logs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == kind).collect()
}

/// Stops a process between intent and effect, lets another one take its task over and end it, and lets
/// the first one continue; returns how it ended.
fn taken_over(az: &Az, point: &str, tool: &str, arguments: &Value) -> Ended {
    let mut first = stopped_at(az, point, &task_with_call(az, tool, arguments));
    let second = az.az(&["worker", "run", "--until-idle"]);
    assert!(second.stderr.contains("1 completed"), "{second:?}");
    signal(&mut first, "-CONT");
    let ended = first.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    ended
}

#[test]
fn a_worker_that_was_stopped_before_its_command_does_not_run_it_after_a_takeover() {
    let az = Az::new();
    let arguments = json!({"command": "echo x >> out"});
    let ended = taken_over(&az, "tool.call", "shell.execute", &arguments);
    assert_eq!(az.read("out"), "", "the command ran after it was recorded as unknown: {ended:?}");
    let results = recorded(&az, "tool_result");
    assert_eq!(results.len(), 1, "{results:?}");
    assert_eq!(results[0]["outcome"], "unknown");
}

#[test]
fn a_worker_that_was_stopped_before_its_append_does_not_repeat_it_after_a_takeover() {
    let az = Az::new();
    let arguments = json!({"path": "out", "content": "x\n", "append": true});
    taken_over(&az, "tool.call", "filesystem.write", &arguments);
    assert_eq!(az.read("out"), "x\n");
}

#[test]
fn a_worker_that_was_stopped_before_its_rename_does_not_replace_a_file_after_a_takeover() {
    let az = Az::new();
    let arguments = json!({"path": "out", "content": "first"});
    let args = task_with_call(&az, "filesystem.write", &arguments);
    let mut first = stopped_at(&az, "fs.write.before_rename", &args);
    let second = az.az(&["worker", "run", "--until-idle"]);
    assert!(second.stderr.contains("1 completed"), "{second:?}");
    az.file("out", "later");
    signal(&mut first, "-CONT");
    assert_eq!(first.wait().code, Some(75));
    assert_eq!(az.read("out"), "later");
}

#[test]
fn a_worker_that_was_stopped_and_still_has_its_task_continues() {
    let az = Az::new();
    let args = task_with_call(&az, "shell.execute", &json!({"command": "echo x >> out"}));
    let mut running = stopped_at(&az, "tool.call", &args);
    signal(&mut running, "-CONT");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(az.read("out"), "x\n");
}

/// A process whose standard error is read while it runs.
struct Watched {
    running: Running,
    stderr: Arc<Mutex<String>>,
}

impl Watched {
    fn start(az: &Az, args: &[String]) -> Self {
        let mut command = az.command(args);
        command.env("AZ_LEASE_MS", LEASE_MS).env("AZ_DB_BUSY_MS", "20");
        let mut running = Running::spawn(command);
        let lines = BufReader::new(running.child().stderr.take().unwrap()).lines();
        let stderr = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&stderr);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| seen.lock().unwrap().push_str(&line));
        });
        Self { running, stderr }
    }

    fn until_said(&self, text: &str) {
        until(text, || self.stderr.lock().unwrap().contains(text));
    }
}

/// Lets a task reach an open intent, locks the database until its result is in hand and its lease has
/// expired, and lets it end.
fn with_a_locked_database(az: &Az, args: &[String], intent: &str, go: impl FnOnce()) {
    let watched = Watched::start(az, args);
    let begun = format!("SELECT count(*) > 0 FROM event WHERE type = '{intent}'");
    until("the intent is recorded", || {
        fs::metadata(az.database()).is_ok()
            && database(az).query_row(&begun, [], |row| row.get(0)).unwrap_or(false)
    });
    let mut lock = database(az);
    lock.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let lock = lock.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    go();
    watched.until_said("the write is attempted again");
    watched.until_said("failed to renew leases");
    until("the lease has expired", || {
        let now = "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)";
        let sql = format!("SELECT lease_until < {now} FROM task");
        lock.query_row(&sql, [], |row| row.get(0)).unwrap()
    });
    lock.rollback().unwrap();
    let Watched { running, stderr } = watched;
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}: {}", stderr.lock().unwrap());
    let notes = recorded(az, "note");
    let is_late = |note: &Value| {
        note["text"].as_str().is_some_and(|text| text.contains("the store was busy"))
    };
    assert!(notes.iter().any(is_late), "{notes:?}");
}

#[test]
fn a_reply_is_kept_while_the_database_is_locked_and_recorded_once() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "done", "delay_millis": 300})]);
    let args = ["task", "run", "ask", "--model", &model].map(str::to_owned);
    with_a_locked_database(&az, &args, "llm_intent", || {});
    assert_eq!(recorded(&az, "llm_intent").len(), 1, "it was asked again");
    assert_eq!(recorded(&az, "llm_result")[0]["outcome"], "replied");
}

#[test]
fn the_result_of_a_command_is_kept_while_the_database_is_locked() {
    let az = Az::new();
    let command = "while [ ! -e go ]; do sleep 0.01; done; echo x >> out";
    let args = task_with_call(&az, "shell.execute", &json!({"command": command}));
    with_a_locked_database(&az, &args, "tool_intent", || {
        az.file("go", "");
    });
    let results = recorded(&az, "tool_result");
    assert_eq!((results.len(), &results[0]["outcome"]), (1, &json!("done")));
    assert_eq!(az.read("out"), "x\n");
}
