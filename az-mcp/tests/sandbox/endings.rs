//! How commands end, and what is reported about it.

use az_core::tool::{ToolOutput, Toolbox};
use az_mcp::sandbox::{Bwrap, CommandExit, Sandbox, SandboxPolicy, SandboxTier, SandboxedCommand};
use serde_json::{Value, json};

use crate::support::{Home, tiers};

/// Returns the exit code, the signal, and whether the effect is unknown.
fn ending(output: &ToolOutput) -> (Value, Value, bool) {
    let data = output.data.clone().unwrap_or_default();
    (data["exit_code"].clone(), data["signal"].clone(), output.unknown)
}

#[tokio::test]
async fn an_exit_code_like_that_of_a_signal_is_an_exit_code() {
    for tier in tiers() {
        let home = Home::new(tier);
        for code in [137, 143] {
            let output = home.run(&format!("exit {code}")).await;
            assert_eq!(ending(&output), (json!(code), Value::Null, false), "{tier}");
        }
    }
}

#[tokio::test]
async fn a_command_that_is_cancelled_has_time_to_clean_up() {
    for tier in [tiers(), vec![SandboxTier::None]].concat() {
        let home = Home::new(tier);
        let call = home.call(
            "trap 'echo cleaned > cleaned; exit' TERM; echo x > ready; \
             while :; do sleep 0.005; done",
        );
        let cancel = call.cancel.clone();
        let cancelled = async {
            while !home.at("ready").exists() {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        };
        let (output, ()) = tokio::join!(home.tools().call(call), cancelled);
        assert!(output.unwrap().unknown, "{tier}");
        assert!(home.at("cleaned").exists(), "{tier}");
    }
}

#[tokio::test]
async fn a_command_is_reported_as_not_run_only_if_it_was_not() {
    const NOT_RUN: &str = "the command was not run";
    for tier in tiers() {
        let output = Home::new(tier).run("echo 'bwrap: ran' >&2; exit 1").await;
        assert_eq!(ending(&output), (json!(1), Value::Null, false), "{tier}");
        assert!(!output.text().contains(NOT_RUN), "{tier}: {}", output.text());
    }
    // A `bwrap` that fails.
    let home = Home::new(SandboxTier::Bwrap);
    let command = SandboxedCommand::new("/bin/true", home.at(""));
    let policy = SandboxPolicy::new(home.at(""), home.path().join("temp"));
    let mut child = Bwrap::new("/bin/false").spawn(command, policy).await.unwrap();
    assert_eq!(child.wait().await.unwrap(), CommandExit::NotRun);
}

#[tokio::test]
async fn a_command_that_a_signal_has_ended_is_reported_as_killed() {
    for tier in tiers() {
        for signal in [6, 9, 11, 15] {
            let output = Home::new(tier).run(&format!("kill -{signal} $$")).await;
            assert_eq!(ending(&output), (Value::Null, json!(signal), true), "{tier}");
        }
    }
}

#[tokio::test]
async fn the_workspace_can_be_in_a_hidden_directory() {
    for tier in tiers().into_iter().filter(|tier| *tier == SandboxTier::Bwrap) {
        let home = Home::new(tier);
        let hidden = home.path().to_owned();
        let home = home.with_options(|options| options.hide.push(hidden));
        let output = home.run("ls ..; cat file; echo x > ../new").await;
        assert!(output.text().contains("project\nthe file"), "{}", output.text());
        assert!(!home.path().join("new").exists());
    }
}

#[tokio::test]
async fn a_command_beside_another_one_runs_like_any_other() {
    for tier in tiers() {
        let home = Home::new(tier);
        let start = home.call("setsid sleep 100 > /dev/null 2>&1 & echo started");
        assert!(home.tools().call(start).await.unwrap().ok, "{tier}");
        let command = "env | grep HELPER; ls /proc/self/fd | wc -w; echo x > .git/HEAD; \
                       (echo x > .git/config) 2> /dev/null || echo protected; \
                       cat ~/.ssh/id_ed25519 2> /dev/null; exit 143";
        let output = home.tools().call(home.call(command)).await.unwrap();
        home.tools().end_background(&home.task).await.unwrap();
        assert_eq!(ending(&output), (json!(143), Value::Null, false), "{tier}");
        // `ls` has opened the directory that it lists.
        let expect = if tier == SandboxTier::Bwrap { "4\nprotected\n" } else { "4\n" };
        assert_eq!(output.data.unwrap()["stdout"], expect, "{tier}");
        assert_eq!(std::fs::read_to_string(home.at(".git/HEAD")).unwrap(), "x\n", "{tier}");
    }
}
