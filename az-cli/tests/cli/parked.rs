//! Tasks that wait for an answer, and the commands that give it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Az, script, until};

/// The call, as it is shown.
const CALL: &str = r#"shell.execute command="echo x >> out""#;

/// Returns a model that makes a call that needs approval, and then answers.
fn model(az: &Az) -> String {
    let call = json!({"name": "shell.execute", "arguments": {"command": "echo x >> out"}});
    script(az, &[json!({"calls": [call]}), json!({"text": "done"})])
}

/// Parks a task; returns its id.
fn park(az: &Az) -> String {
    let ended = az.az(&["task", "run", "once", "--ask", "wait", "--model", &model(az)]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    ended.stdout.trim().to_owned()
}

fn waiting(az: &Az) -> Vec<Value> {
    serde_json::from_str(&az.ok(&["task", "list", "--waiting", "--format", "json"])).unwrap()
}

/// Returns the last result of a tool in the journal.
fn last_result(az: &Az, id: &str) -> String {
    let events = az.ok(&["task", "logs", id, "--format", "json"]);
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let result = events.iter().rev().find(|event| event["event"] == "tool_result").unwrap();
    result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_foreground_run_parks_its_task_and_says_how_to_go_on() {
    let az = Az::new();
    let ended = az.az(&["task", "run", "once", "--ask", "wait", "--model", &model(&az)]);
    let id = az.only_id();
    let short = &id[id.len() - 12..];
    assert_eq!((ended.code, ended.stdout.trim()), (Some(75), id.as_str()));
    assert!(
        ended.stderr.contains(&format!(
            "task {short} waits for approval of shell.execute; `az task approve {short}` approves \
             it, `az task deny {short}` denies it; then `az worker run` or `az task resume {short}` \
             continues it"
        )),
        "{ended:?}"
    );
    let shown = az.shown(&id);
    assert_eq!(shown["status"], "pending");
    let wait = &shown["waiting"];
    assert_eq!((&wait["call"], &wait["tool"]), (&json!("t0.0"), &json!("shell.execute")));
    assert_eq!(shown["waiting_arguments"], json!({"command": "echo x >> out"}));
    let text = az.ok(&["task", "show", &id]);
    assert!(text.contains(CALL), "{text}");
    assert!(az.ok(&["task", "list", "--waiting"]).contains("shell.execute"));

    let resumed = az.az(&["task", "resume", &id]);
    assert_eq!(resumed.code, Some(75), "{resumed:?}");
    assert!(resumed.stderr.contains("waits for approval of shell.execute"), "{resumed:?}");
    let worked = az.az(&["worker", "run", "--until-idle"]);
    assert_eq!(worked.code, Some(0), "{worked:?}");
    assert_eq!(az.read("out"), "");
}

#[test]
fn an_approved_call_is_made_by_any_worker() {
    let az = Az::new();
    let id = park(&az);
    let approved = az.az(&["task", "approve", &id]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    assert!(approved.stderr.contains(CALL), "the call: {approved:?}");
    assert_eq!(waiting(&az), [json!(null); 0]);
    az.ok(&["worker", "run", "--until-idle"]);
    let shown = az.shown(&id);
    assert_eq!((&shown["status"], &shown["waiting"]), (&json!("completed"), &Value::Null));
    assert_eq!(az.read("out"), "x\n");
}

#[test]
fn a_worker_that_waits_runs_an_approved_task_within_a_second() {
    let az = Az::new();
    let id = park(&az);
    let worker = az.start(&["worker", "run"]);
    az.ok(&["task", "approve", &id]);
    let begun = Instant::now();
    until("the task is done", || az.read("out") == "x\n");
    let took = begun.elapsed();
    worker.kill();
    assert!(took < Duration::from_secs(1), "it took {took:?}");
}

#[test]
fn the_model_sees_the_reason_for_a_denial() {
    let az = Az::new();
    let id = park(&az);
    az.ok(&["task", "deny", &id, "--reason", "use the staging server"]);
    az.ok(&["task", "resume", &id]);
    assert_eq!(last_result(&az, &id), "not approved: use the staging server");
    assert_eq!(az.read("out"), "");
}

#[test]
fn an_answer_that_a_task_does_not_wait_for_is_refused() {
    let az = Az::new();
    let id = park(&az);
    let short = &id[id.len() - 12..];
    let refused = |args: &[&str], reason: &str| {
        let ended = az.az(args);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{ended:?}");
    };
    let this = |reason: &str| format!("task {short} does not wait for this answer: {reason}");
    refused(
        &["task", "approve", &id, "--digest", "0123456789ab"],
        &this("its call of shell.execute has another digest than 0123456789ab"),
    );
    refused(&["task", "approve", &id, "--digest", "01"], "must have at least 8 characters");
    refused(
        &["task", "answer", &id, "yes"],
        &this("the call of shell.execute needs an approval and not an answer"),
    );
    let digest = az.shown(&id)["waiting"]["digest"].as_str().unwrap()[..12].to_owned();
    az.ok(&["task", "approve", &id, "--digest", &digest]);
    for args in [["task", "approve", &id], ["task", "deny", &id]] {
        refused(&args, &this("it was answered already"));
    }
    az.ok(&["task", "resume", &id]);
    refused(&["task", "approve", &id], &this("it is completed"));
    let unknown = az.az(&["task", "approve", "nothing"]);
    assert_eq!(unknown.code, Some(66), "{unknown:?}");
}

#[test]
fn a_parked_task_is_cancelled_at_once() {
    let az = Az::new();
    let id = park(&az);
    az.ok(&["task", "cancel", &id]);
    let shown = az.shown(&id);
    assert_eq!((&shown["status"], &shown["waiting"]), (&json!("cancelled"), &Value::Null));
}

#[test]
fn the_task_the_configuration_and_the_worker_decide_in_this_order() {
    let az = Az::new();
    let model = model(&az);
    let run = |args: &[&str]| {
        let mut all = vec!["task", "run", "once", "--model", &model];
        all.extend(args);
        az.az(&all).code
    };
    assert_eq!(run(&[]), Some(77), "by default it fails");
    az.ok(&["config", "set", "tools.unattended", "wait"]);
    assert_eq!(run(&[]), Some(75));
    assert_eq!(run(&["--ask", "deny"]), Some(77));
    az.ok(&["config", "unset", "tools.unattended"]);

    assert_eq!(run(&["--detach"]), Some(0));
    az.ok(&["worker", "run", "--until-idle", "--ask", "wait"]);
    assert_eq!(waiting(&az).len(), 2);
    assert_eq!(run(&["--detach", "--ask", "deny"]), Some(0));
    az.ok(&["worker", "run", "--until-idle", "--ask", "wait"]);
    assert_eq!(waiting(&az).len(), 2, "the mode of the task counts");
}

#[test]
fn events_say_that_a_task_was_parked() {
    let az = Az::new();
    let ended = az.az(&["--json", "task", "run", "once", "--ask", "wait", "--model", &model(&az)]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let last: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["event"], &last["waiting"]["tool"]),
        (&json!("parked"), &json!("shell.execute"))
    );
    let id = az.only_id();
    let answered: Value =
        serde_json::from_str(&az.ok(&["--json", "task", "approve", &id])).unwrap();
    let expected = json!({
        "event": "task_answered", "task": id, "call": "t0.0", "tool": "shell.execute",
        "answer": "approved",
    });
    assert_eq!(answered, expected);
}
