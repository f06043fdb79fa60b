//! Child tasks at the command line: `task.spawn` and `task.wait`, with real processes that are killed.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{says, server, sse};
use crate::support::{Az, Running, script, until};
use crate::terminal::at_terminal;

/// The first reply to a task whose command contains a text.
fn reply_to(text: &str, calls: &[Value]) -> Value {
    json!({"match": text, "turn": 0, "calls": calls, "cost_nanos": 1000, "price_nanos": 2000})
}

fn spawn(command: &str) -> Value {
    json!({"name": "task.spawn", "arguments": {"command": command}})
}

/// Returns what every task of a script does after its first turn: it waits for its children, and answers.
fn rest() -> [Value; 3] {
    let wait = json!([{"name": "task.wait", "arguments": {"timeout": 3600}}]);
    [
        json!({"text": "unused"}),
        json!({"calls": wait, "cost_nanos": 1000, "price_nanos": 2000}),
        json!({"text": "done", "cost_nanos": 1000, "price_nanos": 2000}),
    ]
}

/// Tasks of several levels, each of which spawns as many children, down to those that append a line to a file of their
/// own.
struct Tree {
    lines: Vec<Value>,
    leaves: Vec<String>,
    tasks: usize,
}

impl Tree {
    fn new(levels: u32, width: usize, leaf: impl Fn(&str) -> Value) -> Self {
        let mut tree = Self { lines: rest().to_vec(), leaves: Vec::new(), tasks: 0 };
        tree.add("<0>", levels, width, &leaf);
        tree
    }

    fn add(&mut self, name: &str, levels: u32, width: usize, leaf: &impl Fn(&str) -> Value) {
        self.tasks += 1;
        if levels == 0 {
            self.lines.push(leaf(name));
            self.leaves.push(name.trim_matches(['<', '>']).to_owned());
            return;
        }
        let inner = name.trim_matches(['<', '>']);
        let names: Vec<_> = (0..width).map(|child| format!("<{inner}.{child}>")).collect();
        let calls: Vec<_> = names.iter().map(|name| spawn(&format!("do {name}"))).collect();
        self.lines.push(reply_to(name, &calls));
        for name in names {
            self.add(&name, levels - 1, width, leaf);
        }
    }
}

/// Returns the first reply to a leaf: it appends a line to a file.
fn appends(name: &str) -> Value {
    let path = format!("out/{}", name.trim_matches(['<', '>']));
    let arguments = json!({"path": path, "content": "once\n", "append": true});
    reply_to(name, &[json!({"name": "filesystem.write", "arguments": arguments})])
}

fn tasks(az: &Az) -> Vec<Value> {
    let listed = az.ok(&["task", "list", "--format", "json", "-n", "10000"]);
    serde_json::from_str(&listed).unwrap()
}

fn with_status<'t>(tasks: &'t [Value], status: &str) -> Vec<&'t Value> {
    tasks.iter().filter(|task| task["status"] == status).collect()
}

/// Queues the task at the top of a tree; returns its id.
fn queue(az: &Az, tree: &Tree) -> String {
    let model = script(az, &tree.lines);
    az.ok(&["task", "run", "--detach", "do <0>", "--model", &model]).trim().to_owned()
}

fn set_budget(az: &Az, task: &str, amount: &str) {
    let of = ["cost", "budget", "set", "--scope", "task", "--of", task];
    az.ok(&[&of[..], &["--period", "total", "--amount", amount]].concat());
}

fn spent(tasks: &[Value]) -> i64 {
    tasks.iter().map(|task| task["cost_nanos"].as_i64().unwrap()).sum()
}

