//! Checked goals: a task is completed only when its checks succeed.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Az, Ended, script};

fn write(path: &str, content: &str) -> Value {
    json!({"calls": [{"name": "filesystem.write", "arguments": {"path": path, "content": content}}]})
}

fn read(path: &str) -> Value {
    json!({"calls": [{"name": "filesystem.read", "arguments": {"path": path}}]})
}

fn claim() -> Value {
    json!({"text": "It is done."})
}

/// Runs a task with a check and scripted replies.
fn run(az: &Az, check: &str, options: &[&str], replies: &[Value]) -> Ended {
    let model = script(az, replies);
    let args = ["task", "run", "make it so", "--until", check, "--model", &model];
    az.az(&[&args, options].concat())
}

/// Returns the texts of the events of a type.
fn texts(az: &Az, of: &str) -> Vec<String> {
    let events = az.ok(&["task", "logs", &az.only_id(), "--format", "json"]);
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_type = events.filter(|event| event["event"] == of);
    of_type.map(|event| event["text"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_claim_is_checked_and_the_failure_goes_back_to_the_model() {
    let az = Az::new();
    let check = "cat out.txt || { echo 'there is no out.txt'; false; }";
    let ended = run(&az, check, &[], &[claim(), write("out.txt", "x"), claim()]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "It is done.\n"), "{ended:?}");
    let told = texts(&az, "observation");
    assert_eq!(told.len(), 1, "{told:?}");
    let begin = format!("The task is not done: the check `{check}` does not succeed.");
    assert!(told[0].starts_with(&begin) && told[0].contains("there is no out.txt"), "{told:?}");
    let shown = az.shown(&az.only_id());
    assert_eq!((&shown["options"]["until"], &shown["tool_calls"]), (&json!([check]), &json!(3)));
    assert!(az.ok(&["task", "show", &az.only_id()]).contains(&format!("until      {check}")));
}

#[test]
fn a_check_that_fails_three_times_alike_ends_the_task() {
    let az = Az::new();
    let check = "echo \"took 0.0$(wc -l < rounds)s\"; echo x >> rounds; false";
    az.file("rounds", "");
    let ended = run(&az, check, &[], &[claim(), claim(), claim(), claim()]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let reason =
        format!("the check `{check}` does not succeed, and its output was the same 3 times");
    assert!(ended.stderr.contains(&reason), "{ended:?}");
    assert_eq!(az.read("rounds"), "x\nx\nx\n");
    let resumed = az.az(&["task", "resume", &az.only_id()]);
    assert_eq!(resumed.code, Some(1), "{resumed:?}");
    // The last claim is checked again, as the check may succeed by now, and then the one that is left.
    assert_eq!(az.read("rounds"), "x\n".repeat(5));
}

#[test]
fn output_that_changes_is_progress_until_the_steps_are_used_up() {
    let az = Az::new();
    let replies: Vec<_> = (0..9).map(|_| claim()).collect();
    let check = "echo x >> rounds; cat rounds; false";
    let ended = run(&az, check, &["--max-steps", "6"], &replies);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("6 steps"), "{ended:?}");
    assert_eq!(az.read("rounds"), "x\n".repeat(6));
}

#[test]
fn every_check_has_to_succeed_and_the_model_needs_no_shell() {
    let az = Az::new();
    let options = ["--until", "test -f b", "--tools", "filesystem.write"];
    let replies = [write("a", "x"), claim(), write("b", "x"), claim()];
    let ended = run(&az, "test -f a", &options, &replies);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(texts(&az, "observation")[0].contains("the check `test -f b` does not succeed"));
}

#[test]
fn a_denied_check_is_not_made_and_nothing_is_claimed() {
    let az = Az::new();
    let ended = run(&az, "true", &["--deny", "shell.execute"], &[claim()]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the check `true` was not made: not allowed:"), "{ended:?}");
}

#[test]
fn without_a_sandbox_a_check_needs_the_permission_to_run_commands() {
    let az = Az::new().with_var("AZ_SANDBOX_TIER", "off");
    let ended = run(&az, "true", &[], &[claim()]);
    assert_eq!(ended.code, Some(77), "{ended:?}");
    assert!(ended.stderr.contains("--allow shell.execute"), "{ended:?}");
    let az = Az::new().with_var("AZ_SANDBOX_TIER", "off");
    let ended = run(&az, "true", &["--allow", "shell.execute"], &[claim()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// Each run checks anew, but does not ask again for what was approved.
#[test]
fn a_check_that_waits_for_approval_is_made_once_it_is_approved() {
    let az = Az::new().with_var("AZ_SANDBOX_TIER", "off");
    let ended = run(&az, "echo x >> checked", &["--ask", "wait"], &[claim()]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let id = az.only_id();
    for _ in 0..2 {
        assert_eq!(az.az(&["task", "resume", &id]).code, Some(75));
    }
    az.ok(&["task", "approve", &id]);
    let resumed = az.az(&["task", "resume", &id]);
    assert_eq!((resumed.code, resumed.stdout.as_str()), (Some(0), "It is done.\n"), "{resumed:?}");
    assert_eq!(az.read("checked"), "x\n");
}

/// What it runs may be another program since.
#[test]
fn an_approved_check_is_asked_about_again_after_another_turn_of_the_model() {
    let az = Az::new().with_var("AZ_SANDBOX_TIER", "off");
    az.file("v.sh", "echo good >> log; true");
    let replies = [claim(), read("v.sh"), write("v.sh", "echo evil >> log"), claim()];
    let ended = run(&az, "sh v.sh", &["--ask", "wait"], &replies);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    let id = az.only_id();
    az.ok(&["task", "approve", &id]);
    az.ok(&["task", "hint", &id, "do more"]);
    assert_eq!(az.az(&["task", "resume", &id]).code, Some(75));
    assert_eq!(az.read("log"), "");
    assert_eq!(az.read("v.sh"), "echo evil >> log");
}

#[test]
fn checks_do_not_count_as_calls_of_the_model() {
    let az = Az::new();
    let replies = [claim(), write("out.txt", "x"), claim()];
    let ended = run(&az, "test -f out.txt", &["--max-calls", "1"], &replies);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn the_report_names_the_files_of_the_check_that_changed() {
    let az = Az::new();
    az.file("check.sh", "exit 1");
    let ended =
        run(&az, "sh check.sh", &[], &[read("check.sh"), write("check.sh", "exit 0"), claim()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let note = "the checks succeed; 1 file of the checks changed meanwhile: check.sh";
    assert_eq!(texts(&az, "note"), [note]);
    assert!(ended.stderr.contains(note), "{ended:?}");
}

#[test]
fn a_check_must_be_a_command() {
    let az = Az::new();
    for check in ["", "  "] {
        let ended = az.az(&["task", "run", "x", "--until", check]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("must be a shell command"), "{ended:?}");
    }
}

/// Returns the replies of a model that lies: it claims, writes the file, and removes it again.
fn lies(seed: u64) -> Vec<Value> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let remove =
        json!({"calls": [{"name": "shell.execute", "arguments": {"command": "rm -f done"}}]});
    let undo = json!({
        "calls": [{"name": "shell.execute", "arguments": {"command": "(sleep 0.02; rm -f done) & true"}}]
    });
    let replies = (0..next(7) + 1).map(|_| match next(6) {
        0 => write("done", "x"),
        1 => remove.clone(),
        2 => undo.clone(),
        3 => json!({"text": "The check succeeded: exit code 0."}),
        _ => claim(),
    });
    replies.chain([claim()]).collect()
}

#[test]
fn no_lie_is_reported_as_done_while_the_check_fails() {
    const SCRIPTS: usize = 200;
    let (next, completed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SCRIPTS {
                        break;
                    }
                    let az = Az::in_memory();
                    // The check says what it saw.
                    let check =
                        "test -f done && echo yes >> checked || { echo no >> checked; false; }";
                    let replies = lies(seed as u64);
                    let ended = run(&az, check, &["--allow", "shell.execute"], &replies);
                    let last = az.read("checked").lines().last().unwrap_or_default().to_owned();
                    let is_completed = az.shown(&az.only_id())["status"] == "completed";
                    assert_eq!(is_completed, last == "yes", "{seed}: {ended:?}");
                    assert_eq!(is_completed, ended.code == Some(0), "{seed}: {ended:?}");
                    completed.fetch_add(usize::from(is_completed), Ordering::Relaxed);
                }
            });
        }
    });
    let completed = completed.into_inner();
    assert!((20..SCRIPTS - 20).contains(&completed), "{completed} were completed");
}
