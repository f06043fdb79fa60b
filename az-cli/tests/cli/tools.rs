//! `az tools`: listing, explaining and calling tools.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Az, Ended};

/// The names of the built-in tools.
const NAMES: [&str; 15] = [
    "filesystem.list",
    "filesystem.read",
    "filesystem.write",
    "filesystem.edit",
    "filesystem.search",
    "filesystem.glob",
    "shell.execute",
    "process.list",
    "output.read",
    "todo.set",
    "person.ask",
    "task.spawn",
    "task.wait",
    "aichat.complete",
    "semantic.search",
];

fn names(az: &Az, args: &[&str]) -> Vec<String> {
    let listed = az.ok(&[args, &["--format", "json"]].concat());
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    listed.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn call(az: &Az, args: &[&str]) -> Ended {
    az.az(&[&["tools", "call"], args].concat())
}

#[test]
fn tools_are_listed_by_category_and_server() {
    let az = Az::new();
    assert_eq!(names(&az, &["tools", "list"]), NAMES);
    assert_eq!(names(&az, &["tools", "ls", "--category", "Filesystem"]), NAMES[..6]);
    assert_eq!(names(&az, &["tools", "list", "--server", "builtin"]), NAMES);
    for (args, says) in [
        (["--category", "filesytem"], "--category: no tools of \"filesytem\"; known: "),
        (["--category", "filesytem"], "did you mean filesystem?"),
        (["--server", "elsewhere"], "--server: no tools of \"elsewhere\"; known: builtin"),
    ] {
        let ended = az.az(&[&["tools", "list"][..], &args].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(ended.stderr.contains(says), "{ended:?}");
    }
}

#[test]
fn a_tool_is_found_by_its_name_its_category_its_prefix_and_its_server() {
    let az = Az::new();
    for (name, expected) in [
        ("filesystem", &NAMES[..6]),
        ("filesystem.read", &NAMES[1..2]),
        ("filesystem_read", &NAMES[1..2]),
        ("system", &NAMES[7..8]),
        ("process", &NAMES[7..8]),
        ("builtin", &NAMES[..]),
    ] {
        assert_eq!(names(&az, &["tools", "info", "--name", name]), expected, "{name}");
        assert_eq!(names(&az, &["tools", "info", name]), expected, "{name}");
    }
    let ended = az.az(&["tools", "info", "filesystem.raed"]);
    assert_eq!(ended.code, Some(66), "{ended:?}");
    let says = "unknown tool \"filesystem.raed\"; did you mean filesystem.read";
    assert!(ended.stderr.contains(says) && ended.stderr.contains("az tools list"), "{ended:?}");
}

#[test]
fn information_shows_arguments_effect_policy_and_an_example_that_can_be_run() {
    let az = Az::new();
    az.file("README.md", "hello\n");
    let text = az.ok(&["tools", "info", "filesystem.read"]);
    for part in [
        "filesystem.read  Read file contents",
        "category   filesystem, of the server builtin",
        "effect     read: changes nothing",
        "policy     allowed",
        "encoding  string  \"utf-8\"   File encoding",
        "path      string  required",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (_, example) = text.split_once("example    ").unwrap();
    let words = shlex::split(example.trim()).unwrap();
    assert_eq!(words[0], "az");
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    assert_eq!(az.ok(&words), "hello\n\n");
    let shell = az.ok(&["tools", "info", "shell.execute"]);
    assert!(shell.contains("policy     asks: "), "{shell}");
    let schema: Value =
        serde_json::from_str(&az.ok(&["tools", "info", "shell.execute", "--schema"])).unwrap();
    assert_eq!(schema["inputSchema"]["required"], json!(["command"]));
    assert_eq!(schema["outputSchema"]["properties"]["timed_out"]["type"], "boolean");
}

#[test]
fn a_call_takes_json_pairs_and_standard_input() {
    let az = Az::new();
    az.file("a.txt", "one\n");
    let read = |args: &[&str]| az.ok(&[&["tools", "call", "filesystem.read"], args].concat());
    assert_eq!(read(&["{\"path\": \"a.txt\"}"]), "one\n\n");
    assert_eq!(read(&["path=a.txt"]), "one\n\n");
    assert_eq!(read(&["path=a.txt", "encoding=base64"]), "b25lCg==\n");
    let mut piped = az.command(["tools", "call", "filesystem_read", "-"]);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(b"{\"path\": \"a.txt\"}").unwrap();
    assert_eq!(piped.wait_with_output().unwrap().stdout, b"one\n\n");
    let written = ["filesystem.write", "path=new/b", "content=two", "append=true", "--json"];
    let written: Value = serde_json::from_str(&call(&az, &written).stdout).unwrap();
    assert_eq!((&written["success"], &written["result"]), (&json!(true), &json!(true)));
    assert!(written["metadata"]["duration_ms"].is_u64(), "{written}");
    assert_eq!(az.read("new/b"), "two");
}

#[test]
fn what_is_wrong_with_a_call_is_said_with_its_place_and_exit_code() {
    let az = Az::new();
    az.file("a.txt", "one\n");
    for (args, code, says) in [
        (&["filesystem.reed", "path=a"][..], 66, "did you mean filesystem.read"),
        (&["filesystem.read", "{\"path\": a}"], 2, "invalid JSON at 1:10: expected value"),
        (&["filesystem.read", "a.txt"], 2, "\"a.txt\" is neither name=value nor a JSON object"),
        (&["filesystem.read"], 2, "arguments.path: is missing; must be a string"),
        (&["filesystem.read", "{\"path\": 5}"], 2, "arguments.path: must be a string, got 5"),
        (
            &["filesystem.read", "path=a.txt", "encodnig=x"],
            2,
            "arguments.encodnig: is unknown; did you mean `encoding`?",
        ),
        (&["filesystem.read", "path=a.txt", "encoding=klingon"], 2, "arguments.encoding: "),
        (&["filesystem.list", "path=.", "recursive=maybe"], 2, "recursive=maybe: must be true or"),
        (&["shell.execute", "command=true", "timeout=0"], 2, "arguments.timeout: must be greater"),
        (&["filesystem.read", "path=nowhere"], 1, "filesystem.read failed: `nowhere`"),
        (&["filesystem.read", "path=../../x"], 1, "outside the workspace"),
    ] {
        let ended = call(&az, args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_call_that_needs_approval_is_refused_without_a_terminal() {
    let az = Az::new();
    let command = ["shell.execute", "command=touch made"];
    let refused = call(&az, &command);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(77), ""), "{refused:?}");
    assert!(refused.stderr.contains("shell.execute"), "{refused:?}");
    assert!(!az.work().join("made").exists());
    let allowed = call(&az, &[&command[..], &["--yes"]].concat());
    assert_eq!(allowed.code, Some(0), "{allowed:?}");
    assert!(az.work().join("made").exists());
    let failed = call(&az, &["shell.execute", "command=exit 3", "--yes"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.contains("[exit code 3]"), "{failed:?}");
    let failed = call(&az, &["shell.execute", "command=exit 3", "--yes", "--json"]);
    let result: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!((failed.code, &result["result"]["exit_code"]), (Some(1), &json!(3)));
}

#[test]
fn a_call_ends_after_its_time_and_leaves_nothing_running() {
    let az = Az::new();
    let late = ["shell.execute", "command=sleep 1000", "--yes", "--timeout", "0.2s"];
    let ended = call(&az, &late);
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(ended.stderr.contains("timed out after 0.2 s"), "{ended:?}");
    let background = "command=sleep 1000 & echo $!";
    let ended = call(&az, &["shell.execute", background, "--yes"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("1 background process of the call ended with it"), "{ended:?}");
    let pid: u32 = ended.stdout.lines().next().unwrap().parse().unwrap();
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(!command.contains("1000"), "{command}");
}

#[test]
fn the_usage_counts_the_calls_of_tasks() {
    let az = Az::new();
    let usage = |args: &[&str]| {
        let all = [&["tools", "usage", "--format", "json"], args].concat();
        serde_json::from_str::<Value>(&az.ok(&all)).unwrap()
    };
    assert_eq!(usage(&[]), json!([]));
    let read = |path: &str| json!({"name": "filesystem.read", "arguments": {"path": path}});
    let shell = json!({"name": "shell.execute", "arguments": {"command": "exit 3"}});
    let unknown = json!({"name": "no.such", "arguments": {}});
    let steps = [
        json!({"calls": [read("x.jsonl"), read("nowhere"), unknown, shell]}),
        json!({"text": "done"}),
    ];
    let steps: String = steps.iter().map(|step| format!("{step}\n")).collect();
    az.file("x.jsonl", &steps);
    let model = ["--model", "scripted:x.jsonl", "--allow", "shell.execute"];
    az.ok(&[&["task", "run", "read it"], &model[..]].concat());
    let mut found = usage(&["--period", "daily"]);
    for tool in found.as_array_mut().unwrap() {
        let tool = tool.as_object_mut().unwrap();
        let is_made = tool["refused"] == 0;
        for percentile in ["p50_ms", "p95_ms"] {
            assert_eq!(tool.remove(percentile).unwrap().is_u64(), is_made, "{tool:?}");
        }
    }
    let counts = |tool: &str, calls: u64, failed: u64, refused: u64| json!({"tool": tool, "calls": calls, "failed": failed, "refused": refused, "unknown": 0});
    let expected = json!([
        counts("filesystem.read", 2, 1, 0),
        counts("no.such", 1, 0, 1),
        counts("shell.execute", 1, 1, 0),
    ]);
    assert_eq!(found, expected);
    assert_eq!(usage(&["--until", "2026-01-01"]), json!([]));
}

/// Writes the script of a model.
fn script(az: &Az, name: &str, steps: &[Value]) {
    az.file(name, &steps.iter().map(|step| format!("{step}\n")).collect::<String>());
}

fn completion() -> Value {
    let arguments = json!({"prompt": "say hello", "max_tokens": 50});
    json!({"name": "aichat.complete", "arguments": arguments})
}

/// A home whose model for completions is a script.
fn completing() -> Az {
    Az::new().with_var("AZ_MODEL", "scripted:inner.jsonl")
}

#[test]
fn a_model_names_no_model_that_reads_or_writes_a_file() {
    let az = completing();
    script(&az, "inner.jsonl", &[json!({"text": "hello"})]);
    let mut call = completion();
    call["arguments"]["model"] = "record:out.jsonl@scripted:inner.jsonl".into();
    script(&az, "x.jsonl", &[json!({"calls": [call]}), json!({"text": "done"})]);
    az.ok(&["task", "run", "ask", "--model", "scripted:x.jsonl", "--allow", "aichat.complete"]);
    let log = az.ok(&["task", "logs", &az.only_id(), "--json"]);
    assert!(log.contains("reads or writes a file; leave the model out"), "{log}");
    assert!(!az.work().join("out.jsonl").exists());
}

#[test]
fn a_completion_is_booked_on_the_task_that_asks_for_it() {
    let az = completing();
    script(&az, "inner.jsonl", &[json!({"text": "hello", "cost_nanos": 500})]);
    let calls = [completion()];
    let last = json!({"text": "done", "cost_nanos": 7});
    script(&az, "x.jsonl", &[json!({"calls": calls, "cost_nanos": 9}), last]);
    let run = ["task", "run", "ask", "--model", "scripted:x.jsonl", "--allow", "aichat.complete"];
    az.ok(&run);
    let task = az.shown(&az.only_id());
    assert_eq!(task["cost_nanos"], 516, "{task}");
    let entries = task["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3, "{task}");
    let booked: Vec<_> =
        entries.iter().filter(|entry| entry["cost_nanos"] == 500).map(|e| &e["call"]).collect();
    assert!(booked.len() == 1 && booked[0].as_str().unwrap().starts_with("t0.0."), "{task}");
    let sums: Value =
        serde_json::from_str(&az.ok(&["cost", "show", "--by", "task", "--format", "json"]))
            .unwrap();
    assert_eq!(sums[0]["cost_nanos"], 516, "{sums}");
    let log = az.ok(&["task", "logs", &az.only_id(), "--json"]);
    assert!(log.contains("hello"), "the reply is on record: {log}");
}

#[test]
fn a_budget_refuses_a_completion_before_it_is_sent() {
    let az = completing();
    script(&az, "inner.jsonl", &[json!({"text": "hello", "cost_nanos": 5_000_000})]);
    let calls = [completion()];
    let last = json!({"text": "done", "cost_nanos": 7});
    script(&az, "x.jsonl", &[json!({"calls": calls, "cost_nanos": 9}), last]);
    az.ok(&["cost", "budget", "set", "--amount", "0.001", "--period", "total"]);
    az.ok(&["task", "run", "ask", "--model", "scripted:x.jsonl", "--allow", "aichat.complete"]);
    let task = az.shown(&az.only_id());
    assert_eq!(task["cost_nanos"], 16, "{task}");
    let log = az.ok(&["task", "logs", &az.only_id(), "--json"]);
    assert!(log.contains("budget"), "{log}");
}

#[test]
fn a_completion_outside_of_a_task_is_booked_on_the_tools() {
    let az = Az::new();
    script(&az, "inner.jsonl", &[json!({"text": "hello", "cost_nanos": 500})]);
    let words = ["aichat.complete", "prompt=hi", "model=scripted:inner.jsonl", "--yes"];
    let ended = call(&az, &words);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "hello\n"), "{ended:?}");
    let sums = az.ok(&["cost", "show", "--by", "payer", "--format", "json"]);
    let sums: Value = serde_json::from_str(&sums).unwrap();
    assert_eq!((&sums[0]["key"], &sums[0]["cost_nanos"]), (&json!("az:tools"), &json!(500)));
    for (words, says) in [
        (&["aichat.complete", "prompt= "][..], "arguments.prompt: must not be empty"),
        (
            &["aichat.complete", "prompt=x", "temperature=3"],
            "arguments.temperature: must be 0 to 2",
        ),
        (
            &["aichat.complete", "prompt=x", "max_tokens=0"],
            "arguments.max_tokens: must be at least 1",
        ),
        (&["aichat.complete", "prompt=x", "--yes"], "no model is set up"),
        (&["aichat.complete", "prompt=x", "model=nonesuch", "--yes"], "unknown model \"nonesuch\""),
    ] {
        let ended = call(&az, words);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{words:?}: {ended:?}");
    }
}

#[test]
fn a_semantic_search_without_documents_says_so() {
    let az = Az::new();
    for (words, code, says) in [
        (&["semantic.search", "query=x", "--yes"][..], 1, "no documents are indexed"),
        (&["semantic.search", "query= "], 2, "arguments.query: must not be empty"),
        (&["semantic.search", "query=x", "n_results=0"], 2, "arguments.n_results: must be 1 to 50"),
    ] {
        let ended = call(&az, words);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{words:?}: {ended:?}");
    }
}

#[test]
fn pages_are_fetched_from_allowed_hosts_of_the_internet_only() {
    let fetch = |az: &Az, url: &str| {
        az.az(&["tools", "call", "web.fetch", &json!({"url": url}).to_string(), "--yes"])
    };
    let az = Az::new();
    let ended = fetch(&az, "http://localhost/");
    assert!(ended.stderr.contains("unknown tool \"web.fetch\""), "{ended:?}");

    let az = az.with_var("AZ_TOOLS_WEB_HOSTS", "localhost,127.0.0.1");
    for (url, reason) in [
        ("http://localhost/", "which is not of the public Internet"),
        ("http://0x7f.1/", "this is not an address of the public Internet"),
        ("http://example.org/", "those in tools.web.hosts of the configuration are: localhost"),
    ] {
        let ended = fetch(&az, url);
        assert!(ended.stderr.contains(reason), "{url}: {ended:?}");
        assert_eq!(ended.stdout, "");
    }
}