/// A sequence of numbers that depends on its seed only.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Runs workers and kills each of them after a random time, until the task at the top has ended.
fn run_with_kills(az: &Az, id: &str, kills: usize, longest: u64, seed: u64) -> usize {
    let mut numbers = Numbers(seed);
    let worker = || Running::spawn(az.command(["worker", "run", "--until-idle", "-j", "3"]));
    let mut killed = 0;
    let is_done = || az.shown(id)["status"] == "completed";
    while killed < kills && !is_done() {
        let workers = [worker(), worker()];
        for worker in workers {
            std::thread::sleep(Duration::from_millis(20 + numbers.below(longest)));
            worker.kill();
            killed += 1;
        }
    }
    let ended = worker().wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    killed
}

/// `AZ_CHILDREN=16` makes the tree as wide as it may be.
#[test]
fn three_levels_of_children_with_random_kills_each_run_once_within_the_budget() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let width: usize = number("AZ_CHILDREN").unwrap_or(3);
    let seed = number("AZ_CHILDREN_SEED").unwrap_or(7) as u64;
    let tree = Tree::new(3, width, appends);
    let most = tree.tasks.to_string();
    let az = Az::new()
        .with_var("AZ_TASK_MAX_DESCENDANTS", &most)
        .with_var("AZ_TASK_MAX_UNFINISHED_DESCENDANTS", &most);
    fs::create_dir(az.work().join("out")).unwrap();
    let id = queue(&az, &tree);
    // A call that was interrupted is booked at its price, and made again.
    let budget = i64::try_from(tree.tasks).unwrap() * 20_000;
    set_budget(&az, &id, &format!("{}", budget as f64 / 1e9));
    let kills = if width > 3 { 12 } else { 4 };
    let longest = 300 * width as u64 * width as u64 / 9;
    let killed = run_with_kills(&az, &id, kills, longest, seed);
    let tasks = tasks(&az);
    assert_eq!(tasks.len(), tree.tasks, "each child exists once");
    assert_eq!(with_status(&tasks, "completed").len(), tree.tasks, "after {killed} kills");
    for leaf in &tree.leaves {
        let path = az.work().join("out").join(leaf);
        assert_eq!(fs::read_to_string(path).unwrap(), "once\n", "the effect of {leaf}");
    }
    let spent = spent(&tasks);
    assert!(spent >= i64::try_from(tree.tasks).unwrap() * 2_000 && spent <= budget, "{spent}");
    eprintln!("{} tasks, {killed} kills, {spent} of {budget} nano-dollars", tree.tasks);
}

#[test]
fn the_budget_of_a_task_covers_its_children() {
    let az = Az::new();
    fs::create_dir(az.work().join("out")).unwrap();
    let tree = Tree::new(2, 3, appends);
    let id = queue(&az, &tree);
    set_budget(&az, &id, "0.00001");
    az.ok(&["worker", "run", "--until-idle"]);
    let tasks = tasks(&az);
    assert!(spent(&tasks) <= 10_000, "{tasks:?}");
    let failed = with_status(&tasks, "failed");
    assert!(!failed.is_empty());
    for task in failed {
        let shown = az.shown(task["id"].as_str().unwrap());
        assert_eq!(shown["failure"]["kind"], "budget", "{shown}");
    }
}

/// Starts a task whose leaves wait for a slow model, and a worker that helps, and waits until all of them run.
fn start_slow(az: &Az) -> (String, usize, Vec<Running>) {
    let slow = |name: &str| json!({"match": name, "text": "late", "delay_millis": 60_000});
    let tree = Tree::new(3, 2, slow);
    let id = queue(az, &tree);
    let worker = || az.start(&["worker", "run", "-j", "3"]);
    let workers = vec![worker(), worker()];
    until("all tasks run", || with_status(&tasks(az), "running").len() == tree.tasks);
    (id, tree.tasks, workers)
}

/// Cancels the task at the top; returns how long it took until all tasks had ended.
fn cancel(az: &Az, id: &str, all: usize) -> Duration {
    let begun = Instant::now();
    az.ok(&["task", "cancel", id]);
    until("all tasks are cancelled", || with_status(&tasks(az), "cancelled").len() == all);
    begun.elapsed()
}

