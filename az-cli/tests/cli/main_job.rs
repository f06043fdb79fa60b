//! The main job on real input, with no key and no server.

use crate::support::Az;

#[test]
fn the_files_here_are_listed_and_counted() {
    let az = Az::new();
    az.file("one.txt", "1").file("two.txt", "2").file("three.txt", "3");
    let task = "list the files here, then write how many there are to count.txt";
    let ended = az.az(&["task", "run", task]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(az.read("count.txt").trim(), "3");
    assert!(ended.stdout.contains("count.txt"), "the answer says what was done: {ended:?}");
    assert!(ended.stderr.contains("model offline"), "what was chosen is said: {ended:?}");

    let listed = az.ok(&["task", "list"]);
    assert!(listed.contains("completed") && listed.contains("list the files here"), "{listed}");
    let id = az.only_id();
    let shown = az.ok(&["task", "show", &id]);
    assert!(shown.contains(task) && shown.contains("$0.00"), "{shown}");
    let logs = az.ok(&["task", "logs", &id]);
    for part in ["claimed by", "filesystem.list", "filesystem.write", "completed"] {
        assert!(logs.contains(part), "{part} is missing in {logs}");
    }
}

#[test]
fn every_listing_is_a_table_json_or_csv() {
    let az = Az::new();
    az.file("a.txt", "hello");
    az.ok(&["task", "run", "read a.txt"]);
    let id = az.only_id();
    for (command, format) in [("list", "csv"), ("show", "csv"), ("logs", "csv")] {
        let args: Vec<&str> = match command {
            "list" => vec!["task", command, "--format", format],
            _ => vec!["task", command, &id, "--format", format],
        };
        let csv = az.ok(&args);
        assert!(csv.lines().count() >= 2, "{command}: {csv}");
        let header = csv.lines().next().unwrap();
        assert!(header.contains(',') && !header.contains(' '), "{command}: {csv}");
    }
    for line in az.ok(&["task", "logs", &id, "--format", "json"]).lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["seq"].is_u64() && event["event"].is_string(), "{line}");
    }
}

#[test]
fn json_output_is_one_event_per_line() {
    let az = Az::new();
    az.file("a.txt", "hello");
    let out = az.ok(&["task", "run", "--json", "read a.txt"]);
    let kinds: Vec<String> = out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .filter(|kind| !kind.ends_with("_delta"))
        .collect();
    assert_eq!(
        kinds,
        [
            "run_started",
            "context",
            "llm_intent",
            "llm_result",
            "tool_intent",
            "tool_result",
            "llm_intent",
            "llm_result",
            "run_finished"
        ]
    );
}

