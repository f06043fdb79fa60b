//! What commands of a task leave running, and the environment that they get.

use serde_json::{Value, json};

use crate::support::{Az, Running, is_running, script, until};

fn shell(command: &str) -> Value {
    json!({"calls": [{"name": "shell.execute", "arguments": {"command": command}}]})
}

fn run(model: &str) -> [&str; 7] {
    ["task", "run", "serve", "--allow", "shell.execute", "--model", model]
}

/// Returns a command that prints and counts ticks, with a name that only this test has.
fn ticks(name: &str) -> String {
    format!(
        ": {name}-{}; while :; do echo tick; echo x >> ticks; sleep 0.02; done",
        std::process::id()
    )
}

#[test]
fn a_background_process_lives_until_its_task_ends() {
    let az = Az::new();
    let command = ticks("lives");
    let lines = [
        shell(&format!("({command}) & echo started")),
        // On the old code, SIGPIPE ended the process 200 ms after the first command.
        shell("until [ $(wc -l < ticks) -gt 40 ]; do sleep 0.02; done"),
        json!({"calls": [{"name": "output.read", "arguments": {"call": "t0.0", "offset": -10}}]}),
        json!({"text": "done"}),
    ];
    let model = script(&az, &lines);
    let ended = az.az(&[&run(&model)[..], &["--timeout", "20s"]].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    assert!(!is_running(&command), "it outlived the task");
    let log = az.ok(&["task", "logs", &az.only_id(), "--full"]);
    assert!(log.contains("still running in the background"), "{log}");
    assert!(log.contains("tick\ntick\n") || log.matches("tick").count() > 3, "{log}");
    let output = az.data_dir().join("output").join(az.only_id());
    assert!(output.join("t0.0.0.log").exists());
    az.ok(&["task", "delete", &az.only_id()]);
    assert!(!output.exists(), "the output outlived the task");
}

#[test]
fn background_processes_are_listed_with_the_task_and_end_with_it_after_a_crash() {
    let az = Az::new();
    let seconds = format!("{}.71", 100_000_000 + std::process::id());
    let lines = [
        shell(&format!("sleep {seconds} > /dev/null 2>&1 & touch started")),
        shell("touch second; sleep 1000"),
        json!({"text": "done"}),
    ];
    let model = script(&az, &lines);
    let az_run = Running::spawn(az.command(run(&model)));
    until("the second command runs", || az.work().join("second").exists());
    let id = az.only_id();
    let listed = &az.shown(&id)["background"];
    let commands: Vec<_> =
        listed.as_array().unwrap().iter().map(|it| it["command"].as_str().unwrap()).collect();
    assert!(commands.contains(&format!("sleep {seconds}").as_str()), "{listed}");
    assert!(az.ok(&["task", "show", &id]).contains(&format!("sleep {seconds}")));
    az_run.kill();
    assert!(is_running(&seconds), "a crash does not end it");
    let ended = az.az(&["task", "resume", &id]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "done\n"), "{ended:?}");
    assert!(!is_running(&seconds));
    let note = "ended the background processes of the interrupted run:";
    assert!(az.ok(&["task", "logs", &id, "--full"]).contains(note));
    assert_eq!(az.shown(&id)["background"], json!([]));
}

#[test]
fn commands_get_configured_variables_and_those_that_the_task_names() {
    let az = Az::new();
    az.file(
        "config.toml",
        "[shell]\nprogram = \"sh\"\nenv = [\"FIXED=1 2\", \"PASSED\", \"UNSET\"]\n",
    );
    let config = az.work().join("config.toml").display().to_string();
    let az = az
        .with_var("AZ_CONFIG", config)
        .with_var("PASSED", "p")
        .with_var("CARGO_HOME", "/cargo")
        .with_var("MY_TOKEN", "token");
    let print = "echo ${0##*/} [$FIXED] [$PASSED] [$CARGO_HOME] [$MY_TOKEN] [$GIT_TERMINAL_PROMPT]";
    let command = format!("run '{print}' then write the output to out.txt");
    az.ok(&["task", "run", &command, "--allow", "shell.execute"]);
    assert_eq!(az.read("out.txt").trim_end(), "sh [1 2] [p] [/cargo] [] [0]");
    az.ok(&["task", "run", &command, "--allow", "shell.execute", "--env", "MY_TOKEN"]);
    assert_eq!(az.read("out.txt").trim_end(), "sh [1 2] [p] [/cargo] [token] [0]");
    let names: Vec<_> = ids(&az).iter().map(|id| az.shown(id)["options"]["env"].clone()).collect();
    assert_eq!(names, [json!(["MY_TOKEN"]), json!([])], "only the name is stored");
}

/// Returns the ids of all tasks, newest first.
fn ids(az: &Az) -> Vec<String> {
    let tasks: Vec<Value> = serde_json::from_str(&az.ok(&["task", "list", "--json"])).unwrap();
    tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn invalid_settings_of_the_shell_are_refused_with_their_location() {
    for (line, reason) in [
        (
            "program = \"no-such-shell\"",
            "config.toml:2:11: shell.program: no-such-shell is not in PATH",
        ),
        (
            "env = [\"=x\"]",
            "config.toml:2:8: shell.env: a variable has no name; use NAME or NAME=VALUE",
        ),
    ] {
        let az = Az::new();
        az.file("config.toml", &format!("[shell]\n{line}\n"));
        let az = {
            let config = az.work().join("config.toml").display().to_string();
            az.with_var("AZ_CONFIG", config)
        };
        let ended = az.az(&["task", "run", "list the files here"]);
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{ended:?}");
    }
}

#[test]
fn a_variable_with_a_value_or_without_one_is_refused() {
    let az = Az::new();
    let refused = |name: &str| {
        let ended = az.az(&["task", "run", "list the files here", "--env", name]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        ended.stderr
    };
    assert!(refused("A=b").contains("a name without a value, because a value would be stored"));
    let unset = "--env NOT_SET: the variable is not set in the environment of az";
    assert!(refused("NOT_SET").contains(unset));
}