#[test]
fn cancelling_a_task_ends_all_below_it_within_a_second_in_every_process() {
    let az = Az::new();
    let (id, all, _workers) = start_slow(&az);
    let took = cancel(&az, &id, all);
    assert!(took < Duration::from_millis(1500), "it took {took:?}");
}

#[test]
fn cancelling_a_task_ends_all_below_it_if_their_processes_were_killed() {
    let az = Az::new();
    let (id, all, workers) = start_slow(&az);
    workers.into_iter().for_each(Running::kill);
    let took = cancel(&az, &id, all);
    assert!(took < Duration::from_millis(2500), "it took {took:?}");
}

#[test]
fn a_run_shows_its_children_and_so_do_the_listings() {
    let az = Az::new();
    fs::create_dir(az.work().join("out")).unwrap();
    let tree = Tree::new(1, 2, appends);
    let ended = az.az(&["task", "run", "do <0>", "--model", &script(&az, &tree.lines)]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    assert_eq!(ended.stderr.matches("↳ child task").count(), 4, "{}", ended.stderr);
    let tasks = tasks(&az);
    let top = tasks.iter().find(|task| task["parent_task_id"].is_null()).unwrap();
    let id = top["id"].as_str().unwrap();
    let shown = az.shown(id);
    let commands: Vec<_> = shown["children"].as_array().unwrap().iter().collect();
    assert_eq!(commands.len(), 2, "{shown}");
    assert!(
        commands.iter().all(|child| child["spawned"] == true && child["status"] == "completed")
    );
    let text = az.ok(&["task", "show", id]);
    assert!(text.contains("\nChild tasks\n") && text.contains("do <0.1>"), "{text}");
    let parts = az.ok(&["task", "list", "--parent", id]);
    assert_eq!(parts.matches("↳ do <0.").count(), 2, "{parts}");
    let log = az.ok(&["task", "logs", id, "--full"]);
    assert_eq!(log.matches(" completed:\n").count(), 2, "the parent is told the answers: {log}");
}

/// Returns the first reply to a leaf whose price is unknown: it runs a command, which needs approval.
fn runs_a_command(name: &str) -> Value {
    let call = json!({"name": "shell.execute", "arguments": {"command": "echo x >> out"}});
    json!({"match": name, "turn": 0, "calls": [call]})
}

#[test]
fn the_end_of_a_run_says_what_it_cost_with_its_children_and_an_unknown_cost_is_not_nothing() {
    let az = Az::new();
    fs::create_dir(az.work().join("out")).unwrap();
    let tree = Tree::new(2, 2, appends);
    let model = script(&az, &tree.lines);
    let ended = az.az(&["task", "run", "do <0>", "--model", &model]);
    let said = "$0.000003, $0.000021 with its 6 child tasks";
    assert!(ended.stderr.trim_end().lines().last().unwrap().contains(said), "{ended:?}");
    let all = tasks(&az);
    let top = all.iter().find(|task| task["parent_task_id"].is_null()).unwrap();
    let id = top["id"].as_str().unwrap();
    let totals =
        json!({"tasks": 6, "cost_nanos": 18_000, "cost_usd": "0.000018", "unpriced": false});
    let shown = az.shown(id);
    assert_eq!((&shown["cost_nanos"], &shown["child_totals"]), (&json!(3000), &totals));
    assert!(az.ok(&["task", "show", id]).contains(said));
    let events = az.ok(&["task", "logs", id, "--format", "json"]);
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["totals"]["child_totals"], totals, "{last}");

    let az = Az::new();
    let free = Tree::new(1, 1, |name| json!({"match": name, "text": "done"}));
    let model = script(&az, &free.lines);
    let ended = az.az(&["task", "run", "do <0>", "--model", &model]);
    assert!(ended.stderr.contains(", at least $0.000003 with its 1 child task"), "{ended:?}");
    let all = tasks(&az);
    let parent = all.iter().find(|task| task["parent_task_id"].is_null()).unwrap();
    let id = parent["id"].as_str().unwrap();
    assert_eq!(az.shown(id)["children"][0]["unpriced"], true);
    let text = az.ok(&["task", "show", id]);
    assert!(text.contains("  completed  unknown  do <0.0>"), "{text}");
}

