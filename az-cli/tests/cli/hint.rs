//! `az task hint` reaches the model of a task once.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::server::{lists, says, serve};
use crate::support::{Az, script};
use crate::watch::started;

/// Returns the names of the events of a journal, with the texts of hints.
fn events(az: &Az, id: &str) -> Vec<String> {
    let log = az.ok(&["task", "logs", id, "--format", "json"]);
    let name = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        match event["event"].as_str().unwrap() {
            "hint" => format!("hint: {}", event["text"].as_str().unwrap()),
            name => name.to_owned(),
        }
    };
    log.lines().map(name).collect()
}

/// Returns the texts of the hints that are recorded.
pub(crate) fn recorded(az: &Az, id: &str) -> Vec<String> {
    let events = events(az, id).into_iter();
    events.filter_map(|name| Some(name.strip_prefix("hint: ")?.to_owned())).collect()
}

#[test]
fn a_hint_is_recorded_before_the_next_step() {
    let az = Az::new();
    let (running, id) = started(&az);
    let sent = az.ok(&["task", "hint", &id, "use", "the files in src"]);
    assert!(sent.contains("the model reads it before its next step"), "{sent}");
    assert_eq!(az.shown(&id)["hints"], json!(["use the files in src"]));
    az.file("go", "");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("» use the files in src"), "{ended:?}");
    let events = events(&az, &id);
    let at = events.iter().position(|name| name == "hint: use the files in src").unwrap();
    assert_eq!([&*events[at - 1], &*events[at + 1]], ["tool_result", "llm_intent"], "{events:?}");
    assert_eq!(az.shown(&id)["hints"], json!([]));
}

#[test]
fn a_queued_task_reads_its_hints_when_it_runs() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "done"})]);
    az.ok(&["task", "run", "wait", "--detach", "--model", &model]);
    let id = az.only_id();
    az.ok(&["task", "hint", &id, "be brief"]);
    let shown = az.ok(&["task", "show", &id]);
    assert!(shown.contains("not read yet: be brief"), "{shown}");
    az.ok(&["worker", "run", "--until-idle"]);
    assert_eq!(events(&az, &id)[..3], ["run_started", "hint: be brief", "context"]);
}

#[test]
fn a_hint_that_cannot_be_read_is_refused() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "done"})]);
    az.ok(&["task", "run", "answer", "--model", &model]);
    let id = az.only_id();
    let late = az.az(&["task", "hint", &id, "too late"]);
    assert_eq!(late.code, Some(2), "{late:?}");
    let expected = format!(
        "error: invalid hint: task {id} is completed and reads no more hints; run a new task\n"
    );
    assert_eq!(late.stderr, expected);
    assert_eq!(az.az(&["task", "hint", "nothing", "x"]).code, Some(66));
    let blank = az.az(&["task", "hint", &id, " "]);
    assert_eq!((blank.code, &*blank.stderr), (Some(2), "error: invalid hint: must not be empty\n"));
    let long = az.az(&["task", "hint", &id, &"x".repeat(20_000)]);
    let expected = "error: invalid hint: has 20000 bytes, and must have at most 16384; put a longer text into a \
                    file and name the file\n";
    assert_eq!((long.code, &*long.stderr), (Some(2), expected));
}

/// The planner would take the hint for a new command.
#[test]
fn the_planner_reads_no_hints() {
    let az = Az::new();
    az.ok(&["task", "run", "list the files", "--detach", "--model", "offline"]);
    let id = az.only_id();
    let refused = az.az(&["task", "hint", &id, "write x to y.txt"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let expected = "runs with `offline`, which is a planner and reads no hints";
    assert!(refused.stderr.contains(expected), "{refused:?}");
    assert_eq!(az.shown(&id)["hints"], json!([]));
}

#[test]
fn a_hint_that_a_killed_process_did_not_read_is_recorded_once_by_the_next() {
    let az = Az::new();
    let (running, id) = started(&az);
    az.ok(&["task", "hint", &id, "first"]);
    az.ok(&["task", "hint", &id, "second"]);
    running.kill();
    fs::write(az.work().join("go"), "").unwrap();
    az.ok(&["task", "resume", &id, "--allow", "shell.execute"]);
    assert_eq!(recorded(&az, &id), ["first", "second"]);
}

/// The process is killed at each of its crash points in turn, and the task is resumed.
#[test]
fn a_hint_is_recorded_once_wherever_the_process_is_killed() {
    let az = Az::in_memory();
    let model = script(&az, &[json!({"text": "done"})]);
    let mut killed = 0;
    for passage in 1.. {
        let queued = az.ok(&["task", "run", "answer", "--detach", "--model", &model]);
        let id = queued.trim();
        az.ok(&["task", "hint", id, "be brief"]);
        let mut command = az.command(["task", "resume", id]);
        let ended = command.env("AZ_FAILPOINT", passage.to_string()).output().unwrap();
        if ended.status.success() {
            break;
        }
        killed += 1;
        az.ok(&["task", "resume", id]);
        assert_eq!(recorded(&az, id), ["be brief"], "killed at point {passage}");
        let shown = az.shown(id);
        assert_eq!((&shown["hints"], &shown["answer"]), (&json!([]), &json!("done")));
    }
    assert!(killed > 10, "the run passes {killed} points");
}

/// Sends a hint to the only task of a store.
fn send(data: &Path, text: &str) {
    let az = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_az"));
        command.args(args).arg("--data-dir").arg(data).env_clear().env("HOME", data);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let tasks: Value = serde_json::from_slice(&az(&["task", "list", "--json"])).unwrap();
    az(&["task", "hint", tasks[0]["id"].as_str().unwrap(), text]);
}

#[test]
fn a_hint_that_comes_while_the_model_answers_gets_a_step_if_one_is_left() {
    let late = "1 hint came too late to be read";
    for (steps, answer, is_read) in [("2", "second\n", true), ("1", "first\n", false)] {
        let az = Az::new();
        let (data, answered) = (az.data_dir(), AtomicBool::new(false));
        let (address, _) = serve(move |request| {
            if request.line.starts_with("GET ") {
                return lists(&json!([{"id": "m"}]));
            }
            if answered.swap(true, Ordering::SeqCst) {
                return says("second");
            }
            send(&data, "say more");
            says("first")
        });
        let az = az.with_var("OPENAI_BASE_URL", address);
        let args = ["task", "run", "answer", "--max-steps", steps, "--model", "openai/m"];
        let ended = az.az(&args);
        assert_eq!((ended.code, &*ended.stdout), (Some(0), answer), "{ended:?}");
        assert_eq!(ended.stderr.contains(late), !is_read, "{ended:?}");
        let read = recorded(&az, &az.only_id());
        assert_eq!(read, if is_read { vec!["say more"] } else { vec![] });
    }
}
