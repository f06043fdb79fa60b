//! `az task watch` follows a task of another process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Az, Running, script, until};

/// A task whose only call waits until the file `go` exists.
pub(crate) fn waiting(az: &Az) -> Vec<String> {
    let command = "while [ ! -e go ]; do sleep 0.02; done";
    let call = json!({"name": "shell.execute", "arguments": {"command": command}});
    let model = script(az, &[json!({"calls": [call]}), json!({"text": "the answer"})]);
    ["task", "run", "wait", "--allow", "shell.execute", "--model", &model]
        .map(str::to_owned)
        .to_vec()
}

pub(crate) fn started(az: &Az) -> (Running, String) {
    let args = waiting(az);
    let running = az.start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    until("the call has begun", || is_calling(az));
    (running, az.only_id())
}

fn is_calling(az: &Az) -> bool {
    let listed = az.az(&["task", "list", "--format", "json"]).stdout;
    let Ok(Value::Array(tasks)) = serde_json::from_str(&listed) else { return false };
    let Some(id) = tasks.first().and_then(|task| task["id"].as_str()) else { return false };
    az.az(&["task", "logs", id]).stdout.contains("calls shell.execute")
}

/// A watch whose messages are in a file.
struct Watch {
    child: Child,
    said: std::path::PathBuf,
}

impl Watch {
    fn start(az: &Az, args: &[&str]) -> Self {
        let said = az.beside("said.txt");
        let mut command: Command = az.command([&["task", "watch"], args].concat());
        let command = command.stdout(Stdio::piped()).stderr(File::create(&said).unwrap());
        Self { child: command.spawn().unwrap(), said }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Returns the exit code, the output and the messages.
    fn wait(self) -> (Option<i32>, String, String) {
        let output = self.child.wait_with_output().unwrap();
        let said = fs::read_to_string(&self.said).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), said)
    }
}

#[test]
fn a_watch_shows_what_the_run_shows_and_ends_with_it() {
    let az = Az::new();
    let (running, id) = started(&az);
    let watch = Watch::start(&az, &[&id]);
    until("the watch shows the start", || watch.said().contains("▶ task"));
    az.file("go", "");
    let (code, out, said) = watch.wait();
    assert_eq!((code, out.as_str()), (Some(0), "the answer\n"), "{said}");
    let shown = running.wait().stderr;
    // The run also names its model; the times and costs are those of the journal.
    let story = |text: &str| {
        let lines = text.lines().skip_while(|line| !line.starts_with('▶'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(story(&said), story(&shown));
    assert!(said.contains("✔ completed"), "{said}");
}

#[test]
fn a_queued_task_is_waited_for() {
    let az = Az::new();
    az.ok(&["task", "run", "list the files", "--detach", "--model", "offline"]);
    let watch = Watch::start(&az, &[&az.only_id(), "--format", "json"]);
    until("the watch waits", || watch.said().contains("is not running yet; `az worker run`"));
    az.ok(&["worker", "run", "--until-idle"]);
    let (code, out, said) = watch.wait();
    assert_eq!(code, Some(0), "{said}");
    let events = |text: &str| {
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let names = lines.map(|line| (line["seq"].clone(), line["event"].clone()));
        names.collect::<Vec<_>>()
    };
    let logged = az.ok(&["task", "logs", &az.only_id(), "--format", "json"]);
    assert_eq!(events(&out), events(&logged));
}

#[test]
fn an_interrupt_ends_the_watch_and_not_the_task() {
    let az = Az::new();
    let (running, id) = started(&az);
    let watch = Watch::start(&az, &[&id]);
    until("the watch shows the start", || watch.said().contains("▶ task"));
    let pid = rustix::process::Pid::from_child(&watch.child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let (code, out, said) = watch.wait();
    assert_eq!((code, out.as_str()), (Some(130), ""), "{said}");
    assert!(said.contains("the watch has ended; task "), "{said}");
    assert_eq!(az.shown(&id)["status"], "running");
    az.file("go", "");
    assert_eq!(running.wait().code, Some(0));
}

#[test]
fn a_task_whose_process_was_killed_is_not_running_and_the_watch_goes_on_when_it_is_resumed() {
    let az = Az::new();
    let (running, id) = started(&az);
    running.kill();
    let watch = Watch::start(&az, &[&id]);
    until("the watch says so", || watch.said().contains("is not running: its process has ended"));
    az.file("go", "");
    az.ok(&["task", "resume", &id, "--allow", "shell.execute"]);
    let (code, out, said) = watch.wait();
    assert_eq!((code, out.as_str()), (Some(0), "the answer\n"), "{said}");
}

#[test]
fn a_watch_of_an_ended_task_exits_as_its_run_did() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": ""}), json!({"text": ""})]);
    let ended = az.az(&["task", "run", "x", "--model", &model]);
    let watched = az.az(&["task", "watch", &az.only_id()]);
    assert_eq!(watched.code, ended.code, "{ended:?} {watched:?}");
    assert!(watched.stderr.contains("is not running: it is failed"), "{watched:?}");
    assert_eq!(az.az(&["task", "watch", "nothing"]).code, Some(66));
    let refused = az.az(&["task", "watch", &az.only_id(), "--format", "csv"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

#[test]
fn a_watch_in_json_ends_when_its_reader_does_and_the_task_goes_on() {
    let az = Az::new();
    let (running, id) = started(&az);
    let mut watch = Watch::start(&az, &[&id, "--format", "json"]);
    let mut lines = BufReader::new(watch.child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with('{'));
    drop(lines);
    until("the watch has ended", || watch.child.try_wait().unwrap().is_some());
    let (code, _, said) = watch.wait();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    az.file("go", "");
    assert_eq!(running.wait().code, Some(0));
}
