//! Hints that are typed at a terminal.

use std::thread;

use serde_json::json;

use crate::hint::recorded;
use crate::support::{Az, Ended, script, until};
use crate::terminal::at_terminal;
use crate::watch::{started, waiting};

/// Runs a command at a terminal, and creates the file `go` once a hint is stored. `None` on a machine without
/// Python.
fn typed(az: &Az, args: &[&str], dialog: &[(&str, &str)], stored: &[&str]) -> Option<Ended> {
    thread::scope(|scope| {
        let shown = scope.spawn(|| at_terminal(az, args, dialog));
        until("the hint is stored", || {
            let listed = az.az(&["task", "list", "--format", "json"]).stdout;
            let tasks: serde_json::Value = serde_json::from_str(&listed).unwrap_or_default();
            let is_stored = |id| az.shown(id)["hints"] == json!(stored);
            shown.is_finished() || tasks[0]["id"].as_str().is_some_and(is_stored)
        });
        az.file("go", "");
        shown.join().unwrap()
    })
}

#[test]
fn a_line_typed_into_a_run_is_a_hint_and_its_row_stays_on_the_screen() {
    let az = Az::new().with_var("NO_COLOR", "1");
    let args = waiting(&az);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let dialog = [("hint> ", "use the files in src\n")];
    let Some(ended) = typed(&az, &args, &dialog, &["use the files in src"]) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for shown in ["use the files in src\r\n", "  » use the files in src", "the answer\r\n"] {
        assert!(ended.stdout.contains(shown), "{shown}: {ended:?}");
    }
    let id = az.only_id();
    assert_eq!(recorded(&az, &id), ["use the files in src"]);
    assert_eq!(az.shown(&id)["hints"], json!([]));
}

#[test]
fn a_line_typed_into_a_watch_is_a_hint_for_the_task_of_the_other_process() {
    let az = Az::new().with_var("NO_COLOR", "1");
    let (running, id) = started(&az);
    let dialog = [("hint> ", "look in docs\n")];
    let Some(ended) = typed(&az, &["task", "watch", &id], &dialog, &["look in docs"]) else {
        return;
    };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("  » look in docs"), "{ended:?}");
    let run = running.wait();
    assert!(run.stderr.contains("  » look in docs"), "{run:?}");
    assert_eq!(recorded(&az, &id), ["look in docs"]);
}

/// The line before the question is a hint, and the beginning of a line is discarded.
#[test]
fn what_was_typed_before_a_question_is_shown_does_not_answer_it() {
    let az = Az::new();
    let call = |command: &str| json!({"calls": [{"name": "shell.execute", "arguments": {"command": command}}]});
    let wait = call("while [ ! -e go ]; do sleep 0.02; done");
    let model = script(&az, &[wait, call("touch forbidden"), json!({"text": "done"})]);
    let dialog = [("[y/t/a/n] ", "y\n"), ("hint> ", "y\ny"), ("[y/t/a/n] ", "\n")];
    let args = ["task", "run", "two commands", "--model", &model];
    let Some(ended) = typed(&az, &args, &dialog, &["y"]) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(recorded(&az, &az.only_id()), ["y"]);
    assert!(!az.work().join("forbidden").exists(), "the call was allowed: {ended:?}");
}

/// The line that is typed lets the command end.
#[test]
fn the_last_lines_of_a_running_command_are_shown_and_erased_at_its_end() {
    let az = Az::new().with_var("NO_COLOR", "1").with_var("A_TOKEN", "secret-of-mine");
    az.file("said", "it is secret-of-mine\n");
    let command = "for i in 1 2 3 4 5 6 7; do echo line $i; done; cat said >&2; \
                   while [ ! -e go ]; do sleep 0.02; done";
    let call = json!({"calls": [{"name": "shell.execute", "arguments": {"command": command}}]});
    let model = script(&az, &[call, json!({"text": "the answer"})]);
    let args = ["task", "run", "wait", "--allow", "shell.execute", "--model", &model];
    let Some(ended) = typed(&az, &args, &[("  line 7", "x\n")], &["x"]) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Each row is drawn on its own, and the oldest lines make room.
    let rows = "\x1b[B\x1b[G";
    let drawn = [4, 5, 6, 7].map(|i| format!("{rows}  line {i}")).concat();
    assert!(ended.stdout.contains(&format!("{drawn}{rows}  it is [redacted]")), "{ended:?}");
    assert!(!ended.stdout.contains("secret-of-mine\x1b"), "{ended:?}");
    let (_, after) = ended.stdout.rsplit_once("  ✓ shell.execute").unwrap();
    assert!(!after.contains("  line 7"), "{ended:?}");

    // With the answer in a file, or as events, what a command prints is not shown.
    let run = az.az(&[&args[..], &["--json"]].concat());
    assert!(!run.stdout.contains("\"lines\""), "{run:?}");
    assert!(!run.stderr.contains("line 7"), "{run:?}");
}
