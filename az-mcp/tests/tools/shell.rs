//! What `shell.execute` promises, tried from outside.

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

/// Returns how long to sleep: for ever, and recognisably by whom.
fn ages(number: u32) -> String {
    format!("{}.{number}", 100_000_000 + std::process::id())
}

/// Whether a process with this argument is alive.
fn lives(argument: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let state = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let is_zombie = state.rsplit_once(')').is_none_or(|(_, rest)| rest.starts_with(" Z"));
        !is_zombie && line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    })
}

/// Waits, by looking and not by the clock, until a file is there.
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
    let killed = sh(&bench, "kill -9 $$").await;
    assert_eq!((killed.ok, killed.text().as_ref()), (false, "[ended by signal 9]"));
    assert_eq!(field(&killed, "signal"), 9);
}

#[tokio::test]
async fn a_command_sees_only_the_environment_that_it_is_given() {
    let parent = [("HOME", "/h"), ("OPENAI_API_KEY", "sk-1"), ("LC_ALL", "C"), ("AZ_TOKEN", "t")];
    let parent = parent.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options =
        ShellOptions::default().with_harmless_of(parent).with_env("PATH", "/usr/bin:/bin");
    let bench = Bench::with(options);
    let mut call = bench.call("shell.execute", json!({"command": "env", "env": {"MINE": "1"}}));
    call.key = "task:7".to_owned();
    let output = bench.tools.call(call.clone()).await.unwrap();
    // The shell adds its own; this process has many more, CARGO's among them.
    let shells = ["PWD=", "SHLVL=", "_=", "OLDPWD=", "AZ_CALL_RUN="];
    let text = output.text();
    let mut seen: Vec<&str> = text.lines().collect();
    seen.retain(|line| !shells.iter().any(|own| line.starts_with(own)));
    seen.sort_unstable();
    assert_eq!(seen, ["AZ_CALL_KEY=task:7", "HOME=/h", "LC_ALL=C", "MINE=1", "PATH=/usr/bin:/bin"]);
}

#[tokio::test]
async fn a_command_has_no_input_to_wait_for() {
    assert_eq!(sh(&Bench::new(), "cat; echo end").await.text(), "end");
}

#[tokio::test]
async fn arguments_that_no_process_could_take_are_refused() {
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
    assert!(output.text().starts_with("the shell could not be run: "), "{}", output.text());
}

#[tokio::test]
async fn a_command_out_of_time_is_ended_with_all_it_started() {
    let bench = Bench::new();
    let age = ages(1);
    let command = format!("echo begun; setsid sleep {age} & sleep {age}; echo never");
    let output = bench.run("shell.execute", json!({"command": command, "timeout": 0.2})).await;
    assert_eq!(output.text(), "begun\n[timed out after 0.2 s, and was ended]");
    assert_eq!(field(&output, "timed_out"), true);
    assert!(!lives(&age));
}

#[tokio::test]
async fn the_shorter_of_two_limits_holds() {
    let bench = Bench::new();
    let command = format!("sleep {}", ages(2));
    let mut call = bench.call("shell.execute", json!({"command": command, "timeout": 60}));
    call.timeout = Some(Duration::from_millis(100));
    let output = bench.tools.call(call.clone()).await.unwrap();
    assert_eq!(output.text(), "[timed out after 0.1 s, and was ended]");
}

