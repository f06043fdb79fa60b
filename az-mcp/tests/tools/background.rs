//! Tests of what commands leave running, and of `output.read`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use az_core::tool::{
    BackgroundProcess, Invocation, ReadResults, RecordedResults, ToolOutput, Toolbox,
};
use az_core::{CallId, ErrorKind, Result, TaskId};
use az_mcp::builtin::shell::ShellOptions;
use serde_json::{Value, json};

use crate::shell::{endless, is_running};
use crate::support::Bench;

/// Results as an engine has recorded them.
#[derive(Debug, Clone, Default)]
struct Recorded(BTreeMap<CallId, ToolOutput>);

#[async_trait]
impl ReadResults for Recorded {
    async fn read(&self, call: &CallId) -> Result<Option<ToolOutput>> {
        Ok(self.0.get(call).cloned())
    }
}

/// A task with its tools.
struct TestTask {
    bench: Bench,
    id: TaskId,
    recorded: Recorded,
}

impl TestTask {
    fn new(name: &str) -> Self {
        let bench = Bench::new();
        let directory = bench.outside("output");
        let options = ShellOptions::default()
            .with_env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .with_output_dir(directory);
        let id = TaskId::new(format!("{name}-{}", std::process::id())).unwrap();
        Self { bench: bench.with_options(options), id, recorded: Recorded::default() }
    }

    /// Makes a call, and records its output.
    async fn call(&mut self, number: usize, tool: &str, arguments: Value) -> ToolOutput {
        let id = CallId::tool(number, 0);
        let call = Invocation::new(self.id.clone(), id.clone(), tool, arguments)
            .with_key(format!("{}:{number}", self.id))
            .with_results(RecordedResults::new(Arc::new(self.recorded.clone())))
            .in_workspace(self.bench.at("").to_str().unwrap());
        let output = self.bench.tools.call(call).await.unwrap();
        self.recorded.0.insert(id, output.clone());
        output
    }

    async fn run(&mut self, number: usize, command: &str) -> ToolOutput {
        self.call(number, "shell.execute", json!({"command": command})).await
    }

    async fn read(&mut self, arguments: Value) -> ToolOutput {
        self.call(99, "output.read", arguments).await
    }

    async fn end(&self) -> Vec<BackgroundProcess> {
        self.bench.tools.end_background(&self.id).await.unwrap()
    }
}

#[tokio::test]
async fn a_background_process_keeps_running_and_its_output_can_be_read() {
    let mut task = TestTask::new("ticks");
    let started = Instant::now();
    let output = task.run(0, "echo started; (while :; do echo tick; sleep 0.01; done) &").await;
    assert!(started.elapsed() < Duration::from_secs(2));
    let processes = output.data.as_ref().unwrap()["background"].clone();
    let pid = processes[0]["pid"].as_u64().unwrap();
    let text = output.text();
    assert!(output.ok && text.starts_with("started\n"), "{text}");
    let note = format!("[still running in the background, at most until the task ends: {pid} `");
    assert!(text.contains(&note), "{text}");
    assert!(text.ends_with("output.read with the call \"t0.0\" returns what it prints]"), "{text}");
    // On the old code, SIGPIPE ended it at the next line after 200 ms.
    let end = text.len() as u64;
    let mut read = String::new();
    while read.matches("tick\n").count() < 100 {
        let output = task.read(json!({"call": "t0.0", "offset": end})).await;
        read = output.text().into_owned();
    }
    let last = task.read(json!({"call": "t0.0", "offset": -5})).await;
    assert!(last.text().starts_with("tick\n[bytes "), "{}", last.text());
    let ended = task.end().await;
    assert_eq!(ended.iter().map(|process| u64::from(process.pid)).collect::<Vec<_>>(), [pid]);
    assert!(task.bench.tools.background(&task.id).await.unwrap().is_empty());
    // What it printed can still be read.
    assert!(task.read(json!({"call": "t0.0", "offset": end})).await.text().contains("tick\n"));
}

#[tokio::test]
async fn a_background_process_whose_output_is_redirected_is_listed_too() {
    let mut task = TestTask::new("redirected");
    let seconds = endless(11);
    let output = task.run(0, &format!("sleep {seconds} > log 2>&1 & echo started")).await;
    let data = output.data.as_ref().unwrap()["background"].clone();
    let pid = data[0]["pid"].as_u64().unwrap();
    let text = output.text();
    let expect =
        format!("started\n[still running in the background, at most until the task ends: {pid} `");
    assert!(text.starts_with(&expect) && !text.contains("output.read"), "{text}");
    while !is_running(&seconds) {
        tokio::task::yield_now().await;
    }
    let ended: Vec<_> = task.end().await.iter().map(|process| u64::from(process.pid)).collect();
    assert_eq!(ended, [pid]);
    assert!(!is_running(&seconds));
}