#[test]
fn a_child_that_waits_for_an_answer_is_shown_with_the_command_that_gives_it() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let tree = Tree::new(1, 1, runs_a_command);
    let model = script(&az, &tree.lines);
    let run = az.start(&["task", "run", "do <0>", "--ask", "wait", "--model", &model]);
    let is_waiting = |task: &&Value| !task["waiting"].is_null();
    until("the child waits", || tasks(&az).iter().any(|task| is_waiting(&task)));
    let all = tasks(&az);
    let child = all.iter().find(is_waiting).unwrap();
    let short = &child["id"].as_str().unwrap()[24..];
    let how = format!("`az task approve {short}` approves it, `az task deny {short}` denies it");
    let shown = az.ok(&["task", "show", child["parent_task_id"].as_str().unwrap()]);
    let lines = format!("{short}  waiting    unknown  do <0.0>\n");
    assert!(shown.contains(&lines) && shown.contains(&how), "{shown}");
    az.ok(&["task", "approve", short]);
    let ended = run.wait();
    assert_eq!((ended.code, az.read("out").as_str()), (Some(0), "x\n"), "{ended:?}");
    let line = format!("child task {short}: waits for approval of shell.execute; {how}");
    assert!(ended.stderr.contains(&line), "{ended:?}");
}

#[test]
fn an_approval_at_a_terminal_names_the_child_task_that_it_is_for() {
    let az = Az::new();
    let model = script(&az, &Tree::new(1, 1, runs_a_command).lines);
    let args = ["task", "run", "do <0>", "--model", &model];
    let Some(ended) = at_terminal(&az, &args, &[("[y/t/a/n]", "y\n")]) else { return };
    assert_eq!((ended.code, az.read("out").as_str()), (Some(0), "x\n"), "{ended:?}");
    let all = tasks(&az);
    let child = all.iter().find(|task| !task["parent_task_id"].is_null()).unwrap();
    let line = format!("child task {} (do <0.0>):", &child["id"].as_str().unwrap()[24..]);
    assert!(ended.stdout.contains(&line), "{ended:?}");
}

#[test]
fn the_limits_of_all_tasks_below_the_first_one_are_settings_and_no_levels_switch_child_tasks_off() {
    let slow = |name: &str| json!({"match": name, "text": "late", "delay_millis": 500});
    let tree = Tree::new(1, 3, slow);
    for (variable, limit, reason) in [
        ("AZ_TASK_MAX_DESCENDANTS", "2", "2 child tasks were started below the first task"),
        (
            "AZ_TASK_MAX_UNFINISHED_DESCENDANTS",
            "2",
            "2 child tasks below the first task have not ended",
        ),
        ("AZ_TASK_MAX_CHILD_LEVELS", "0", "there is no tool \"task.spawn\""),
    ] {
        let az = Az::new().with_var(variable, limit);
        let id = queue(&az, &tree);
        az.ok(&["worker", "run", "--until-idle"]);
        let log = az.ok(&["task", "logs", &id, "--full"]);
        assert!(log.contains(reason), "{variable}: {log}");
    }
}

