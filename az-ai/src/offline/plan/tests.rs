use std::collections::BTreeSet;

use az_core::journal::ToolOutcome;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Next, check_tools, next};
use crate::chat::ToolMessage;
use crate::error::Error;
use crate::offline::parse;
use crate::offline::step::Step;

fn parse(command: &str) -> Result<Vec<Step>, Error> {
    parse::parse(command, &BTreeSet::new())
}

/// Runs a plan with these results; returns the calls and the outcome.
fn play(command: &str, results: &[ToolMessage]) -> (Vec<(String, Json)>, Result<String, Error>) {
    let steps = parse(command).unwrap();
    let mut calls = Vec::new();
    for known in 0..=results.len() {
        let so_far: Vec<_> = results[..known].iter().collect();
        match next(&steps, &so_far) {
            Ok(Next::Call { tool, arguments }) => calls.push((tool.to_owned(), arguments)),
            Ok(Next::Answer(answer)) => return (calls, Ok(answer)),
            Err(error) => return (calls, Err(error)),
        }
    }
    panic!("{command} wants more than {} results: {calls:?}", results.len());
}

fn result(outcome: ToolOutcome, text: &str) -> ToolMessage {
    ToolMessage {
        call_id: String::new(),
        tool: String::new(),
        outcome,
        text: text.to_owned(),
        omitted: 0,
        images: Vec::new(),
        data: None,
    }
}

fn done(text: &str) -> ToolMessage {
    result(ToolOutcome::Done, text)
}

fn write(path: &str, content: &str, append: bool) -> (String, Json) {
    let arguments = json!({"path": path, "content": content, "append": append});
    ("filesystem.write".to_owned(), arguments)
}

fn list(path: &str, recursive: bool) -> (String, Json) {
    let arguments = json!({"path": path, "recursive": recursive, "include_hidden": false});
    ("filesystem.list".to_owned(), arguments)
}

fn shell(command: &str) -> (String, Json) {
    ("shell.execute".to_owned(), json!({"command": command}))
}

#[test]
fn files_are_counted_and_the_count_is_written() {
    let command = "list the files here, then write how many there are to count.txt";
    let (calls, answer) = play(command, &[done("a.txt\nb.txt\nsrc/"), done("written")]);
    assert_eq!(calls, [list(".", false), write("count.txt", "2", false)]);
    assert_eq!(answer.unwrap(), "1. list the files in .: 2 files\n2. write count.txt: 2");
    let (calls, _) = play(command, &[done("[empty]"), done("written")]);
    assert_eq!(calls[1], write("count.txt", "0", false));
}

#[test]
fn a_read_text_is_written_unchanged() {
    let (calls, answer) =
        play("read notes.txt and write it to copy.txt", &[done("one\ntwo\n"), done("")]);
    let read = ("filesystem.read".to_owned(), json!({"path": "notes.txt"}));
    assert_eq!(calls, [read, write("copy.txt", "one\ntwo\n", false)]);
    assert_eq!(answer.unwrap(), "1. read notes.txt: 2 lines\n2. write copy.txt: 2 lines");
}

#[test]
fn the_last_result_is_shown() {
    let command = r#"write "hello" to a.txt then append " world" to a.txt then read a.txt"#;
    let (calls, answer) = play(command, &[done(""), done(""), done("hello world")]);
    assert_eq!(calls[..2], [write("a.txt", "hello", false), write("a.txt", " world", true)]);
    assert_eq!(
        answer.unwrap(),
        "1. write a.txt: 1 line\n2. append to a.txt: 1 line\n3. read a.txt: 1 line\n\nhello world"
    );
}

#[test]
fn commands_are_run_and_their_output_is_used() {
    let (calls, _) =
        play("run `echo hi` then append the output to log.txt", &[done("hi"), done("")]);
    assert_eq!(calls, [shell("echo hi"), write("log.txt", "hi", true)]);
    let (calls, answer) = play("find \"it's\" in src", &[done("src/a:1:it's")]);
    let grep = r"grep -rnIF --exclude-dir='.[!.]*' -e 'it'\''s' -- 'src' || test $? -eq 1";
    assert_eq!(calls, [shell(grep)]);
    assert_eq!(answer.unwrap(), "1. find \"it's\" in src: 1 line\n\nsrc/a:1:it's");
}

#[test]
fn files_are_found_by_name() {
    let listing = done("a.rs\nsub/\nsub/b.rs\nsub/c.txt\nd.rs/");
    let (calls, answer) = play("find files named *.rs in src/ and count them", &[listing]);
    assert_eq!(calls, [list("src/", true)]);
    assert_eq!(answer.unwrap(), "1. find files named *.rs in src/: 2 files\n2. count them: 2");
    let (_, answer) = play("find files named *.rs in src", &[done("a.rs\nsub/b.rs")]);
    assert!(answer.unwrap().ends_with("\n\nsrc/a.rs\nsrc/sub/b.rs"));
}