#[tokio::test]
async fn the_end_of_a_task_ends_a_process_in_a_session_of_its_own() {
    let mut task = TestTask::new("session");
    let seconds = endless(12);
    task.run(0, &format!("setsid sleep {seconds} > log 2>&1 & sleep 0.05")).await;
    assert!(is_running(&seconds));
    assert_eq!(task.end().await.len(), 1);
    assert!(!is_running(&seconds));
}

#[tokio::test]
async fn processes_of_a_process_that_has_crashed_are_ended_and_no_others() {
    let task = TestTask::new("crashed");
    let orphan = |key: &str, run: Option<&str>, seconds: &str| {
        let mut command = std::process::Command::new("/usr/bin/setsid");
        command.args(["sleep", seconds]).env("AZ_CALL_KEY", key);
        run.map(|run| command.env("AZ_CALL_RUN", run));
        command.spawn().unwrap()
    };
    let names = [13, 14, 15, 16].map(endless);
    let [crashed, numbered, foreign, unmarked] = &names;
    let init = std::fs::read_to_string("/proc/1/stat").unwrap();
    let started = init.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(19).unwrap();
    let mut children = [
        // No process has had this id and start time.
        orphan(&format!("{}:3", task.id), Some("2-18446744073709551615-0-f00d"), crashed),
        orphan(&format!("{}:1:3", task.id), None, numbered),
        // Started by a process that is still running: another program with a task of the same id.
        orphan(&format!("{}:4", task.id), Some(&format!("1-{started}-0-f00d")), foreign),
        orphan("other:3", None, unmarked),
    ];
    while !names.iter().all(|name| is_running(name)) {
        tokio::task::yield_now().await;
    }
    let ended = task.end().await;
    let pids: Vec<_> = ended.iter().map(|process| process.pid).collect();
    assert_eq!(pids, [children[0].id()]);
    assert!(!is_running(crashed));
    assert!(is_running(numbered) && is_running(foreign) && is_running(unmarked));
    for child in &mut children {
        child.kill().ok();
        child.wait().unwrap();
    }
}

#[tokio::test]
async fn recorded_output_is_read_in_parts() {
    let mut task = TestTask::new("parts");
    task.run(0, "printf 'one\\ntwo\\nthrée'").await;
    let all = task.read(json!({"call": "t0.0"})).await;
    assert_eq!(all.text(), "one\ntwo\nthrée\n[bytes 0 to 14 of 14; the end so far]");
    assert_eq!(all.data, Some(json!({"offset": 0, "next_offset": 14, "total": 14})));
    // A character is not cut.
    let part = task.read(json!({"call": "t0.0", "offset": 4, "limit": 8})).await;
    assert_eq!(part.text(), "two\nthr\n[bytes 4 to 11 of 14; the next part has the offset 11]");
    let tail = task.read(json!({"call": "t0.0", "offset": -3})).await;
    assert_eq!(tail.text(), "ée\n[bytes 11 to 14 of 14; the end so far]");
    let missing = task.read(json!({"call": "t7.0"})).await;
    let expect = "the task has no recorded result of a call \"t7.0\"; ids have the form t0.0";
    assert_eq!((missing.ok, missing.text().as_ref()), (false, expect));
}

/// Checks `Tool` 2.
#[tokio::test]
async fn invalid_parts_are_refused_with_a_reason() {
    let mut task = TestTask::new("invalid");
    task.run(0, "echo x").await;
    for (arguments, reason) in [
        (
            json!({"call": "t0.0", "offset": 9}),
            "arguments.offset: 9 is beyond the end; the output has 1 byte",
        ),
        (json!({"call": "t0.0", "limit": 0}), "arguments.limit: must be 1 to 65536, got 0"),
        (json!({"call": ""}), "arguments.call: must be the id of a call, such as t0.0"),
    ] {
        let call = Invocation::new(task.id.clone(), CallId::tool(1, 0), "output.read", arguments)
            .with_results(RecordedResults::new(Arc::new(task.recorded.clone())));
        let error = task.bench.tools.call(call).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(reason), "{error}");
    }
}
