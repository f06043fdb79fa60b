//! Bad input: a clear message, the documented exit code, and nothing half-done.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use crate::support::{Az, Ended};

/// Runs something wrong; checks its exit code, that it says what it should, and that no task came
/// of it.
#[track_caller]
fn refused(az: &Az, args: &[&str], code: i32, says: &[&str]) -> Ended {
    let ended = az.az(args);
    assert_eq!(ended.code, Some(code), "az {args:?}: {ended:?}");
    for text in says {
        assert!(ended.stderr.contains(text), "az {args:?} does not say {text:?}: {ended:?}");
    }
    assert_eq!(ended.stdout, "", "az {args:?}");
    ended
}

#[track_caller]
fn has_no_tasks(az: &Az) {
    assert_eq!(az.ok(&["task", "list", "--format", "json"]).trim(), "[]");
}

#[test]
fn an_unknown_model_is_refused_with_the_known_ones() {
    let az = Az::new();
    refused(&az, &["task", "run", "read a", "--model", "oflline"], 78, &["oflline", "offline"]);
    refused(&az, &["task", "run", "read a", "--model", "openai/x"], 78, &["OPENAI_API_KEY"]);
    let missing = ["task", "run", "read a", "--model", "scripted:nothing.jsonl"];
    refused(&az, &missing, 78, &["nothing.jsonl"]);
    has_no_tasks(&az);
}

#[test]
fn an_unknown_task_is_reported_with_similar_ids() {
    let az = Az::new();
    refused(&az, &["task", "show", "nothing"], 66, &["no task \"nothing\"", "az task list"]);
    az.ok(&["task", "run", "--detach", "a task to be found"]);
    let id = az.only_id();
    let mut typo = id.split_at(24).1.to_owned();
    typo.replace_range(2..3, if &typo[2..3] == "0" { "1" } else { "0" });
    for verb in ["show", "logs", "watch", "resume", "cancel", "retry", "fork", "delete"] {
        let ended = refused(&az, &["task", verb, &typo], 66, &["did you mean", &id[24..]]);
        assert!(ended.stderr.contains("a task to be found"), "{verb}: {ended:?}");
    }
    assert_eq!(az.shown(&id[..13])["id"], id, "a beginning will do");
    assert_eq!(az.shown(&id[24..])["id"], id, "an end will do");
}

#[test]
fn an_id_that_several_tasks_have_is_not_guessed() {
    let az = Az::new();
    az.ok(&["task", "run", "--detach", "first"]);
    az.ok(&["task", "run", "--detach", "second"]);
    refused(&az, &["task", "cancel", "0"], 2, &["could be any of", "first", "second"]);
}

#[test]
fn of_several_tasks_none_is_touched_when_one_is_unknown() {
    let az = Az::new();
    az.ok(&["task", "run", "--detach", "stay as you are"]);
    let id = az.only_id();
    for verb in ["cancel", "delete"] {
        refused(&az, &["task", verb, &id, "nothing"], 66, &["no task \"nothing\""]);
        assert_eq!(az.shown(&id)["status"], "pending", "{verb}");
    }
}

#[test]
fn an_empty_command_is_refused() {
    let az = Az::new();
    refused(&az, &["task", "run", ""], 2, &["empty"]);
    refused(&az, &["task", "run", " \n "], 2, &["empty"]);
    refused(&az, &["task", "run"], 2, &["TASK"]);
    has_no_tasks(&az);
}

#[test]
fn a_command_of_10_mb_is_refused_with_what_to_do() {
    let az = Az::new();
    let mut child = az.command(["task", "run", "-"]);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // It stops reading once it knows: the rest meets a closed pipe.
    input.write_all(&vec![b'x'; 10 << 20]).ok();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("1048576 bytes") && stderr.contains("file"), "{stderr}");
    has_no_tasks(&az);
}

#[test]
fn a_command_on_standard_input_is_read_to_its_end_and_checked() {
    let long = "x".repeat(1 << 20);
    let too_long = format!("{long}y");
    for (input, reason) in [
        (b"".as_slice(), "invalid command: must not be empty"),
        (b" \n", "invalid command: must not be empty"),
        (b"list \xff", "the task on standard input is not UTF-8"),
        (b"a\0b", "invalid command: must not contain a NUL character"),
        (too_long.as_bytes(), "the task is longer than 1048576 bytes; put large input into a file"),
    ] {
        let az = Az::new();
        let (code, stderr) = with_stdin(&az, &["task", "run", "-"], input);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(reason), "{stderr}");
        has_no_tasks(&az);
    }
    let az = Az::new();
    let (code, stderr) = with_stdin(&az, &["task", "run", "-", "--detach"], long.as_bytes());
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(az.shown(&az.only_id())["command"].as_str().map(str::len), Some(1 << 20));
}

/// Runs a command with this standard input; returns its exit code and its standard error.
fn with_stdin(az: &Az, args: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let mut child = az.command(args);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).ok();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn arguments_that_are_not_utf8_are_refused() {
    let az = Az::new();
    let args = [OsStr::new("task"), OsStr::new("run"), OsStr::from_bytes(b"list \xff")];
    let output = az.command(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("UTF-8"), "{stderr}");
    has_no_tasks(&az);
}

