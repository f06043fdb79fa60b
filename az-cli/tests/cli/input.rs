//! Standard input beside a task.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::support::{Az, Ended, Running, script};

const TASK: [&str; 3] = ["task", "run", "write a commit message"];

/// Runs a task with a model that answers, and input through a pipe.
fn run(az: &Az, more: &[&str], input: impl FnOnce(&mut Running)) -> Ended {
    let model = script(az, &[json!({"text": "done"})]);
    let mut command = az.command([&TASK[..], more, &["--model", &model]].concat());
    command.stdin(Stdio::piped());
    let mut running = Running::spawn(command);
    input(&mut running);
    running.wait()
}

fn write(running: &mut Running, text: &[u8]) {
    let mut pipe = running.child().stdin.take().unwrap();
    // The command reads no more than the limit.
    pipe.write_all(text).ok();
}

#[test]
fn a_pipe_beside_a_task_is_its_input() {
    let az = Az::new();
    let ended = run(&az, &[], |running| write(running, b"+ a line\n"));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    assert!(ended.stderr.contains("input: 9 bytes from standard input"), "{ended:?}");
    let task = az.shown(&az.only_id());
    assert_eq!(task["command"], "write a commit message");
    assert_eq!(task["options"]["input_bytes"], 9);
    // A retried task has the same input.
    let id = az.only_id();
    az.ok(&["task", "retry", &id]);
    az.ok(&["task", "delete", &id]);
    assert_eq!(az.shown(&az.only_id())["options"]["input_bytes"], 9);
}

#[test]
fn a_file_beside_a_task_is_its_input() {
    let az = Az::new();
    az.file("diff", "+ x\n");
    let model = script(&az, &[json!({"text": "done"})]);
    let mut command = az.command([&TASK[..], &["--model", &model]].concat());
    command.stdin(File::open(az.work().join("diff")).unwrap());
    let ended = Running::spawn(command).wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(az.shown(&az.only_id())["options"]["input_bytes"], 4);
}

#[test]
fn a_pipe_without_data_is_not_waited_for() {
    let az = Az::new();
    // The pipe stays open, as in a CI system.
    let ended = run(&az, &[], |_running| ());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("input:"), "{ended:?}");
    assert_eq!(az.shown(&az.only_id())["options"]["input_bytes"], json!(null));
}

#[test]
fn a_dash_after_the_task_waits_for_input() {
    let az = Az::new();
    let ended = run(&az, &["-"], |running| {
        std::thread::sleep(std::time::Duration::from_millis(1200));
        write(running, b"late");
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let task = az.shown(&az.only_id());
    assert_eq!(task["command"], "write a commit message");
    assert_eq!(task["options"]["input_bytes"], 4);
}

#[test]
fn long_input_is_cut_and_binary_input_is_refused() {
    let az = Az::new();
    let ended = run(&az, &[], |running| write(running, "ä".repeat(200_000).as_bytes()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = "input: the first 262144 bytes from standard input; the rest is left out";
    assert!(ended.stderr.contains(said), "{ended:?}");
    let az = Az::new();
    let ended = run(&az, &[], |running| write(running, b"\x89PNG\xff"));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("the input on standard input is not UTF-8 text"), "{ended:?}");
}
