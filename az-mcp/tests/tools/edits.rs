//! `filesystem.edit`, and what `filesystem.write` needs to have been read.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use az_core::tool::{Probed, Toolbox};
use serde_json::{Value, json};

use crate::session::Session;

const UNREAD: &str = "was not read in this task";
const PARTIAL: &str = "was read in this task only in part";
const CHANGED: &str = "was changed since it was read in this task";

fn blind(path: &str, problem: &str) -> (bool, String) {
    let advice = "read all of it with filesystem.read before you replace it, or change a part of it with \
                  filesystem.edit";
    (false, format!("`{path}` {problem}; {advice}"))
}

fn unseen(path: &str, problem: &str, place: &str) -> (bool, String) {
    let advice = "read it with filesystem.read, and repeat the edit. As it is now,";
    (false, format!("`{path}` {problem}; {advice} {place}"))
}

#[tokio::test]
async fn a_model_edits_a_file_that_it_has_read() {
    let mut session = Session::new();
    session.file("f", "one\ntwo\nthree\nfour\nfive\nsix\n");
    session.read("f").await;
    let edited = session.edit("f", "three\n", "3\n3b\n").await;
    let shown =
        "edited `f`: 1 replacement, lines 3 to 4\n1-one\n2-two\n3:3\n4:3b\n5-four\n6-five\n7-six";
    assert_eq!(edited, (true, shown.to_owned()));
    // The result of an edit is a view of the file, so that the next one needs no other.
    assert!(session.edit("f", "six", "6").await.0);
    assert!(session.write("f", "new").await.0);
    assert!(session.edit("f", "new", "newer").await.0);
    assert_eq!(session.content("f"), "newer");
}

#[tokio::test]
async fn an_edit_of_a_file_that_was_not_read_or_was_changed_since_is_refused_with_the_line() {
    let mut session = Session::new();
    session.file("f", "one\ntwo\nthree\n");
    let edited = session.edit("f", "two", "2").await;
    assert_eq!(edited, unseen("f", UNREAD, "old_string is at line 2"));
    session.read("f").await;
    session.file("f", "zero\none\ntwo\nthree\n");
    let edited = session.edit("f", "two", "2").await;
    assert_eq!(edited, unseen("f", CHANGED, "old_string is at line 3"));
    let (ok, text) = session.edit("f", "two\nfour\n", "2").await;
    assert!(!ok && text.contains("the nearest text is at line 3: line 4 of the file is"), "{text}");
    assert_eq!(session.content("f"), "zero\none\ntwo\nthree\n");
    session.read("f").await;
    assert!(session.edit("f", "two", "2").await.0);
}

#[tokio::test]
async fn a_model_that_reads_and_edits_a_part_may_not_replace_the_rest() {
    let mut session = Session::new();
    session.file("f", "one\ntwo\nthree\n");
    session.run("filesystem.read", json!({"path": "f", "offset": 2})).await;
    assert!(session.edit("f", "two", "2").await.0);
    assert_eq!(session.write("f", "x").await, blind("f", PARTIAL));
    session.run("filesystem.read", json!({"path": "f", "limit": 2})).await;
    assert_eq!(session.write("f", "x").await, blind("f", PARTIAL));
    session.run("filesystem.read", json!({"path": "f", "offset": 3})).await;
    assert!(session.write("f", "x").await.0);
}