#[test]
fn unknown_values_are_refused_with_the_known_ones() {
    let az = Az::new();
    refused(&az, &["task", "lisst"], 2, &["list"]);
    refused(&az, &["task", "run", "x", "--priority", "hihg"], 2, &["low, medium, high, urgent"]);
    refused(&az, &["task", "list", "--status", "done"], 2, &["completed"]);
    refused(&az, &["task", "run", "x", "--tools", "filesystem.raed"], 2, &["filesystem.read"]);
    let likely = "did you mean shell.execute?";
    refused(&az, &["task", "run", "x", "--allow", "shell"], 2, &[likely]);
    refused(&az, &["task", "run", "x", "--timeout", "soon"], 2, &["90s"]);
    refused(&az, &["task", "run", "x", "--max-steps", "0"], 2, &["--max-steps"]);
    refused(&az, &["task", "run", "x", "-C", "nowhere"], 2, &["nowhere"]);
    refused(&az, &["worker", "run", "--concurrency", "0"], 2, &["--concurrency"]);
    has_no_tasks(&az);
}

#[test]
fn a_command_of_another_program_is_refused_with_what_to_type() {
    let az = Az::new();
    for (args, typed) in [
        (&["why is it blue?"][..], "help: type `az task run 'why is it blue?'`"),
        (&["run", "x", "--model", "m"], "help: type `az task run x --model m`"),
        (&["chat"], "help: type `az task run`"),
    ] {
        refused(&az, args, 2, &["unrecognized subcommand", typed]);
    }
    has_no_tasks(&az);
}

#[test]
fn every_listing_has_the_option_format() {
    let az = Az::new();
    az.ok(&["db", "init"]);
    let usage = "{\"input_tokens\": 7}";
    let model = "anthropic/claude-sonnet-4-5";
    for args in [
        &["models", "price", "--model", model, "--usage", usage][..],
        &["models", "show", model],
        &["models", "route", "hello"],
        &["models", "list"],
        &["task", "list"],
        &["db", "status"],
        &["cost", "show"],
        &["cost", "budget", "show"],
    ] {
        let by_option = az.ok(&[args, &["--format", "json"]].concat());
        assert_eq!(by_option, az.ok(&[args, &["--json"]].concat()), "{args:?}");
        let parsed: serde_json::Value = serde_json::from_str(&by_option).unwrap();
        assert!(parsed.is_array() || parsed.is_object(), "{by_option}");
        assert!(az.ok(&[args, &["--format", "csv"]].concat()).len() < by_option.len(), "{args:?}");
    }
}

#[test]
fn a_command_that_the_planner_cannot_read_changes_nothing() {
    let az = Az::new();
    let task = "write \"x\" to made.txt then frobnicate it";
    let ended = az.az(&["task", "run", task]);
    assert_eq!(ended.code, Some(65), "{ended:?}");
    assert!(ended.stderr.contains("frobnicate"), "{ended:?}");
    assert!(!az.work().join("made.txt").exists(), "nothing half-done");
}

#[test]
fn an_invalid_configuration_file_is_reported_with_line_and_column() {
    let az = Az::new();
    az.file("config.toml", "[llm]\nmodel = 7\n");
    let config = az.work().join("config.toml").display().to_string();
    let az = az.with_var("AZ_CONFIG", config);
    refused(&az, &["task", "list"], 78, &["config.toml", "config.toml:2:9"]);
}

#[test]
fn without_home_the_error_names_the_alternatives() {
    let az = Az::new();
    let mut command = az.command(["task", "list"]);
    let output = command.env_remove("HOME").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{stderr}");
    assert!(stderr.contains("--data-dir"), "{stderr}");
}

#[test]
fn a_value_that_is_none_of_the_possible_ones_is_refused_with_the_nearest() {
    let az = Az::new();
    for (args, likely) in [
        (&["task", "list", "--status", "faild"][..], "'failed'"),
        (&["task", "list", "--priority", "hihg"], "'high'"),
        (&["task", "list", "--format", "jsn"], "'json'"),
        (&["task", "run", "x", "--priority", "urgnt"], "'urgent'"),
        (&["models", "route", "x", "--priority", "urgnt"], "'urgent'"),
        (&["cost", "show", "--period", "dayly"], "'daily'"),
        (&["cost", "export", "--period", "weakly"], "'weekly'"),
        (&["cost", "budget", "set", "--amount", "1", "--period", "montly"], "'monthly'"),
        (&["cost", "budget", "clear", "--period", "totl"], "'total'"),
    ] {
        refused(&az, args, 2, &["a similar value exists: ", likely, "possible values: "]);
    }
    has_no_tasks(&az);
}

#[test]
fn a_payer_without_calls_is_shown_with_what_was_probably_meant() {
    let az = Az::new();
    az.ok(&["task", "run", "--detach", "a task to be found"]);
    let id = az.only_id();
    let says = |payer: &str| {
        let commands = ["show", "export", "reconcile"];
        let ended = commands.map(|command| az.az(&["cost", command, "--payer", payer]));
        let [said, others @ ..] = ended.map(|ended| {
            assert_eq!(ended.code, Some(0), "{ended:?}");
            ended.stderr
        });
        let said = said.trim_start_matches("no calls in this time\n").to_owned();
        assert!(others.iter().all(|other| other.ends_with(&said)), "{others:?}: {said}");
        said
    };
    assert!(says("tsak:1").contains("did you mean --payer task:1?"), "{}", says("tsak:1"));
    let mut typo = id.split_at(24).1.to_owned();
    typo.replace_range(2..3, if &typo[2..3] == "0" { "1" } else { "0" });
    assert!(says(&format!("task:{typo}")).contains(&id[24..]), "{typo} {id}");
    for known in ["key:test", "tenant:a", &format!("task:{id}")] {
        assert!(!says(known).contains("did you mean"), "{known}");
    }
}
