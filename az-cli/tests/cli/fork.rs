//! Forks and follow-ups: tasks that begin with a copy of another task's record.

use serde_json::{Value, json};

use crate::server::{Request, not_found, says, serve};
use crate::support::{Az, Ended, script, until};

pub(crate) fn says_for(text: &str, cost: i64) -> Value {
    json!({"text": text, "cost_nanos": cost, "usage": {"input": 100, "output": 10}})
}

pub(crate) fn append(text: &str, cost: i64) -> Value {
    let arguments = json!({"path": "log.txt", "content": text, "append": true});
    json!({
        "calls": [{"name": "filesystem.write", "arguments": arguments}],
        "cost_nanos": cost, "usage": {"input": 100, "output": 10},
    })
}

/// Runs a task of three steps: two that append a line to a file, and an answer.
pub(crate) fn three_steps(az: &Az) -> String {
    let replies =
        [append("a\n", 1000), append("b\n", 2000), says_for("done", 4000), says_for("more", 8000)];
    let model = script(az, &replies);
    az.ok(&["task", "run", "write a and b", "--model", &model]);
    az.only_id()
}

/// Returns the id of the newest task.
pub(crate) fn newest(az: &Az) -> String {
    let tasks: Value = serde_json::from_str(&az.ok(&["task", "list", "--json"])).unwrap();
    tasks[0]["id"].as_str().unwrap().to_owned()
}

/// Returns the events of a task: their names, with those of copied events in parentheses.
fn events(az: &Az, id: &str) -> Vec<String> {
    let text = az.ok(&["task", "logs", id, "--format", "json"]);
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let names = events.map(|event| match event["event"].as_str().unwrap() {
        "copied" => format!("({})", event["copy"]["event"].as_str().unwrap()),
        name => name.to_owned(),
    });
    names.collect()
}

/// Returns the calls and the cost of all tasks, by the ledger.
fn ledger(az: &Az) -> (Value, Value) {
    let sums: Value =
        serde_json::from_str(&az.ok(&["cost", "show", "--period", "total", "--json"])).unwrap();
    (sums[0]["calls"].clone(), sums[0]["cost_nanos"].clone())
}

#[track_caller]
pub(crate) fn assert_refused(ended: &Ended, reason: &str) {
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(reason), "{ended:?}");
}

