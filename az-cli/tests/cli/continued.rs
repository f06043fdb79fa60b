//! Forks and follow-ups of tasks that are not plain: where a fork begins, and what it has of the old task.

use std::io::Write;
use std::process::Stdio;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::fork::{append, assert_refused, newest, says_for, three_steps, with_model};
use crate::support::{Az, Ended, Running, script, until};

fn says(text: &str) -> Value {
    says_for(text, 1)
}

/// Runs a task with a check that fails at first; returns its id.
fn with_check(az: &Az, check: &str, replies: &[Value]) -> String {
    let model = script(az, replies);
    az.az(&["task", "run", "go", "--model", &model, "--until", check]);
    newest(az)
}

/// Forks a task; returns what it printed, and the number of copied steps.
fn forked(az: &Az, args: &[&str]) -> (String, Value) {
    let printed = az.ok(&[&["task", "fork"], args].concat());
    (printed, az.shown(&newest(az))["continues"]["steps"].clone())
}

#[test]
fn a_fork_without_a_text_begins_at_no_answer_and_asks_the_model() {
    let az = Az::new();
    let replies = [says("one"), append("a\n", 1), says("two")];
    let old = with_check(&az, "test -f log.txt", &replies);
    let short = &old[old.len() - 12..];
    for step in ["1", "3"] {
        let refused = format!(
            "--at {step}: this step of task {short} is an answer; give a text that follows it, or a step that \
             is none, such as 2"
        );
        assert_refused(&az.az(&["task", "fork", &old, "--at", step]), &refused);
    }
    assert_eq!(forked(&az, &[&old]), ("two\n".to_owned(), json!(2)));
    assert_eq!(forked(&az, &[&old, "--at", "0"]), ("one\n".to_owned(), json!(0)));
}

#[test]
fn a_fork_without_a_text_begins_before_several_answers() {
    let az = Az::new();
    let replies = [append("a\n", 1), says("one"), says("two")];
    let old = with_check(&az, "test -f flag || { touch flag; false; }", &replies);
    assert_eq!(az.shown(&old)["answer"], "two");
    assert_eq!(forked(&az, &[&old]), ("one\n".to_owned(), json!(1)));
}

#[test]
fn an_answer_that_a_command_follows_is_a_step_to_fork_from() {
    let az = Az::new();
    let old = three_steps(&az);
    az.ok(&["task", "run", "go on", "--continue", &old]);
    let follow_up = newest(&az);
    assert_eq!(forked(&az, &[&follow_up, "--at", "3"]), ("more\n".to_owned(), json!(3)));
    assert_eq!(az.shown(&newest(&az))["command"], "go on");
}

#[test]
fn a_reply_that_was_cut_off_is_no_answer() {
    let az = Az::new();
    let part = || json!({"text": "part ", "stop": "length"});
    let old = with_check(&az, "true", &[part(), part(), part(), says("end")]);
    assert_eq!(az.shown(&old)["status"], "failed");
    assert_eq!(forked(&az, &[&old]), ("part part part end\n".to_owned(), json!(3)));
    assert_eq!(forked(&az, &[&old, "never mind"]), ("end\n".to_owned(), json!(3)));
}

#[test]
fn a_fork_from_before_a_command_tells_the_model_of_the_goals_of_that_command() {
    let (az, requests) = with_model(Az::new());
    az.ok(&["task", "run", "one", "--model", "openai/m"]);
    az.ok(&["task", "run", "two", "--until", "test -d .", "--continue", &newest(&az)]);
    let follow_up = newest(&az);
    az.ok(&["task", "fork", &follow_up, "--at", "0"]);
    az.ok(&["task", "fork", &newest(&az), "--at", "0", "three"]);
    az.ok(&["task", "fork", &follow_up, "--at", "1", "four"]);
    let is_command = |text: &String| !text.starts_with("The conversation up to here is a copy");
    let said = |body: &Value| {
        let messages = body["messages"].as_array().unwrap();
        let texts = messages.iter().filter(|said| said["role"] == "user");
        let texts = texts.map(|said| said["content"].as_str().unwrap().to_owned());
        texts.filter(is_command).collect::<Vec<_>>()
    };
    let bodies = requests();
    let note = "\n\n[From here on this holds, and no longer what was said before:\n\nThe task is done when \
                these commands succeed. They are run each time you say that it is done:\n- test -d .\n]";
    assert_eq!(said(&bodies[2]), [format!("one{note}")]);
    assert_eq!(said(&bodies[3]), [format!("one{note}"), "three".to_owned()]);
    assert_eq!(said(&bodies[4]), ["one".to_owned(), format!("two{note}"), "four".to_owned()]);
}

#[test]
fn a_fork_of_an_interrupted_task_names_what_continues_it() {
    let az = Az::new();
    let model = script(&az, &[append("a\n", 1), json!({"text": "late", "delay_millis": 60_000})]);
    let running = az.start(&["task", "run", "slow", "--model", &model]);
    until("the first step is done", || az.work().join("log.txt").exists());
    let id = newest(&az);
    running.kill();
    let short = &id[id.len() - 12..];
    let reason = format!(
        "task {short} is not complete, and the process that ran it has ended; `az task resume {short}` \
         continues it"
    );
    assert_refused(&az.az(&["task", "fork", &id]), &reason);
}

/// Forks a task with a text or input on standard input.
fn piped(az: &Az, args: &[&str], input: &str) -> Ended {
    let mut command = az.command([&["task", "fork"], args].concat());
    command.stdin(Stdio::piped());
    let mut running = Running::spawn(command);
    running.child().stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    running.wait()
}

#[test]
fn a_fork_reads_its_text_or_input_for_it_from_standard_input() {
    let az = Az::new();
    let old = three_steps(&az);
    let ended = piped(&az, &[&old, "-"], "what\nelse?\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "more\n"), "{ended:?}");
    assert_eq!(az.shown(&newest(&az))["command"], "what\nelse?");
    let ended = piped(&az, &[&old, "use", "this", "-"], "+ x\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "more\n"), "{ended:?}");
    let shown = az.shown(&newest(&az));
    assert_eq!(
        (&shown["command"], &shown["options"]["input_bytes"]),
        (&json!("use this"), &json!(4))
    );
    assert_refused(&piped(&az, &[&old, "-"], "\n"), "the text must not be empty");
}

#[test]
fn a_follow_up_of_a_task_without_a_workspace_has_none() {
    let az = Az::new();
    let old = three_steps(&az);
    let db = Connection::open(az.database()).unwrap();
    let sql = "UPDATE task SET options = json_remove(options, '$.workspace')";
    assert_eq!(db.execute(sql, []), Ok(1));
    drop(db);
    assert_eq!(az.shown(&old)["options"]["workspace"], Value::Null);
    az.ok(&["task", "run", "go on", "--continue", &old]);
    assert_eq!(az.shown(&newest(&az))["options"]["workspace"], Value::Null);
}
