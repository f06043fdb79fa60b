//! Several processes and one task.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use az_core::journal::{EventBody, Journal, NewEvent};
use az_core::task::{Claim, TaskQueue};
use az_core::{Clock, Error, TaskId, WorkerId};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use serde_json::json;

use crate::support::{Az, is_running, script, until};

/// A task that sleeps in a shell, in a way that can be found among the processes.
fn sleeper(az: &Az, mark: &str) -> Vec<String> {
    let command = format!("setsid sh -c 'sleep 60; : {mark}' & sleep 61; : {mark}");
    let model = script(
        az,
        &[
            json!({"calls": [{"name": "shell.execute", "arguments": {"command": command}}]}),
            json!({"text": "slept"}),
        ],
    );
    ["task", "run", "sleep", "--allow", "shell.execute", "--model", &model]
        .map(str::to_owned)
        .to_vec()
}

fn started(az: &Az, mark: &str) -> crate::support::Running {
    let args = sleeper(az, mark);
    let running = az.start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    until("the sleepers run", || is_running(mark));
    running
}

#[test]
fn a_running_task_cannot_be_claimed_by_another_process() {
    let az = Az::new();
    let mut running = started(&az, "mark-refused-to-others");
    let id = az.only_id();
    let ended = az.az(&["task", "resume", &id]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let pid = running.child().id().to_string();
    assert!(ended.stderr.contains("is held by az@"), "{ended:?}");
    assert!(ended.stderr.contains(&format!(":{pid}:")), "{pid} is not named: {ended:?}");
    let deleting = az.az(&["task", "delete", &id]);
    assert_eq!(deleting.code, Some(75), "{deleting:?}");
    az.ok(&["task", "cancel", &id]);
    running.wait();
}

#[test]
fn cancelling_from_another_process_stops_it_within_a_second_children_included() {
    let az = Az::new();
    let mark = "mark-cancelled-children";
    let running = started(&az, mark);
    let id = az.only_id();
    let begun = Instant::now();
    let said = az.ok(&["task", "cancel", &id]);
    let took = begun.elapsed();
    assert!(said.contains("cancelled"), "{said}");
    assert!(!is_running(mark), "a child is left");
    assert!(took < Duration::from_millis(1500), "it took {took:?}");
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(az.shown(&id)["status"], "cancelled");
}

#[test]
fn an_interrupt_stops_cleanly_and_keeps_the_record() {
    let az = Az::new();
    let mark = "mark-interrupted";
    let mut running = started(&az, mark);
    let pid = running.child().id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(!is_running(mark), "a child is left");
    let id = az.only_id();
    assert_eq!(az.shown(&id)["status"], "cancelled");
    assert!(ended.stderr.contains("az task resume"), "{ended:?}");
}

#[test]
fn sigterm_releases_the_task() {
    let az = Az::new();
    let mark = "mark-terminated";
    let mut running = started(&az, mark);
    let pid = running.child().id().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let ended = running.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(!is_running(mark), "a child is left");
    let id = az.only_id();
    assert_eq!(az.shown(&id)["status"], "pending");
}

#[test]
fn a_command_that_sigterm_cut_short_is_not_run_again() {
    let az = Az::new();
    let mark = "mark-not-run-again";
    let command = format!("run `echo x >> effects.txt; sleep 60; : {mark}`");
    let mut running = az.start(&["task", "run", &command, "--allow", "shell.execute"]);
    until("the command runs", || az.read("effects.txt") == "x\n");
    let pid = running.child().id().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert_eq!(running.wait().code, Some(75));
    let id = az.only_id();
    let resuming = az.az(&["task", "resume", &id]);
    assert_eq!(resuming.code, Some(0), "{resuming:?}");
    assert_eq!(az.read("effects.txt"), "x\n");
    let logs = az.ok(&["task", "logs", &id]);
    assert!(logs.contains("the outcome is unknown: verify before repeating it"), "{logs}");
}

#[test]
fn child_processes_of_a_killed_worker_end_before_the_task_continues() {
    let az = Az::new();
    let mark = "mark-orphans";
    let running = started(&az, mark);
    running.kill();
    assert!(is_running(mark), "the escaped child outlives its process");
    let id = az.only_id();
    let ended = az.az(&["task", "resume", &id]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!is_running(mark), "an orphan is left");
    let logs = az.ok(&["task", "logs", &id]);
    assert!(logs.contains("outcome unknown"), "{logs}");
}

#[test]
fn a_task_of_a_killed_process_can_be_cancelled() {
    let az = Az::new();
    let mark = "mark-left-behind";
    started(&az, mark).kill();
    let id = az.only_id();
    let said = az.ok(&["task", "cancel", &id]);
    assert!(said.contains("cancelled"), "{said}");
    assert!(!is_running(mark), "an orphan is left");
    assert_eq!(az.shown(&id)["status"], "cancelled");
}

#[test]
fn a_worker_continues_the_tasks_of_a_killed_worker_at_once() {
    let az = Az::new();
    let mark = "mark-worker-killed";
    let mut args = sleeper(&az, mark);
    args.push("--detach".to_owned());
    az.ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let worker = az.start(&["worker", "run"]);
    until("the sleepers run", || is_running(mark));
    worker.kill();
    let ended = az.az(&["worker", "run", "--until-idle"]);
    assert!(ended.stderr.contains("1 completed"), "{ended:?}");
    assert!(!is_running(mark), "an orphan is left");
}

#[test]
fn a_cancel_outlives_the_worker_that_was_asked() {
    let az = Az::new();
    let mark = "mark-cancel-outlives";
    let mut args = sleeper(&az, mark);
    args.push("--detach".to_owned());
    az.ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let mut worker = az.start(&["worker", "run"]);
    until("the sleepers run", || is_running(mark));
    let pid = worker.child().id().to_string();
    std::process::Command::new("kill").args(["-STOP", &pid]).status().unwrap();
    let asking = az.start(&["task", "cancel", &az.only_id()]);
    let asked = || {
        let db = rusqlite::Connection::open(az.database()).unwrap();
        let sql = "SELECT cancel_requested FROM task";
        db.query_row(sql, [], |row| row.get::<_, bool>(0)).unwrap()
    };
    until("the request is noted", asked);
    // It would end the task itself if it saw that the worker is gone.
    asking.kill();
    worker.kill();
    let ended = az.az(&["worker", "run", "--until-idle"]);
    assert!(ended.stderr.contains("1 cancelled"), "{ended:?}");
    assert!(!is_running(mark), "an orphan is left");
}

#[test]
fn a_hangup_is_ignored_under_nohup() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "late", "delay_millis": 700})]);
    let shell =
        format!("trap '' HUP; exec {} task run wait --model {model}", env!("CARGO_BIN_EXE_az"));
    let mut command = std::process::Command::new("sh");
    let command = command.args(["-c", &shell]).current_dir(az.work());
    let mut running = command.env("AZ_DATA_DIR", az.data_dir()).spawn().unwrap();
    until("it runs", || az.az(&["task", "list"]).stdout.contains("running"));
    let pid = running.id().to_string();
    std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_superseded_owner_cannot_append() {
    let az = Az::new();
    az.ok(&["task", "run", "--detach", "read a.txt"]);
    let id = TaskId::new(az.only_id()).unwrap();
    let store = SqliteStore::open(az.database(), SqliteOptions::default()).unwrap();
    let now = az_core::clock::SystemClock.now();
    let me = WorkerId::new("the-first-owner").unwrap();
    // A lease that has run out already: a paused process looks like this when it wakes up.
    let claim = Claim::next(me, now, now).of(id.clone());
    let lease = store.claim(&claim).await.unwrap().unwrap().lease;
    let resume = tokio::task::spawn_blocking(move || {
        let ended = az.az(&["task", "resume", &az.only_id()]);
        (az, ended)
    });
    let (_az, ended) = resume.await.unwrap();
    // There is no a.txt, which is a failure like any other.
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let before = store.read(&id, 0, 1000).await.unwrap();
    let note = NewEvent::new(EventBody::Note { text: "too late".to_owned() });
    let next = u64::try_from(before.len()).unwrap();
    let refused = store.append(&lease, next, vec![note], now).await;
    assert!(matches!(refused, Err(Error::LeaseLost { .. })), "{refused:?}");
    assert_eq!(store.read(&id, 0, 1000).await.unwrap(), before);
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "late", "delay_millis": 60_000})]);
    let mut running = az.start(&["task", "run", "wait", "--model", &model]);
    until("it runs", || fs::metadata(az.database()).is_ok());
    let pid = running.child().id().to_string();
    let mut status = None;
    until("it has ended", || {
        std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
        status = running.child().try_wait().unwrap();
        status.is_some()
    });
    let status = status.unwrap();
    // Before it listens to signals, the first one ends it the system's way.
    assert!(status.code() == Some(130) || status.signal() == Some(2), "{status:?}");
}
