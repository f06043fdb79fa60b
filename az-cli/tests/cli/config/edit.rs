//! `az config edit` with editors that are scripts.

use std::fs;

use az_cli::config::{Access, DirectoryLock};

use crate::support::{Az, until};

/// An `az` whose editor runs this script; `$1` is the copy.
fn with_editor(script: &str) -> Az {
    let az = Az::new();
    fs::create_dir_all(az.beside("home/.config/az")).unwrap();
    fs::write(az.beside("home/.config/az/config.toml"), "[llm]\nmodel = \"claude\"\n").unwrap();
    az.file("editor.sh", script);
    let editor = format!("sh {}", az.work().join("editor.sh").display());
    az.with_var("VISUAL", editor).with_var("EDITOR", "false")
}

fn config(az: &Az) -> String {
    fs::read_to_string(az.beside("home/.config/az/config.toml")).unwrap()
}

#[test]
fn a_valid_copy_replaces_the_file() {
    let az = with_editor("sed -i s/claude/gpt4/ \"$1\"");
    az.ok(&["config", "edit"]);
    assert_eq!(config(&az), "[llm]\nmodel = \"gpt4\"\n");
}

#[test]
fn an_invalid_copy_is_kept_and_the_file_is_unchanged() {
    let az = with_editor("sed -i s/model/modle/ \"$1\"");
    let ended = az.az(&["config", "edit"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.stderr.contains("config.toml:2:1: llm: unknown key `modle`"), "{ended:?}");
    assert_eq!(config(&az), "[llm]\nmodel = \"claude\"\n");
    let (_, copy) = ended.stderr.split_once("your copy is ").unwrap();
    let copy = copy.lines().next().unwrap();
    assert_eq!(fs::read_to_string(copy).unwrap(), "[llm]\nmodle = \"claude\"\n");
    fs::remove_file(copy).unwrap();
}

#[test]
fn a_file_that_another_program_has_changed_is_not_overwritten() {
    let az = with_editor("echo '# another' >> ~/.config/az/config.toml; echo '# mine' >> \"$1\"");
    let ended = az.az(&["config", "edit"]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(ended.stderr.contains("was changed by another program"), "{ended:?}");
    assert!(!ended.stderr.contains("is unchanged"), "{ended:?}");
    assert_eq!(config(&az), "[llm]\nmodel = \"claude\"\n# another\n");
    let (_, copy) = ended.stderr.split_once("your copy is ").unwrap();
    fs::remove_file(copy.lines().next().unwrap()).unwrap();
}

#[test]
fn an_editor_that_fails_or_changes_nothing_leaves_the_file_as_it_is() {
    for (script, code, message) in [
        ("exit 3", 78, "failed (exit status: 3); nothing was changed"),
        ("true", 0, "nothing was changed"),
    ] {
        let az = with_editor(script);
        let ended = az.az(&["config", "edit"]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(message), "{ended:?}");
        assert_eq!(config(&az), "[llm]\nmodel = \"claude\"\n");
    }
    let az = Az::new().with_var("EDITOR", "no-such-editor --wait");
    let ended = az.az(&["config", "edit"]);
    assert!(ended.stderr.contains("cannot be started"), "{ended:?}");
}

#[test]
fn changes_of_an_editor_that_fails_are_kept() {
    let az = with_editor("sed -i s/claude/gpt4/ \"$1\"; exit 3");
    let ended = az.az(&["config", "edit"]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.stderr.contains("failed (exit status: 3)"), "{ended:?}");
    assert_eq!(config(&az), "[llm]\nmodel = \"claude\"\n");
    let (_, copy) = ended.stderr.split_once("your copy is ").unwrap();
    let copy = copy.lines().next().unwrap();
    assert_eq!(fs::read_to_string(copy).unwrap(), "[llm]\nmodel = \"gpt4\"\n");
    fs::remove_file(copy).unwrap();
}

#[test]
fn an_edited_file_is_checked_and_written_while_other_processes_wait() {
    let az = with_editor("sed -i s/claude/gpt4/ \"$1\"");
    let path = az.beside("home/.config/az/config.toml");
    let lock = DirectoryLock::of_file(&path, Access::Private).unwrap();
    let mut edit = az.start(&["config", "edit"]);
    let waiting = format!(" {} ", edit.child().id());
    until("the command waits for the lock, or has not", || {
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        let waits = locks.lines().any(|line| line.contains("-> FLOCK") && line.contains(&waiting));
        waits || edit.child().try_wait().unwrap().is_some()
    });
    fs::write(&path, "[llm]\nmodel = \"offline\"\n").unwrap();
    drop(lock);
    let ended = edit.wait();
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert_eq!(config(&az), "[llm]\nmodel = \"offline\"\n");
    let (_, copy) = ended.stderr.split_once("your copy is ").unwrap();
    fs::remove_file(copy.lines().next().unwrap()).unwrap();
}