#[tokio::test]
async fn a_cancelled_command_ends_at_once_with_all_that_fled_from_it() {
    let bench = Bench::new();
    // One in a session of its own, one without its environment, one that will not hear of TERM.
    let [one, two, three, four] = [3, 4, 5, 6].map(ages);
    let command = format!(
        "setsid sleep {one} & env -i /usr/bin/setsid /bin/sleep {two} & \
         (trap '' TERM; touch ready; sleep {three}; sleep {four}) & wait"
    );
    let call = bench.call("shell.execute", json!({"command": command}));
    let cancelling = async {
        until_exists(&bench, "ready").await;
        while !(lives(&one) && lives(&two) && lives(&three)) {
            tokio::task::yield_now().await;
        }
        call.cancel.cancel();
        Instant::now()
    };
    let (output, cancelled) = tokio::join!(bench.tools.call(call.clone()), cancelling);
    let took = cancelled.elapsed();
    let output = output.unwrap();
    assert_eq!((output.ok, field(&output, "cancelled")), (false, json!(true)));
    assert!(took < Duration::from_secs(1), "{took:?}");
    for left in [one, two, three, four] {
        assert!(!lives(&left), "{left}");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_nothing_running() {
    let bench = Bench::new();
    let (fled, stayed) = (ages(7), ages(8));
    let command = format!("setsid sleep {fled} & touch ready; sleep {stayed}");
    let call = bench.call("shell.execute", json!({"command": command}));
    tokio::select! {
        _ = bench.tools.call(call.clone()) => unreachable!("it sleeps"),
        () = until_exists(&bench, "ready") => {}
    }
    assert!(!lives(&fled) && !lives(&stayed));
}

#[tokio::test]
async fn what_a_dead_process_left_running_is_ended_by_its_key() {
    let bench = Bench::new();
    let call = bench.call("shell.execute", json!({"command": "true"}));
    let orphan = |key: &str, seconds: &str| {
        let mut command = std::process::Command::new("/usr/bin/setsid");
        command.args(["sleep", seconds]).env("AZ_CALL_KEY", key).spawn().unwrap()
    };
    let (our_age, other_age) = (ages(9), ages(10));
    let mut ours = orphan(&call.key, &our_age);
    let mut other = orphan(&format!("{}1", call.key), &other_age);
    while !(lives(&our_age) && lives(&other_age)) {
        tokio::task::yield_now().await;
    }
    bench.tools.abandon(&bench.prepared(&call)).await.unwrap();
    assert!(!lives(&our_age));
    assert!(lives(&other_age), "another call's process was ended");
    other.kill().unwrap();
    other.wait().unwrap();
    ours.wait().unwrap();
    assert_eq!(bench.tools.probe(&bench.prepared(&call), None).await.unwrap(), Probed::Unknown);
    assert_eq!(bench.prepared(&call).effect, EffectClass::Unsafe);
}

#[tokio::test]
async fn a_shell_that_is_ended_does_not_go_on_to_its_next_command() {
    let bench = Bench::new();
    let call = bench.call("shell.execute", json!({"command": "true"}));
    let mut shells = Vec::new();
    for number in 20..30 {
        let age = ages(number);
        let mut command = std::process::Command::new("/usr/bin/setsid");
        command.args(["/bin/sh", "-c", &format!("sleep {age}; touch went_on")]);
        let command = command.current_dir(bench.at("")).env("AZ_CALL_KEY", &call.key);
        shells.push(command.spawn().unwrap());
        while !lives(&age) {
            tokio::task::yield_now().await;
        }
    }
    bench.tools.abandon(&bench.prepared(&call)).await.unwrap();
    for mut shell in shells {
        shell.wait().unwrap();
    }
    assert!(!bench.at("went_on").exists());
    assert!(!(20..30).any(|number| lives(&ages(number))));
}

#[tokio::test]
async fn giving_up_a_call_outside_any_task_ends_nothing() {
    let bench = Bench::new();
    let call = Invocation::bare("shell.execute", json!({"command": "true"})).unwrap();
    let age = ages(30);
    let mut command = std::process::Command::new("sleep");
    let mut other = command.arg(&age).env("AZ_CALL_KEY", &call.key).spawn().unwrap();
    while !lives(&age) {
        tokio::task::yield_now().await;
    }
    bench.tools.abandon(&bench.prepared(&call)).await.unwrap();
    assert!(lives(&age));
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn something_in_the_background_does_not_hold_the_call_and_stays() {
    let bench = Bench::new();
    let started = Instant::now();
    let age = ages(11);
    let output = sh(&bench, &format!("sleep {age} & echo $!")).await;
    assert!(started.elapsed() < Duration::from_secs(2));
    let text = output.text();
    let (process, said) = text.split_once('\n').unwrap();
    let expect = "[something it started still runs in the background]";
    assert_eq!((output.ok, said), (true, expect));
    assert!(lives(&age));
    sh(&bench, &format!("kill {process}")).await;
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
async fn output_that_is_not_text_is_said_to_be_so() {
    let bench = Bench::new();
    let binary = sh(&bench, "printf 'a\\0b'").await;
    assert_eq!(binary.text(), "[binary output of 3 bytes, not shown]");
    let latin = sh(&bench, "printf 'caf\\351'").await;
    assert_eq!(
        latin.text(),
        "caf\u{fffd}\n[stdout is not UTF-8; what is not text shows as \u{fffd}]"
    );
}

#[tokio::test]
async fn commands_run_side_by_side() {
    let bench = Bench::new();
    // Each waits for the other's sign.
    let one = sh(&bench, "touch one; until [ -e two ]; do sleep 0.01; done");
    let two = sh(&bench, "touch two; until [ -e one ]; do sleep 0.01; done");
    let (one, two) = tokio::join!(one, two);
    assert!(one.ok && two.ok);
}

#[tokio::test]
async fn the_lines_that_a_command_prints_are_reported_while_it_runs() {
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
    let line = |text| Some(Progress::message(text));
    assert_eq!(seen, (line("building"), line("done")));
}