/// Checks `ModelNames` 1. The messages are for the model: each says what to do.
#[test]
fn requests_for_child_tasks_that_cannot_be_met_are_refused_with_advice() {
    let az = Az::new();
    az.ok(&["cost", "budget", "set", "--amount", "1"]);
    let call = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
    let calls = [
        call("task.spawn", json!({"command": "x", "tools": ["filesystem.raed"]})),
        call("task.spawn", json!({"command": "x", "budget": 5})),
        call("task.spawn", json!({"command": "x", "budget": -1})),
        call("task.spawn", json!({"command": "x", "model": "no-such-model"})),
        call("task.spawn", json!({"command": "x", "model": "replay:x.jsonl"})),
        call("task.wait", json!({"tasks": ["0197-other"]})),
    ];
    let lines =
        [json!({"calls": calls, "cost_nanos": 0}), json!({"text": "done", "cost_nanos": 0})];
    az.ok(&["task", "run", "go", "--model", &script(&az, &lines)]);
    let log = az.ok(&["task", "logs", &az.only_id(), "--full"]);
    for reason in [
        "there is no tool \"filesystem.raed\"; the tools that it may get are filesystem.list",
        "$5.00 is more than the $1.00 that this task has left; set a smaller one",
        "unknown model \"no-such-model\"; `az models list` lists the names",
        "arguments.budget: must be an amount of dollars greater than 0, got -1",
        "and so do its child tasks; leave the model out",
        "0197-other is not a child task of this task; it has none that has not ended",
    ] {
        assert!(log.contains(reason), "{reason:?} is not in {log}");
    }
    let call = az.az(&["tools", "call", "task.wait", "{}"]);
    assert!(call.stderr.contains("only a task that runs has child tasks"), "{call:?}");
}

#[test]
fn the_models_that_child_tasks_may_be_given_are_a_setting() {
    let call = |model: &str| {
        let arguments = json!({"command": "x", "model": model}).to_string();
        json!({"index": 0, "id": model, "function": {"name": "task.spawn", "arguments": arguments}})
    };
    let spawns = json!({"choices": [{
        "index": 0, "finish_reason": "tool_calls", "delta": {"tool_calls": [call("gpt-4o")]},
    }]});
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":9}}"#;
    let (address, _) = server(vec![sse(&[&spawns.to_string(), usage, "[DONE]"]), says("done")]);
    let az = Az::new()
        .with_var("OPENAI_BASE_URL", address)
        .with_var("OPENAI_API_KEY", "k")
        .with_var("AZ_TASK_CHILD_MODELS", "gpt-5-nano, openai/gpt-5-mini");
    az.ok(&["task", "run", "go", "--model", "openai/gpt-5.2"]);
    let log = az.ok(&["task", "logs", &az.only_id(), "--full"]);
    let reason = "a child task may not run on openai/gpt-4o; name one of openai/gpt-5-nano, openai/gpt-5-mini, or \
                  leave the model out";
    assert!(log.contains(reason), "{log}");
}

#[test]
fn what_continues_a_child_task_belongs_to_its_parent_and_is_no_child_task_with_a_budget() {
    let az = Az::new();
    fs::create_dir(az.work().join("out")).unwrap();
    let spawn = json!({"name": "task.spawn", "arguments": {"command": "do <0.0>", "budget": 0.5}});
    let mut lines = vec![reply_to("<0>", &[spawn]), appends("<0.0>")];
    lines.extend(rest());
    lines.push(json!({"text": "more", "cost_nanos": 1000, "price_nanos": 2000}));
    az.ok(&["task", "run", "do <0>", "--model", &script(&az, &lines)]);
    let all = tasks(&az);
    let child = all.iter().find(|task| !task["parent_task_id"].is_null()).unwrap();
    let (parent, child) =
        (child["parent_task_id"].as_str().unwrap(), child["id"].as_str().unwrap());
    az.ok(&["task", "fork", child]);
    az.ok(&["task", "retry", child]);
    az.ok(&["task", "run", "go on", "--continue", child]);
    let shown = az.shown(parent);
    let parts = shown["children"].as_array().unwrap().iter();
    let mut parts: Vec<_> = parts
        .map(|part| {
            let command = part["command"].as_str().unwrap();
            (command, part["spawned"].as_bool().unwrap(), part["budget_nanos"].as_i64())
        })
        .collect();
    parts.sort_unstable();
    let expected = [
        ("do <0.0>", false, None),
        ("do <0.0>", false, None),
        ("do <0.0>", true, Some(500_000_000)),
        ("go on", false, None),
    ];
    assert_eq!(parts, expected);
}