#[test]
fn counts_use_the_requested_unit() {
    for (command, text, count) in [
        ("count the lines in a.txt", "a b\nc", "2"),
        ("count the words in a.txt", "a b\nc", "3"),
        ("count the characters in a.txt", "é", "1"),
        ("count the bytes in a.txt", "é", "2"),
        ("count the files in src", "a\nb/", "1"),
        ("count the directories in src", "a\nb/\nc/", "2"),
    ] {
        let (_, answer) = play(command, &[done(text)]);
        assert_eq!(answer.unwrap(), format!("1. {command}: {count}"));
    }
    let command = "count the files here and write how many there are to n";
    let (calls, _) = play(command, &[done("a\nb"), done("")]);
    assert_eq!(calls[1], write("n", "2", false));
}

#[test]
fn a_step_that_failed_ends_the_plan_and_is_named() {
    for outcome in [ToolOutcome::Failed, ToolOutcome::Refused] {
        let (calls, ended) = play("read a; write it to b", &[result(outcome, "no such file")]);
        assert_eq!(calls.len(), 1);
        let error = ended.unwrap_err();
        assert_eq!(error.to_string(), "step 1 (read a) failed: no such file");
        assert!(!error.is_retryable());
    }
}

#[test]
fn an_unknown_outcome_is_reported_and_not_used() {
    let unknown = || result(ToolOutcome::Unknown, "interrupted, outcome unknown");
    let (_, answer) = play(r#"write "x" to a; read b"#, &[unknown(), done("B")]);
    assert_eq!(
        answer.unwrap(),
        "1. write a: interrupted, outcome unknown: verify before repeating it\n\
         2. read b: 1 line\n\nB"
    );
    let (_, ended) = play("run 'date'; write it to a", &[unknown()]);
    assert_eq!(
        ended.unwrap_err().to_string(),
        "step 2 (write a) cannot be executed: step 1 was interrupted, and its result is unknown"
    );
}

#[test]
fn a_truncated_result_is_not_used_as_a_whole() {
    for command in ["read a; write it to b", "count the lines in a", "find files named x"] {
        let mut cut = done("some");
        cut.omitted = 7;
        let error = play(command, &[cut]).1.unwrap_err().to_string();
        assert!(error.contains("7 bytes of what it works on are not shown"), "{error}");
    }
}

#[test]
fn a_suggested_command_handles_a_result_above_the_limit() {
    for (command, advice) in [
        ("count the words in 'a b'", r#"run "wc -w 'a b'""#),
        ("read a; write it to b", r#"run "cat a > b""#),
        ("read a; write how many there are to b", r#"run "wc -l a > b""#),
        ("run 'seq 9'; write it to b", r#"run "(seq 9) > b""#),
        (
            "find files named *.rs in src",
            r#"run "find src -mindepth 1 -not -path '*/.*' -type f -name '*.rs'""#,
        ),
        (
            "count the files in src",
            r#"run "find src -mindepth 1 -maxdepth 1 -not -path '*/.*' -type f | wc -l""#,
        ),
    ] {
        let mut cut = done("some");
        cut.omitted = 7;
        let error = play(command, &[cut]).1.unwrap_err().to_string();
        assert!(error.ends_with(&format!("; use the shell: {advice}")), "{error}");
        assert_eq!(parse(advice).unwrap().len(), 1, "{advice}");
    }
}

#[test]
fn directories_are_listed_without_files() {
    let (_, answer) = play("list the folders here", &[done("a.txt\nsrc/\ntests/")]);
    assert_eq!(answer.unwrap(), "1. list the directories in .: 2 directories\n\nsrc/\ntests/");
    let (calls, _) = play("list the folders, write that number to n", &[done("a\nb/"), done("")]);
    assert_eq!(calls[1], write("n", "1", false));
    let mut listing = done("a\nlink\nsub/");
    let entry = |name: &str, kind: &str| json!({"name": name, "type": kind});
    listing.data = Some(json!([entry("a", "file"), entry("sub", "directory")]));
    assert!(play("list the folders", &[listing]).1.unwrap().ends_with("1 directory\n\nsub/"));
}

#[test]
fn a_missing_tool_is_named_before_the_first_call() {
    let steps = parse("read a; search for x").unwrap();
    let offered = BTreeSet::from(["filesystem.read"]);
    assert_eq!(
        check_tools(&steps, &offered).unwrap_err().to_string(),
        "offline cannot do this: to search for \"x\" it needs semantic.search, which is not available"
    );
}

proptest! {
    #[test]
    fn no_result_causes_a_panic(text in ".{0,80}", omitted in 0_usize..2) {
        for command in ["list src; write how many to a", "find files named *x; count them", "run 'x'"] {
            let steps = parse(command).unwrap();
            let result = ToolMessage { omitted, ..done(&text) };
            next(&steps, &[&result, &result]).ok();
        }
    }
}
