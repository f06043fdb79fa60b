//! What commands refuse, what they say about it, and their exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Az, Ended, Running, script, until};

/// Starts a task whose command waits for the file `go`.
fn waiting(az: &Az) -> Running {
    let wait = "touch begun; until [ -e go ]; do sleep 0.01; done";
    let model = script(
        az,
        &[json!({"calls": [{"name": "shell.execute", "arguments": {"command": wait}}]})],
    );
    let args = ["task", "run", "wait", "--model", &model, "--allow", "shell.execute"];
    let running = az.start(&args);
    until("the command runs", || az.work().join("begun").exists());
    running
}

#[test]
fn a_task_that_a_living_worker_runs_is_deleted_only_with_force() {
    let az = Az::new();
    let running = waiting(&az);
    let id = az.only_id();
    let refused = az.az(&["task", "delete", &id]);
    assert_eq!(refused.code, Some(75), "{refused:?}");
    assert!(
        refused.stderr.contains("is running") && refused.stderr.contains("--force"),
        "{refused:?}"
    );
    az.ok(&["task", "delete", "--force", &id]);
    assert_eq!(az.ok(&["task", "list", "--format", "json"]).trim(), "[]");
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "the run was cancelled first: {ended:?}");
}

#[test]
fn a_task_whose_worker_was_killed_is_deleted_at_once() {
    let az = Az::new();
    let mut running = waiting(&az);
    running.child().kill().unwrap();
    running.wait();
    az.ok(&["task", "delete", &az.only_id()]);
    assert_eq!(az.ok(&["task", "list", "--format", "json"]).trim(), "[]");
}

/// Returns the last line of standard output as JSON.
#[track_caller]
fn event(ended: &Ended) -> Value {
    let line = ended.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

#[test]
fn an_error_of_the_arguments_is_json_where_json_was_asked_for() {
    let az = Az::new();
    for args in
        [&["task", "list", "--bogus", "--json"][..], &["task", "list", "--bogus", "--format=json"]]
    {
        let ended = az.az(args);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let event = event(&ended);
        assert_eq!((&event["event"], &event["exit_code"]), (&json!("error"), &json!(2)));
        assert_eq!(event["message"], "unexpected argument '--bogus' found");
        assert!(event["help"].as_str().unwrap().contains("Usage: az task list"), "{event}");
    }
    assert_eq!(az.az(&["task", "list", "--bogus"]).stdout, "");
}

#[test]
fn an_unknown_model_has_its_advice_in_the_help() {
    let az = Az::new();
    let ended = az.az(&["task", "run", "x", "--model", "no-such", "--json"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    let event = event(&ended);
    assert_eq!(event["message"], "unknown model \"no-such\"");
    assert!(event["help"].as_str().unwrap().contains("az models list"), "{event}");
}

#[test]
fn a_model_server_that_does_not_answer_has_the_exit_code_of_an_unreachable_provider() {
    let az = Az::new().with_var("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    let ended = az.az(&["task", "run", "x"]);
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.stderr.contains("help: check that the server runs"), "{ended:?}");
}

#[test]
fn a_model_that_is_not_set_up_is_named_once_and_has_help() {
    let az = Az::new();
    let ended = az.az(&["task", "run", "x", "--model", "claude", "--json"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    let event = event(&ended);
    let message = event["message"].as_str().unwrap();
    assert_eq!(message.matches("claude").count(), 1, "{message}");
    assert!(event["help"].as_str().unwrap().contains("az models list"), "{event}");
}

/// Returns the long help of a command and of those below it.
fn helps(mut command: clap::Command, texts: &mut Vec<String>) {
    texts.push(command.render_long_help().to_string());
    for below in command.get_subcommands() {
        helps(below.clone(), texts);
    }
}

#[test]
fn no_help_names_a_file_that_an_installed_az_does_not_have() {
    let mut texts = Vec::new();
    helps(az_cli::cli::command(), &mut texts);
    assert!(texts.len() > 20, "{}", texts.len());
    for text in &texts {
        assert!(!text.contains("docs/"), "{text}");
    }
    assert!(texts[0].contains("AZ_CONFIG"), "{}", texts[0]);
}

/// A user whose limit of processes is used up. Root has no limit, so that another user is needed.
#[test]
fn a_thread_that_the_system_does_not_start_is_an_error() {
    let shared = tempfile::Builder::new().prefix("az-threads").tempdir_in("/tmp").unwrap();
    let open = |path: &std::path::Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    };
    open(shared.path());
    let binary = shared.path().join("az");
    fs::copy(env!("CARGO_BIN_EXE_az"), &binary).unwrap();
    let run = |limit: &str, args: &[&str]| {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nproc={limit}")).args(["setpriv", "--reuid=64321", "--regid=64321"]);
        command.arg("--clear-groups").arg(&binary).args(args);
        command.env("AZ_DATA_DIR", shared.path().join("data")).env("HOME", "/nonexistent");
        command.current_dir(shared.path()).output()
    };
    if !run("100", &["--version"]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: not root, or there is no prlimit or setpriv");
        return;
    }
    for args in [&["task", "run", "list"][..], &["worker", "run", "--until-idle"], &["db", "init"]]
    {
        let ended = Ended::from(run("1", args).unwrap());
        assert!(!ended.stderr.contains("panicked"), "{args:?}: {ended:?}");
        assert_eq!(ended.code, Some(75), "{args:?}: {ended:?}");
        let reason = "no thread can be started: Resource temporarily unavailable";
        assert!(ended.stderr.contains(reason), "{args:?}: {ended:?}");
    }
}
