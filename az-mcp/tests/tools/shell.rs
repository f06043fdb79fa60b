//! Tests of `shell.execute`.

use std::fs;
use std::time::{Duration, Instant};

use az_core::ErrorKind;
use az_core::tool::{
    EffectClass, Invocation, Probed, Progress, ToolOutput, Toolbox, progress_channel,
};
use az_mcp::builtin::shell::ShellOptions;
use serde_json::{Value, json};

use crate::support::Bench;

async fn sh(bench: &Bench, command: &str) -> ToolOutput {
    bench.run("shell.execute", json!({"command": command})).await
}

fn field(output: &ToolOutput, name: &str) -> Value {
    output.data.as_ref().unwrap()[name].clone()
}

/// Returns a practically endless number of seconds that identifies a `sleep` of this process.
pub(crate) fn endless(number: u32) -> String {
    format!("{}.{number}", 100_000_000 + std::process::id())
}

/// Returns whether a process with this argument is running.
pub(crate) fn is_running(argument: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let state = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let is_zombie = state.rsplit_once(')').is_none_or(|(_, rest)| rest.starts_with(" Z"));
        !is_zombie && line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    })
}

/// Waits until a file exists, without a fixed delay.
async fn until_exists(bench: &Bench, file: &str) {
    while !bench.at(file).exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_command_runs_in_the_workspace_and_returns_its_output() {
    let bench = Bench::new();
    fs::write(bench.at("a"), "").unwrap();
    let output = sh(&bench, "ls; echo oops >&2").await;
    assert_eq!((output.ok, output.text().as_ref()), (true, "a\n[stderr]\noops"));
    let mut data = output.data.unwrap();
    assert!(data.as_object_mut().unwrap().remove("duration_ms").unwrap().is_u64());
    let expect = json!({
        "exit_code": 0, "signal": null, "timed_out": false, "cancelled": false,
        "stdout": "a\n", "stdout_bytes": 2, "stderr": "oops\n", "stderr_bytes": 5,
    });
    assert_eq!(data, expect);
    assert_eq!(sh(&bench, "true").await.text(), "[no output]");
}

#[tokio::test]
async fn a_command_that_fails_is_a_failed_output() {
    let bench = Bench::new();
    let failed = sh(&bench, "echo half; exit 3").await;
    assert_eq!((failed.ok, failed.text().as_ref()), (false, "half\n[exit code 3]"));
    assert_eq!(field(&failed, "exit_code"), 3);
    assert!(!failed.unknown);
}

#[tokio::test]
async fn a_command_that_was_killed_has_an_unknown_outcome() {
    let bench = Bench::new();
    let killed = sh(&bench, "echo half; kill -9 $$").await;
    assert_eq!((killed.ok, killed.unknown), (false, true));
    assert_eq!(
        killed.text(),
        "half\n[killed by signal 9; the outcome is unknown: verify before repeating it]"
    );
    assert_eq!(field(&killed, "signal"), 9);
}

#[tokio::test]
async fn a_command_gets_only_the_configured_environment() {
    let parent = [("HOME", "/h"), ("OPENAI_API_KEY", "sk-1"), ("LC_ALL", "C"), ("AZ_TOKEN", "t")];
    let parent = parent.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options =
        ShellOptions::default().with_inherited_env(parent).with_env("PATH", "/usr/bin:/bin");
    let bench = Bench::with(options);
    let mut call = bench.call("shell.execute", json!({"command": "env", "env": {"MINE": "1"}}));
    call.key = "task:7".to_owned();
    let output = bench.tools.call(call.clone()).await.unwrap();
    // The shell and the sandbox set some variables themselves. The variables of the test process are not passed on.
    let set_by_shell = ["PWD=", "SHLVL=", "_=", "OLDPWD=", "AZ_CALL_RUN=", "TMPDIR="];
    let text = output.text();
    let mut seen: Vec<&str> = text.lines().collect();
    seen.retain(|line| !set_by_shell.iter().any(|name| line.starts_with(name)));
    seen.sort_unstable();
    let expect = [
        "AZ_CALL_KEY=task:7",
        "DEBIAN_FRONTEND=noninteractive",
        "EDITOR=false",
        "GCM_INTERACTIVE=never",
        "GIT_EDITOR=true",
        "GIT_SEQUENCE_EDITOR=false",
        "GIT_TERMINAL_PROMPT=0",
        "HOME=/h",
        "LC_ALL=C",
        "MINE=1",
        "PATH=/usr/bin:/bin",
        "PIP_NO_INPUT=1",
        "SSH_ASKPASS_REQUIRE=never",
        "VISUAL=false",
    ];
    assert_eq!(seen, expect);
}

#[tokio::test]
async fn a_task_can_name_variables_that_its_commands_get() {
    let parent = [("SSH_AUTH_SOCK", "/agent"), ("OTHER_TOKEN", "t")];
    let parent = parent.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let bench = Bench::with(ShellOptions::default().with_inherited_env(parent));
    let arguments = json!({"command": "echo \"[$SSH_AUTH_SOCK$OTHER_TOKEN]\""});
    let call = bench.call("shell.execute", arguments);
    assert_eq!(bench.tools.call(call.clone()).await.unwrap().text(), "[]");
    let named = call.with_env(["SSH_AUTH_SOCK", "NOT_SET"]);
    assert_eq!(bench.tools.call(named).await.unwrap().text(), "[/agent]");
}

#[tokio::test]
async fn the_configured_shell_runs_commands_and_the_model_is_told_which() {
    let description = |bench: &Bench| bench.tools.tool_info("shell.execute").unwrap().description;
    let sh_bench = Bench::with(ShellOptions::default().with_program("/bin/sh"));
    assert!(description(&sh_bench).starts_with("Execute shell command, with sh. "));
    assert_eq!(sh(&sh_bench, "echo $0").await.text(), "/bin/sh");
    let bench = Bench::new();
    if std::path::Path::new("/bin/bash").exists() {
        assert!(description(&bench).starts_with("Execute shell command, with bash. "));
        assert_eq!(sh(&bench, "[[ x == x ]] && echo ${0##*/}").await.text(), "bash");
    }
}

#[tokio::test]
async fn a_command_runs_in_a_session_of_its_own_without_a_terminal() {
    let bench = Bench::new();
    // The session and the number of its terminal. The session is 0 if it was created outside of the
    // process namespace of the command.
    let session = sh(&bench, "echo $$; cut -d' ' -f6,7 /proc/$$/stat").await;
    let session = session.text();
    let (shell, session) = session.split_once('\n').unwrap();
    assert!([format!("{shell} 0"), "0 0".to_owned()].contains(&session.to_owned()), "{session}");
    assert!(!sh(&bench, "echo typed > /dev/tty").await.ok);
}

#[tokio::test]
async fn a_command_that_asks_for_a_password_fails_at_once_and_the_model_is_told_why() {
    let bench = Bench::new();
    let asked = sh(&bench, "read -r password < /dev/tty && echo \"got $password\"").await;
    let text = asked.text();
    assert!(text.contains("asked for a password or an answer at a terminal"), "{text}");
    let failed = sh(&bench, "echo wrong; exit 1").await;
    assert_eq!(failed.text(), "wrong\n[exit code 1]");
}

#[tokio::test]
async fn the_standard_input_of_a_command_is_empty() {
    assert_eq!(sh(&Bench::new(), "cat; echo end").await.text(), "end");
}

#[tokio::test]
async fn arguments_that_cannot_be_passed_to_a_process_are_refused() {
    let bench = Bench::new();
    let wrong = [
        json!({"command": "a\0b"}),
        json!({"command": "true", "timeout": 0}),
        json!({"command": "true", "timeout": -1}),
        json!({"command": "true", "env": {"A=B": "c"}}),
        json!({"command": "true", "env": {"A": 1}}),
        json!({"command": ["ls"]}),
    ];
    for arguments in wrong {
        let call = bench.call("shell.execute", arguments);
        assert_eq!(bench.tools.call(call.clone()).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    let nowhere = Invocation::bare("shell.execute", json!({"command": "true"})).unwrap();
    assert_eq!(bench.tools.call(nowhere.clone()).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_missing_workspace_is_a_failed_output() {
    let bench = Bench::new();
    let call = bench.call("shell.execute", json!({"command": "true"})).in_workspace("/no/where");
    let output = bench.tools.call(call.clone()).await.unwrap();
    assert!(output.text().contains(" in /no/where: No such file"), "{}", output.text());
}

#[tokio::test]
async fn a_command_that_times_out_is_killed_with_its_process_tree() {
    let bench = Bench::new();
    let seconds = endless(1);
    let command = format!("echo begun; setsid sleep {seconds} & sleep {seconds}; echo never");
    let output = bench.run("shell.execute", json!({"command": command, "timeout": 0.2})).await;
    let advice = "the outcome is unknown: verify before repeating it";
    assert_eq!(output.text(), format!("begun\n[killed: timed out after 0.2 s; {advice}]"));
    assert_eq!((output.ok, output.unknown), (false, true));
    assert_eq!(field(&output, "timed_out"), true);
    assert!(!is_running(&seconds));
}

#[tokio::test]
async fn the_shorter_of_two_timeouts_applies() {
    let bench = Bench::new();
    let command = format!("sleep {}", endless(2));
    let mut call = bench.call("shell.execute", json!({"command": command, "timeout": 60}));
    call.timeout = Some(Duration::from_millis(100));
    let output = bench.tools.call(call.clone()).await.unwrap();
    assert!(output.text().starts_with("[killed: timed out after 0.1 s;"), "{output:?}");
}

#[tokio::test]
async fn a_cancelled_command_is_killed_with_processes_that_left_its_group() {
    let bench = Bench::new();
    // One process in its own session, one without the marked environment, one that ignores SIGTERM.
    let [one, two, three, four] = [3, 4, 5, 6].map(endless);
    let command = format!(
        "setsid sleep {one} & env -i /usr/bin/setsid /bin/sleep {two} & \
         (trap '' TERM; touch ready; sleep {three}; sleep {four}) & wait"
    );
    let call = bench.call("shell.execute", json!({"command": command}));
    let cancelling = async {
        until_exists(&bench, "ready").await;
        while !(is_running(&one) && is_running(&two) && is_running(&three)) {
            tokio::task::yield_now().await;
        }
        call.cancel.cancel();
        Instant::now()
    };
    let (output, cancelled) = tokio::join!(bench.tools.call(call.clone()), cancelling);
    let took = cancelled.elapsed();
    let output = output.unwrap();
    assert_eq!((output.unknown, field(&output, "cancelled")), (true, json!(true)));
    assert!(took < Duration::from_secs(1), "{took:?}");
    for left in [one, two, three, four] {
        assert!(!is_running(&left), "{left}");
    }
}

#[tokio::test]
async fn dropping_a_call_kills_its_process_tree() {
    let bench = Bench::new();
    let (detached, attached) = (endless(7), endless(8));
    let command = format!("setsid sleep {detached} & touch ready; sleep {attached}");
    let call = bench.call("shell.execute", json!({"command": command}));
    tokio::select! {
        _ = bench.tools.call(call.clone()) => unreachable!("the command does not exit"),
        () = until_exists(&bench, "ready") => {}
    }
    assert!(!is_running(&detached) && !is_running(&attached));
}

#[tokio::test]
async fn abandoning_a_call_kills_the_processes_with_its_key() {
    let bench = Bench::new();
    let call = bench.call("shell.execute", json!({"command": "true"}));
    let orphan = |key: &str, seconds: &str| {
        let mut command = std::process::Command::new("/usr/bin/setsid");
        command.args(["sleep", seconds]).env("AZ_CALL_KEY", key).spawn().unwrap()
    };
    let (own_seconds, other_seconds) = (endless(9), endless(10));
    let mut ours = orphan(&call.key, &own_seconds);
    let mut other = orphan(&format!("{}1", call.key), &other_seconds);
    while !(is_running(&own_seconds) && is_running(&other_seconds)) {
        tokio::task::yield_now().await;
    }
    bench.tools.abandon(&bench.prepared(&call)).await.unwrap();
    assert!(!is_running(&own_seconds));
    assert!(is_running(&other_seconds), "a process of another call was killed");
    other.kill().unwrap();
    other.wait().unwrap();
    ours.wait().unwrap();
    assert_eq!(bench.tools.probe(&bench.prepared(&call), None).await.unwrap(), Probed::Unknown);
    assert_eq!(bench.prepared(&call).effect, EffectClass::Unsafe);
}

#[tokio::test]
async fn a_killed_shell_does_not_run_its_next_command() {
    let bench = Bench::new();
    let call = bench.call("shell.execute", json!({"command": "true"}));
    let mut shells = Vec::new();
    for number in 20..30 {
        let seconds = endless(number);
        let mut command = std::process::Command::new("/usr/bin/setsid");
        command.args(["/bin/sh", "-c", &format!("sleep {seconds}; touch next_ran")]);
        let command = command.current_dir(bench.at("")).env("AZ_CALL_KEY", &call.key);
        shells.push(command.spawn().unwrap());
        while !is_running(&seconds) {
            tokio::task::yield_now().await;
        }
    }
    bench.tools.abandon(&bench.prepared(&call)).await.unwrap();
    for mut shell in shells {
        shell.wait().unwrap();
    }
    assert!(!bench.at("next_ran").exists());
    assert!(!(20..30).any(|number| is_running(&endless(number))));
}

/// Checks `RecoverableTool` 3.
#[tokio::test]
async fn abandoning_a_call_outside_any_task_kills_nothing() {
    let bench = Bench::new();
    let call = Invocation::bare("shell.execute", json!({"command": "true"})).unwrap();
    let seconds = endless(30);
    let mut command = std::process::Command::new("sleep");
    let mut other = command.arg(&seconds).env("AZ_CALL_KEY", &call.key).spawn().unwrap();
    while !is_running(&seconds) {
        tokio::task::yield_now().await;
    }
    bench.tools.abandon(&bench.prepared(&call)).await.unwrap();
    assert!(is_running(&seconds));
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn the_head_and_the_tail_of_long_output_are_kept() {
    let bench = Bench::new();
    let output = sh(&bench, "echo first; head -c 1000000 /dev/zero | tr '\\0' x; echo last").await;
    assert_eq!(field(&output, "stdout_bytes"), 1_000_000 + 6 + 5);
    assert!(output.text().starts_with("first\nxxx") && output.text().ends_with("xxxlast"));
    assert!(output.text().contains("\n[… 737867 bytes left out …]\n"));
}

#[tokio::test]
async fn binary_and_invalid_output_is_marked() {
    let bench = Bench::new();
    let binary = sh(&bench, "printf 'a\\0b'").await;
    assert_eq!(binary.text(), "[binary output of 3 bytes, not shown]");
    let latin = sh(&bench, "printf 'caf\\351'").await;
    assert_eq!(
        latin.text(),
        "caf\u{fffd}\n[stdout is not valid UTF-8; invalid bytes are shown as \u{fffd}]"
    );
}

#[tokio::test]
async fn commands_run_concurrently() {
    let bench = Bench::new();
    // Each command waits for a file that the other one creates.
    let one = sh(&bench, "touch one; until [ -e two ]; do sleep 0.01; done");
    let two = sh(&bench, "touch two; until [ -e one ]; do sleep 0.01; done");
    let (one, two) = tokio::join!(one, two);
    assert!(one.ok && two.ok);
}

#[tokio::test]
async fn output_lines_are_reported_as_progress_while_the_command_runs() {
    let bench = Bench::new();
    let (sender, mut progress) = progress_channel();
    let command = "echo building; until test -e go; do sleep 0.01; done; echo done >&2";
    let call = bench.call("shell.execute", json!({"command": command})).with_progress(sender);
    let watching = async {
        let first = progress.next().await;
        fs::write(bench.at("go"), "").unwrap();
        (first, progress.next().await)
    };
    let (output, seen) = tokio::join!(bench.tools.call(call), watching);
    assert!(output.unwrap().ok);
    let line = |text: &str, lines: &[&str]| {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        Some(Progress::message(text).with_lines(lines))
    };
    assert_eq!(seen, (line("building", &["building"]), line("done", &["building", "done"])));
}
