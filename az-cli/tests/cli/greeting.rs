//! The greeting of a first use.

use crate::support::Az;
use crate::terminal::{at_terminal, with_redirected_stderr};

const WELCOME: &str = "welcome to az; no task has run here yet";

#[test]
fn the_first_use_at_a_terminal_says_what_was_found_and_what_to_do() {
    let az = Az::new().with_var("ANTHROPIC_API_KEY", "sk-canary");
    let Some(ended) = at_terminal(&az, &["task", "list"], &[]) else { return };
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with(WELCOME), "{ended:?}");
    assert!(ended.stdout.contains("found: a key for claude in $ANTHROPIC_API_KEY"), "{ended:?}");
    assert!(ended.stdout.contains("next: `az demo` plays a recorded task"), "{ended:?}");
    assert!(!ended.stdout.contains("canary"), "{ended:?}");
    let Some(ended) = at_terminal(&az, &[], &[]) else { return };
    assert!(ended.stdout.contains("Usage: az") && ended.stdout.contains(WELCOME), "{ended:?}");
}

#[test]
fn programs_and_later_uses_are_not_greeted() {
    let az = Az::new();
    assert!(!az.az(&["task", "list"]).stderr.contains(WELCOME), "pipes");
    let file = az.beside("stderr");
    if with_redirected_stderr(&az, &["task", "list"], &file).is_none() {
        return;
    }
    assert!(!std::fs::read_to_string(&file).unwrap().contains(WELCOME));
    let is_greeted = |args: &[&str]| {
        let ended = at_terminal(&az, args, &[]).unwrap();
        ended.stdout.contains(WELCOME)
    };
    assert!(!is_greeted(&["task", "list", "--quiet"]));
    assert!(!is_greeted(&["task", "list", "--json"]));
    assert!(!is_greeted(&["task", "list", "--store", "memory:"]));
    assert!(!is_greeted(&["doctor"]));
    assert!(is_greeted(&["db", "init"]));
    assert!(!is_greeted(&["task", "list"]), "there is a store now");
}