#[test]
fn a_fork_continues_after_a_step_and_repeats_and_books_nothing() {
    let az = Az::new();
    let old = three_steps(&az);
    assert_eq!(ledger(&az), (json!(3), json!(7000)));
    let ended = az.az(&["task", "fork", &old, "--at", "1"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    assert!(ended.stderr.contains("after step 1"), "{ended:?}");
    // The first step is copied, and its effect not repeated; the second one is done again.
    assert_eq!(az.read("log.txt"), "a\nb\nb\n");
    assert_eq!(ledger(&az), (json!(5), json!(13_000)));
    let fork = newest(&az);
    let shown = az.shown(&fork);
    assert_eq!(shown["cost_nanos"], 6000);
    assert_eq!(
        (&shown["steps"], &shown["runs"], &shown["tool_calls"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!(shown["continues"], json!({"task_id": old, "steps": 1}));
    assert_eq!(shown["entries"].as_array().unwrap().len(), 2);
    assert!(az.ok(&["task", "show", &fork]).contains(&format!("continues  {old} after 1 step")));
    let expected = [
        "(run_started)",
        "(context)",
        "(llm_intent)",
        "(llm_result)",
        "(tool_intent)",
        "(tool_result)",
        "run_started",
        "llm_intent",
        "llm_result",
        "tool_intent",
        "tool_result",
        "llm_intent",
        "llm_result",
        "run_finished",
    ];
    assert_eq!(events(&az, &fork), expected);
    let status = az.ok(&["db", "status", "--check"]);
    assert!(status.contains("open holds      0") && status.contains("sound"), "{status}");
    let trace = az.ok(&["task", "trace", &fork]);
    assert!(!trace.contains("interrupted"), "{trace}");
}

#[test]
fn a_fork_from_an_earlier_step_is_told_that_later_changes_stay() {
    let (az, requests) = with_model(Az::new());
    let old = three_steps(&az);
    // Nothing was changed after the second step.
    for at in ["0", "1", "2"] {
        az.ok(&["task", "fork", &old, "--at", at, "--model", "openai/m"]);
    }
    az.ok(&["task", "fork", &old, "--at", "1", "go on", "--model", "openai/m"]);
    let last_two = |body: &Value| {
        let messages = body["messages"].as_array().unwrap();
        let texts = messages.iter().rev().take(2).map(|said| said["content"].as_str().unwrap());
        texts.map(|text| text.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ends: Vec<_> = requests().iter().map(last_two).collect();
    // The beginnings of the last message and of the one before it.
    assert_eq!(ends, [["The", "write"], ["The", "appended"], ["appended", ""], ["go", "The"]]);
}

#[test]
fn the_tools_of_a_fork_read_the_copied_results() {
    let az = Az::new();
    let long: String = (0..9000).map(|line| format!("line {line}\n")).collect();
    az.file("long.txt", &long);
    let read =
        |name: &str, arguments: Value| json!({"calls": [{"name": name, "arguments": arguments}]});
    let model = script(
        &az,
        &[
            read("filesystem.read", json!({"path": "long.txt"})),
            read("output.read", json!({"call": "t0.0", "limit": 6})),
            says_for("read", 1),
        ],
    );
    az.ok(&["task", "run", "read", "--model", &model]);
    let old = newest(&az);
    az.ok(&["task", "fork", &old, "--at", "1"]);
    az.ok(&["task", "delete", &old]);
    let logs = az.ok(&["task", "logs", &newest(&az), "--format", "json"]);
    let results = logs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let own: Vec<_> = results.filter(|event| event["event"] == "tool_result").collect();
    assert_eq!((own.len(), &own[0]["outcome"]), (1, &json!("done")), "{own:?}");
    assert!(own[0].to_string().contains("line 0"), "{own:?}");
}

#[test]
fn a_budget_that_is_used_up_does_not_count_what_a_fork_copies() {
    let az = Az::new();
    let old = three_steps(&az);
    // What is spent already is 7,000 nano-dollars; the rest is enough for the answer alone.
    az.ok(&["cost", "budget", "set", "--amount", "0.000011"]);
    let ended = az.az(&["task", "fork", &old, "--at", "2"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    let ended = az.az(&["task", "fork", &old, "--at", "2"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ledger(&az), (json!(4), json!(11_000)));
}

#[test]
fn a_fork_with_a_text_continues_the_whole_conversation() {
    let az = Az::new();
    let old = three_steps(&az);
    let ended = az.az(&["task", "fork", &old, "one", "more"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "more\n"), "{ended:?}");
    let shown = az.shown(&newest(&az));
    assert_eq!((&shown["command"], &shown["continues"]["steps"]), (&json!("one more"), &json!(3)));
    // Without one it is the step before the answer.
    let ended = az.az(&["task", "fork", &old]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    let shown = az.shown(&newest(&az));
    assert_eq!(
        (&shown["command"], &shown["continues"]["steps"]),
        (&json!("write a and b"), &json!(2))
    );
}

#[test]
fn limits_and_resumes_count_the_steps_of_the_fork() {
    let az = Az::new();
    let old = three_steps(&az);
    let ended = az.az(&["task", "fork", &old, "--at", "1", "--max-steps", "1", "--max-calls", "1"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no answer after 1 step"), "{ended:?}");
    let fork = newest(&az);
    let ended = az.az(&["task", "resume", &fork, "--max-steps", "2"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    let events = events(&az, &fork);
    let count = |name: &str| events.iter().filter(|event| *event == name).count();
    assert_eq!((count("(run_started)"), count("run_started")), (1, 2), "{events:?}");
    assert_eq!(az.read("log.txt"), "a\nb\nb\n");
}

#[test]
fn a_fork_of_a_fork_has_all_steps_and_outlives_its_origin() {
    let az = Az::new();
    let old = three_steps(&az);
    az.ok(&["task", "fork", &old, "--at", "1", "--detach"]);
    let middle = newest(&az);
    az.ok(&["worker", "run", "--until-idle"]);
    az.ok(&["task", "delete", &old]);
    let ended = az.az(&["task", "fork", &middle, "--at", "2"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    let names = events(&az, &newest(&az));
    assert_eq!(names.iter().filter(|name| *name == "(tool_result)").count(), 2, "{names:?}");
    assert_eq!(az.read("log.txt"), "a\nb\nb\n");
}

#[test]
fn a_queued_fork_of_a_deleted_task_fails_and_says_so() {
    let az = Az::new();
    let old = three_steps(&az);
    az.ok(&["task", "fork", &old, "--at", "1", "--detach"]);
    let fork = newest(&az);
    az.ok(&["task", "delete", &old]);
    az.ok(&["worker", "run", "--until-idle"]);
    let shown = az.shown(&fork);
    assert_eq!(
        (&shown["status"], &shown["failure"]["kind"]),
        (&json!("failed"), &json!("invalid"))
    );
    assert_eq!(az.read("log.txt"), "a\nb\n");
    let resumed = az.az(&["task", "resume", &fork]);
    assert_eq!(resumed.code, Some(1), "{resumed:?}");
    let reason = format!("task {old}, which this one continues, was deleted with its record");
    assert!(resumed.stderr.contains(&reason), "{resumed:?}");
    let advice = "`az task run TEXT` begins a task without it";
    for again in [&resumed, &az.az(&["task", "retry", &fork])] {
        assert!(again.stderr.contains(advice), "{again:?}");
        assert!(!again.stderr.contains("starts over"), "{again:?}");
    }
    let refused = az.az(&["task", "fork", &fork]);
    let (short, old) = (&fork[fork.len() - 12..], &old[old.len() - 12..]);
    let reason = format!(
        "task {short} has no record: task {old}, which it continues, was deleted; {advice}"
    );
    assert_refused(&refused, &reason);
}

#[test]
fn what_cannot_be_forked_is_refused_with_what_to_do() {
    let az = Az::new();
    let old = three_steps(&az);
    let short = &old[old.len() - 12..];
    let range = format!("--at 4: task {short} has steps 0 to 3, of which 0 is before the first");
    assert_refused(&az.az(&["task", "fork", &old, "--at", "4", "x"]), &range);
    assert_refused(&az.az(&["task", "fork", &old, " "]), "the text must not be empty");
    assert_refused(&az.az(&["task", "fork", &old, "--at", "first"]), "invalid value 'first'");
    let unknown = az.az(&["task", "fork", "zzzz"]);
    assert_eq!(unknown.code, Some(66), "{unknown:?}");
    az.ok(&["task", "run", "list", "--detach"]);
    let queued = az.az(&["task", "fork", &newest(&az)]);
    assert_refused(&queued, "has no complete step yet; `az task retry");
    let ambiguous = az.az(&["task", "fork", &old[..4]]);
    assert!(ambiguous.stderr.contains("ambiguous id"), "{ambiguous:?}");
}

#[test]
fn a_task_that_runs_or_waits_is_neither_forked_nor_followed_up() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "late", "delay_millis": 60_000})]);
    let running = az.start(&["task", "run", "slow", "--model", &model]);
    until("the task runs", || az.az(&["task", "list", "--json"]).stdout.contains("\"running\""));
    let id = newest(&az);
    let reason = "is running; wait until it has ended, or stop it with `az task cancel";
    assert_refused(&az.az(&["task", "fork", &id]), reason);
    let reason = "is running and has no answer yet; `az task hint";
    assert_refused(&az.az(&["task", "run", "x", "--continue", &id]), reason);
    running.kill();

    let az = Az::new();
    az.ok(&["task", "run", "queued", "--detach"]);
    let reason = "is pending and has no answer yet";
    assert_refused(&az.az(&["task", "run", "x", "--continue", &newest(&az)]), reason);
    let az = Az::new();
    let ask = json!({"calls": [{"name": "shell.execute", "arguments": {"command": "true"}}]});
    let model = script(&az, &[ask]);
    az.az(&["task", "run", "ask", "--ask", "wait", "--model", &model]);
    let reason = "waits for approval of shell.execute; `az task approve";
    assert_refused(&az.az(&["task", "run", "x", "--continue", &newest(&az)]), reason);
}

/// Starts a server of models that answers every request; returns its requests, too.
pub(crate) fn with_model(az: Az) -> (Az, impl Fn() -> Vec<Value>) {
    let (address, requests) = serve(|request: &Request| match request.line.starts_with("GET ") {
        true => not_found(),
        false => says("an answer"),
    });
    let bodies = move || {
        let requests = requests.lock().unwrap();
        let calls = requests.iter().filter(|request| request.line.starts_with("POST "));
        calls.map(|request| request.body.clone()).collect()
    };
    (az.with_var("OPENAI_BASE_URL", address), bodies)
}

#[test]
fn a_follow_up_sends_the_conversation_again_byte_for_byte_and_the_new_text_after_it() {
    let (az, requests) = with_model(Az::new());
    az.file("AGENTS.md", "Use tabs.");
    az.ok(&["task", "run", "one", "--model", "openai/m"]);
    let first = newest(&az);
    // What the prompt would be made of has changed since.
    az.file("AGENTS.md", "Use spaces.");
    az.ok(&["task", "run", "and now two", "--continue", &first]);
    let second = newest(&az);
    az.ok(&["task", "run", "and", "three", "--continue", &second]);
    let bodies = requests();
    let messages = |index: usize| bodies[index]["messages"].as_array().unwrap().clone();
    for index in [1, 2] {
        let (before, after) = (messages(index - 1), messages(index));
        assert_eq!(after[..before.len()], before, "{index}");
        assert_eq!(after.len(), before.len() + 2, "{after:?}");
        assert_eq!(after[before.len()]["content"], "an answer");
        for field in ["tools", "prompt_cache_key"] {
            assert_eq!(bodies[index][field], bodies[0][field], "{field}");
        }
    }
    let users: Vec<_> = messages(2).iter().filter(|said| said["role"] == "user").cloned().collect();
    let texts: Vec<_> = users.iter().map(|said| said["content"].clone()).collect();
    assert_eq!(texts, ["one", "and now two", "and three"]);
    let shown = az.shown(&newest(&az));
    assert_eq!(shown["continues"], json!({"task_id": second, "steps": 2}));
    assert_eq!(shown["options"]["instructions"]["files"], json!(["AGENTS.md"]));
}

#[test]
fn a_follow_up_has_its_own_goals_and_the_model_is_told_of_them() {
    let (az, requests) = with_model(Az::new());
    az.ok(&["task", "run", "one", "--model", "openai/m", "--until", "true"]);
    let first = newest(&az);
    az.ok(&["task", "run", "two", "--continue", &first]);
    az.ok(&["task", "run", "three", "--until", "test -d .", "--continue", &newest(&az)]);
    let bodies = requests();
    let last = bodies.last().unwrap()["messages"].as_array().unwrap();
    let said = |index: usize| last[index]["content"].as_str().unwrap();
    assert!(said(3).starts_with("two\n\n[No command has to succeed any more"), "{last:?}");
    let told = "three\n\n[From here on this holds, and no longer what was said before:\n";
    assert!(said(5).starts_with(told) && said(5).contains("\n- test -d ."), "{last:?}");
}

#[test]
fn only_a_completed_task_is_followed_up() {
    let az = Az::new();
    let model = script(&az, &[append("a\n", 1), append("b\n", 1), says_for("done", 1)]);
    az.az(&["task", "run", "write", "--model", &model, "--max-steps", "2"]);
    let failed = newest(&az);
    let short = &failed[failed.len() - 12..];
    let reason = format!(
        "--continue: task {short} is failed and has no answer; `az task resume {short}` continues it, \
         `az task fork {short} TEXT` starts a new task from its last complete step"
    );
    assert_refused(&az.az(&["task", "run", "x", "--continue", &failed]), &reason);
    let conflict =
        az.az(&["task", "run", "x", "--continue", &failed, "--tools", "filesystem.read"]);
    assert_refused(&conflict, "cannot be used with");
    assert_eq!(az.az(&["task", "run", "x", "--continue", "zzzz"]).code, Some(66));
    // A fork continues it.
    let ended = az.az(&["task", "fork", &failed, "go on"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
}