#[test]
fn quiet_prints_only_the_answer() {
    let az = Az::new();
    az.file("a.txt", "hello");
    let ended = az.az(&["task", "run", "--quiet", "read a.txt"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains("hello"), "{ended:?}");
}

#[test]
fn queued_tasks_run_most_urgent_first() {
    let az = Az::new();
    for (priority, name) in [("low", "low"), ("urgent", "urgent"), ("medium", "mid")] {
        let task = format!("append \"{name} \" to order.txt");
        az.ok(&["task", "run", "--detach", "--priority", priority, &task]);
    }
    let ended = az.az(&["worker", "run", "--until-idle", "--concurrency", "1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("3 completed"), "{ended:?}");
    assert_eq!(az.read("order.txt"), "urgent mid low ");
}

#[test]
fn a_finished_task_resumed_prints_its_answer_again() {
    let az = Az::new();
    az.file("a.txt", "hello");
    let first = az.ok(&["task", "run", "read a.txt"]);
    let id = az.only_id();
    assert_eq!(az.ok(&["task", "resume", &id]), first);
    assert_eq!(az.shown(&id)["runs"], 1);
}

#[test]
fn retry_creates_a_task_and_delete_removes_it() {
    let az = Az::new();
    az.file("a.txt", "hello");
    az.ok(&["task", "run", "read a.txt"]);
    let id = az.only_id();
    az.ok(&["task", "retry", &id]);
    assert_eq!(az.ok(&["task", "list", "--format", "csv"]).lines().count(), 3);
    az.ok(&["task", "delete", &id]);
    assert_eq!(az.az(&["task", "show", &id]).code, Some(66));
    assert_ne!(az.only_id(), id);
}

#[test]
fn a_shell_command_needs_approval_which_resume_can_give() {
    let az = Az::new();
    let ended = az.az(&["task", "run", "run \"echo hi >> said.txt\""]);
    assert_eq!(ended.code, Some(77), "{ended:?}");
    assert!(ended.stderr.contains("--allow shell.execute"), "the remedy is named: {ended:?}");
    assert_eq!(az.read("said.txt"), "");
    let id = az.only_id();
    az.ok(&["task", "resume", &id, "--allow", "shell.execute"]);
    assert_eq!(az.read("said.txt"), "hi\n");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let az = Az::new();
    az.file("a.txt", "hello");
    az.ok(&["task", "run", "read a.txt"]);
    let id = az.only_id();
    let az_path = env!("CARGO_BIN_EXE_az");
    for args in ["task list", "--help", "task run --help", "--json task run 'read a.txt'"] {
        let line = format!("{az_path} {args} | head -c 1 > /dev/null; echo ${{PIPESTATUS[0]}}");
        let mut shell = std::process::Command::new("bash");
        let shell = shell.args(["-c", &line]).current_dir(az.work());
        let shell = shell.env("HOME", az.data_dir().ancestors().nth(3).unwrap());
        let output = shell.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{args}: {stderr}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0", "{args}: {stderr}");
    }
    assert!(!id.is_empty());
}

#[test]
fn concurrent_tasks_lose_no_appended_text() {
    let az = Az::new();
    for n in 10..50 {
        az.ok(&["task", "run", "--detach", &format!("append \"{n} \" to log.txt")]);
    }
    let workers = [(); 2].map(|()| az.start(&["worker", "run", "--until-idle", "-j", "8"]));
    for worker in workers {
        assert_eq!(worker.wait().code, Some(0));
    }
    let log = az.read("log.txt");
    let mut lines: Vec<_> = log.split_whitespace().map(|n| n.parse::<u32>().unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, (10..50).collect::<Vec<_>>());
}

#[test]
fn a_failed_step_is_repeated_on_resume() {
    let az = Az::new();
    let task = "write \"x\" to first.txt then read late.txt";
    assert_eq!(az.az(&["task", "run", task]).code, Some(1));
    az.file("late.txt", "here at last");
    let answer = az.ok(&["task", "resume", &az.only_id()]);
    assert!(answer.contains("here at last"), "{answer}");
}

#[test]
fn a_retried_task_does_not_inherit_allow() {
    let az = Az::new();
    let task = "run \"echo again >> said.txt\"";
    az.ok(&["task", "run", task, "--allow", "shell.execute"]);
    let id = az.only_id();
    assert_eq!(az.az(&["task", "retry", &id]).code, Some(77));
    az.ok(&["task", "retry", &id, "--allow", "shell.execute"]);
    assert_eq!(az.read("said.txt"), "again\nagain\n");
}

#[test]
fn with_json_an_error_is_an_event_too() {
    let az = Az::new();
    let ended = az.az(&["--json", "task", "show", "nothing"]);
    assert_eq!(ended.code, Some(66));
    let event: serde_json::Value = serde_json::from_str(ended.stdout.trim()).unwrap();
    assert_eq!((&event["event"], &event["exit_code"]), (&"error".into(), &66.into()));
    let queued = az.ok(&["--json", "task", "run", "--detach", "later"]);
    let event: serde_json::Value = serde_json::from_str(queued.trim()).unwrap();
    assert_eq!(event["task"], az.only_id());
}
