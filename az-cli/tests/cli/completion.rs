//! Completion, as shells ask for it.

use std::path::Path;

use crate::support::Az;
use crate::terminal::command_at_terminal;

/// Returns the candidates for the last of these words, as fish gets them: value, tab, description. Options,
/// which it also gets, are left out.
fn completed(az: &Az, words: &[&str]) -> Vec<String> {
    let mut command = az.command(["--", "az"]);
    let output = command.args(words).env("AZ_COMPLETE", "fish").output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter(|line| !line.starts_with('-')).map(str::to_owned).collect()
}

fn values(az: &Az, words: &[&str]) -> Vec<String> {
    let value = |line: String| line.split('\t').next().unwrap().to_owned();
    completed(az, words).into_iter().map(value).collect()
}

#[test]
fn tasks_models_tools_and_keys_are_completed() {
    let az = Az::in_memory();
    assert_eq!(completed(&az, &["task", "show", ""]), [""; 0], "there is no store yet");
    az.ok(&["task", "run", "--detach", "list the files", "--model", "offline"]);
    let id = az.only_id();
    let id = &id[id.len() - 12..];
    let task = format!("{id}\tpending: list the files");
    for words in [["task", "show", ""], ["task", "delete", ""], ["task", "cancel", &id[..3]]] {
        assert_eq!(completed(&az, &words), [task.as_str()], "{words:?}");
    }
    for option in ["--parent", "--continue"] {
        assert_eq!(values(&az, &["task", "run", "x", option, ""]), [id]);
    }
    assert_eq!(values(&az, &["task", "show", "no-such-id"]), [""; 0]);
    assert_eq!(values(&az, &["task", "run", "x", "--model", "off"]), ["offline"]);
    assert_eq!(
        values(&az, &["task", "run", "x", "--allow", "shell.execute,filesystem.r"]),
        ["shell.execute,filesystem.read"]
    );
    assert_eq!(values(&az, &["config", "get", "llm.base"]), ["llm.base_url"]);
    assert_eq!(values(&az, &["config", "unset", "llm.base"]), ["llm.base_url"]);
    assert_eq!(values(&az, &["config", "set", "llm.base"]), ["llm.base_url="]);
    assert_eq!(values(&az, &["config", "get", "llm.routing_r"]), [""; 0], "an item has a number");
}

#[test]
fn the_store_of_the_line_is_the_one_that_is_read() {
    let az = Az::in_memory();
    let other = az.beside("other").display().to_string();
    az.ok(&["task", "run", "-d", "list", "--model", "offline", "--data-dir", &other]);
    assert_eq!(values(&az, &["task", "show", ""]), [""; 0]);
    assert_eq!(values(&az, &["--data-dir", &other, "task", "show", ""]).len(), 1);
    assert_eq!(values(&az, &[&format!("--data-dir={other}"), "task", "show", ""]).len(), 1);
}

#[test]
fn what_cannot_be_completed_prints_nothing() {
    let az = Az::in_memory();
    az.file("az.toml", "no toml");
    assert_eq!(completed(&az, &["task", "show", ""]), [""; 0]);
    let output = az.command(["--", "az", ""]).env("AZ_COMPLETE", "no-shell").output().unwrap();
    assert_eq!((output.status.code(), output.stdout, output.stderr), (Some(0), vec![], vec![]));
}

#[test]
fn an_unknown_shell_is_named_with_the_known_ones() {
    let ended = Az::in_memory().az(&["completions", "csh"]);
    let message =
        "error: unknown shell \"csh\"; known shells: bash, elvish, fish, powershell, zsh\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), message));
}

#[test]
fn the_scripts_work_in_their_shells() {
    let az = Az::in_memory();
    az.ok(&["task", "run", "--detach", "list the files", "--model", "offline"]);
    let id = az.only_id();
    let bash = "source <(az completions bash); COMP_WORDS=(az task show ''); COMP_CWORD=3; \
                _clap_complete_az; echo \"${COMPREPLY[0]}\"";
    let fish = "az completions fish | source; complete -C 'az task show ' | cut -f1 | head -1";
    let zsh = "compdef() { echo $1 $2 }; source <(az completions zsh); \
               whence -w _clap_dynamic_completer_az";
    let bins = Path::new(env!("CARGO_BIN_EXE_az")).parent().unwrap();
    let path = format!("{}:{}", bins.display(), std::env::var("PATH").unwrap());
    for (shell, script, expect) in [
        ("bash", bash, format!("{}\n", &id[id.len() - 12..])),
        ("fish", fish, format!("{}\n", &id[id.len() - 12..])),
        (
            "zsh",
            zsh,
            "_clap_dynamic_completer_az az\n_clap_dynamic_completer_az: function\n".to_owned(),
        ),
    ] {
        if !has_shell(shell) {
            continue;
        }
        let mut command = az.command_of(Path::new(shell), ["-c", script]);
        let output = command.env("PATH", &path).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((String::from_utf8(output.stdout).unwrap(), stderr), (expect, String::new()));
    }
}

/// Returns whether a shell is installed, and says so if it is not.
fn has_shell(shell: &str) -> bool {
    let found = std::process::Command::new(shell).args(["-c", ":"]).output().is_ok();
    if !found {
        eprintln!("skipped: no {shell} on this machine; `.ci/peers` installs it");
    }
    found
}

#[test]
fn a_word_is_completed_in_a_zsh_at_a_terminal() {
    if !has_shell("zsh") {
        return;
    }
    let az = Az::in_memory();
    az.ok(&["task", "run", "--detach", "list the files", "--model", "offline"]);
    let id = az.only_id();
    let short = &id[id.len() - 12..];
    let bins = Path::new(env!("CARGO_BIN_EXE_az")).parent().unwrap();
    let path = format!("{}:{}", bins.display(), std::env::var("PATH").unwrap());
    let mut zsh = az.command_of(Path::new("zsh"), ["-f", "-i"]);
    zsh.env("PATH", path).env("TERM", "xterm").env("PS1", "ready> ");
    // Each line is completed at a tab, and then removed with Ctrl-U.
    let dialog = [
        (
            "ready> ",
            "autoload -Uz compinit; compinit -u -D; source <(az completions zsh); PS1='go> '\n",
        ),
        ("go> ", &*format!("az task show {}\t", &short[..4])),
        (&short[4..], "\x15az task hint \t"),
        (short, "\x15az config get llm.base\t"),
        ("_url", "\x15az task run x --model off\t"),
        ("line", "\x15exit\n"),
    ];
    let Some(ended) = command_at_terminal(&az, &zsh, &dialog) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