#[tokio::test]
async fn a_blind_overwrite_is_refused_every_time() {
    let mut session = Session::new();
    session.file("f", "old");
    for _ in 0..3 {
        assert_eq!(session.write("f", "x").await, blind("f", UNREAD));
    }
    session.read("f").await;
    session.file("f", "older");
    assert_eq!(session.write("f", "x").await, blind("f", CHANGED));
    assert_eq!(session.content("f"), "older");
    let left: Vec<_> = fs::read_dir(session.bench.at("")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // A program and a person know what they do.
    let direct = json!({"path": "f", "content": "x"});
    assert!(session.bench.run("filesystem.write", direct).await.ok);
}

#[tokio::test]
async fn a_new_file_an_empty_one_and_an_append_need_no_view() {
    let mut session = Session::new();
    session.file("empty", "");
    assert!(session.write("empty", "x").await.0);
    assert!(session.write("new", "x").await.0);
    assert!(session.write("new", "y").await.0, "the model wrote all of it");
    session.file("log", "one\n");
    let append = json!({"path": "log", "content": "two\n", "append": true});
    assert!(session.run("filesystem.write", append).await.0);
    assert_eq!(session.content("log"), "one\ntwo\n");
}

#[tokio::test]
async fn links_are_followed_within_the_workspace_and_stay_and_the_mode_is_kept() {
    let mut session = Session::new();
    session.file("target", "one\n");
    symlink("target", session.bench.at("link")).unwrap();
    symlink(session.bench.outside("secret"), session.bench.at("out")).unwrap();
    fs::set_permissions(session.bench.at("target"), fs::Permissions::from_mode(0o640)).unwrap();
    session.read("target").await;
    assert!(session.edit("link", "one", "two").await.0);
    assert!(session.bench.at("link").is_symlink());
    assert_eq!(fs::metadata(session.bench.at("target")).unwrap().mode() & 0o777, 0o640);
    assert_eq!(session.content("target"), "two\n");
    let (ok, text) = session.edit("out", "outside", "x").await;
    assert_eq!((ok, &*text), (false, "`out` is outside the workspace; use a path inside it"));
    fs::hard_link(session.bench.at("target"), session.bench.at("hard")).unwrap();
    let (ok, text) = session.edit("target", "two", "three").await;
    assert!(
        ok && text.ends_with("[another hard link of the file keeps the old content]"),
        "{text}"
    );
}

#[tokio::test]
async fn what_cannot_be_edited_is_refused_with_the_reason() {
    let mut session = Session::new();
    session.file("binary", b"a\xff\xfe");
    session.file("f", "one\ntwo\none\n");
    fs::create_dir(session.bench.at("d")).unwrap();
    for path in ["f", "d"] {
        session.run("filesystem.read", json!({"path": path})).await;
    }
    for (path, old, reason) in [
        (
            "binary",
            "a",
            "`binary` cannot be edited: it is not UTF-8, nor UTF-16 with a byte order mark; \
             filesystem.edit changes UTF-8, and UTF-16 with a byte order mark",
        ),
        ("nowhere", "a", "`nowhere` does not exist"),
        ("d", "a", "`d` is a directory; list it with filesystem.list"),
        (
            "f",
            "one",
            "`f` was not edited: old_string occurs 2 times, at lines 1, 3; add lines around it until it \
             occurs once, or set replace_all",
        ),
        (
            "f",
            "",
            "`f` was not edited: old_string is empty; copy the text to replace from the file, or create \
             a file with filesystem.write",
        ),
    ] {
        let edited = session.edit(path, old, "x").await;
        assert_eq!(edited, (false, reason.to_owned()));
    }
    assert_eq!(session.content("f"), "one\ntwo\none\n");
}

/// Returns the call of an edit with its witness.
async fn begun(session: &Session, arguments: Value) -> az_core::tool::Invocation {
    let call = session.call("filesystem.edit", arguments);
    let prepared = session.bench.prepared(&call);
    let witness = session.bench.tools.witness(&prepared).await.unwrap();
    call.with_witness(witness)
}

#[tokio::test]
async fn an_interrupted_edit_is_made_once() {
    let mut session = Session::new();
    // The text still occurs once afterwards, so that a second edit would not be refused.
    session.file("f", "x\n");
    session.read("f").await;
    let call = begun(&session, json!({"path": "f", "old_string": "x", "new_string": "x y"})).await;
    let tools = &session.bench.tools;
    let probe =
        async || tools.probe(&session.bench.prepared(&call), call.witness.as_ref()).await.unwrap();
    assert_eq!(probe().await, Probed::DidNotHappen);
    assert!(tools.call(call.clone().as_repeated()).await.unwrap().ok);
    let Probed::Happened(output) = probe().await else { panic!("not found") };
    assert_eq!(output.text(), "edited `f`: 1 replacement, line 1");
    assert!(tools.call(call.clone().as_repeated()).await.unwrap().ok);
    assert_eq!(session.content("f"), "x y\n");
    session.file("f", "x y z\n");
    assert_eq!(probe().await, Probed::Unknown);
    let repeated = tools.call(call.clone().as_repeated()).await.unwrap();
    assert!(!repeated.ok, "{repeated:?}");
    assert_eq!(session.content("f"), "x y z\n");
}

#[tokio::test]
async fn an_interrupted_edit_that_does_not_apply_is_refused_when_it_is_repeated() {
    let mut session = Session::new();
    session.file("f", "one\n");
    session.read("f").await;
    let call = begun(&session, json!({"path": "f", "old_string": "two", "new_string": "2"})).await;
    let prepared = session.bench.prepared(&call);
    let probed = session.bench.tools.probe(&prepared, call.witness.as_ref()).await.unwrap();
    assert_eq!(probed, Probed::DidNotHappen);
    assert!(!session.bench.tools.call(call.as_repeated()).await.unwrap().ok);
}

/// Edits through the tool and its files, checked against the replacement of text in memory.
#[tokio::test]
async fn a_thousand_edits_of_files_change_their_place_alone() {
    let mut session = Session::new();
    let line = |number: usize| format!("line {number} of the file, which has several\r\n");
    let mut expected: String = (0..400).map(line).collect();
    session.file("f", &expected);
    session.file("other", "other");
    for number in 0..1_000 {
        session.run("filesystem.read", json!({"path": "f", "limit": 1})).await;
        let (at, by) = (number * 7 % 400, format!("line {} of the file", 400 + number));
        let old = expected.lines().nth(at).unwrap().split(',').next().unwrap().to_owned();
        expected = expected.replacen(&format!("{old},"), &format!("{by},"), 1);
        let edited = session.edit("f", &format!("{old},"), &format!("{by},")).await;
        assert!(edited.0, "{}", edited.1);
        assert!(edited.1.starts_with(&format!("edited `f`: 1 replacement, line {}\n", at + 1)));
    }
    assert_eq!(session.content("f"), expected);
    assert_eq!(fs::read_dir(session.bench.at("")).unwrap().count(), 2);
}
