//! Tests of appends with `filesystem.write`: concurrent ones, and interrupted ones.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use az_core::tool::{Invocation, Probed, ToolOutput, Toolbox};
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use crate::support::Bench;

/// The environment variable with the writer's name, set for processes that a test starts.
const WRITER: &str = "AZ_TEST_WRITER";
/// How many lines each writer appends.
const LINES: usize = 50;

/// Calls `filesystem.write` of a separate registry, and blocks until it returns.
fn write(workspace: &Path, arguments: Value) -> ToolOutput {
    let tools = builtin_tools(ShellOptions::default()).unwrap();
    let call = Invocation::bare("filesystem.write", arguments).unwrap();
    let call = call.in_workspace(workspace.to_str().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tools.call(call.clone())).unwrap()
}

/// Appends the lines `writer 0`, `writer 1` and so on to the file `f`.
fn add_lines(workspace: &Path, writer: &str, lines: usize) {
    for number in 0..lines {
        let content = format!("{writer} {number}\n");
        let added = write(workspace, json!({"path": "f", "content": content, "append": true}));
        assert!(added.ok, "{added:?}");
    }
}

/// Returns the line numbers of each writer, in the order of the text.
fn by_writer(text: &str) -> BTreeMap<&str, Vec<usize>> {
    let mut lines = BTreeMap::<_, Vec<usize>>::new();
    for line in text.lines() {
        let (writer, number) = line.split_once(' ').unwrap();
        lines.entry(writer).or_default().push(number.parse().unwrap());
    }
    lines
}

/// Runs this test again in another process, after shell commands that prepare it.
fn start(test: &str, workspace: &Path, writer: &str, setup: &str) -> Child {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{setup}exec \"$0\" --exact \"$1\" --quiet >/dev/null")]);
    command.arg(std::env::current_exe().unwrap()).arg(format!("append::{test}"));
    command.current_dir(workspace).env(WRITER, writer).spawn().unwrap()
}

/// Returns the writer's name, if this process was started by [`start`].
#[expect(clippy::disallowed_methods, reason = "the test sets the variable for its own process")]
fn writer() -> Option<String> {
    std::env::var(WRITER).ok()
}

#[test]
fn concurrent_appends_of_threads_are_all_kept() {
    let bench = Bench::new();
    let workspace = bench.at("");
    let writers = ["a", "b", "c", "d", "e", "f", "g", "h"];
    std::thread::scope(|scope| {
        for writer in writers {
            scope.spawn(|| add_lines(&workspace, writer, LINES));
        }
    });
    let text = fs::read_to_string(bench.at("f")).unwrap();
    let all = writers.map(|writer| (writer, (0..LINES).collect()));
    assert_eq!(by_writer(&text), BTreeMap::from(all));
}

#[test]
fn concurrent_appends_of_processes_are_all_kept_also_those_without_the_lock() {
    if let Some(writer) = writer() {
        return add_lines(&std::env::current_dir().unwrap(), &writer, LINES);
    }
    let bench = Bench::new();
    let test = "concurrent_appends_of_processes_are_all_kept_also_those_without_the_lock";
    let writers = ["a", "b", "c", "d"];
    let mut running: Vec<Child> =
        writers.map(|writer| start(test, &bench.at(""), writer, "")).into();
    let foreign =
        format!("i=0; while [ $i -lt {LINES} ]; do echo foreign $i >>f; i=$((i+1)); done");
    let mut shell = Command::new("/bin/sh");
    running.push(shell.args(["-c", &foreign]).current_dir(bench.at("")).spawn().unwrap());
    for mut process in running {
        assert!(process.wait().unwrap().success());
    }
    let text = fs::read_to_string(bench.at("f")).unwrap();
    let all = ["a", "b", "c", "d", "foreign"].map(|writer| (writer, (0..LINES).collect()));
    assert_eq!(by_writer(&text), BTreeMap::from(all));
}

#[test]
fn appends_after_an_overwrite_are_kept() {
    for _ in 0..10 {
        let bench = Bench::new();
        let workspace = bench.at("");
        let (writers, lines) = (["a", "b", "c"], 20);
        std::thread::scope(|scope| {
            for writer in writers {
                scope.spawn(|| add_lines(&workspace, writer, lines));
            }
            for number in 0..12 {
                let content = format!("over {number}\n");
                assert!(write(&workspace, json!({"path": "f", "content": content})).ok);
            }
        });
        let text = fs::read_to_string(bench.at("f")).unwrap();
        assert!(text.starts_with("over 11\n"), "{text}");
        let mut left = by_writer(&text);
        assert_eq!(left.remove("over"), Some(vec![11]));
        for (writer, numbers) in left {
            // All lines from the first one on; none is missing in between or at the end.
            let first = numbers[0];
            assert_eq!(numbers, (first..lines).collect::<Vec<_>>(), "{writer} in {text}");
        }
    }
}

#[tokio::test]
async fn an_append_that_waits_while_its_file_is_replaced_goes_to_the_new_file() {
    let bench = Bench::new();
    for name in ["f", "new"] {
        fs::write(bench.at(name), format!("{name}\n")).unwrap();
    }
    let old = fs::File::open(bench.at("f")).unwrap();
    flock(&old, FlockOperation::LockExclusive).unwrap();
    let arguments = json!({"path": "f", "content": "added\n", "append": true});
    let replacing = async {
        while open_files(&bench.at("f")) < 2 {
            tokio::task::yield_now().await;
        }
        fs::rename(bench.at("new"), bench.at("f")).unwrap();
        flock(&old, FlockOperation::Unlock).unwrap();
    };
    let (output, ()) = tokio::join!(bench.run("filesystem.write", arguments), replacing);
    assert!(output.ok, "{output:?}");
    assert_eq!(std::io::read_to_string(&old).unwrap(), "f\n");
    assert_eq!(fs::read_to_string(bench.at("f")).unwrap(), "new\nadded\n");
}

/// Counts the descriptors that this process has for a file.
fn open_files(path: &Path) -> usize {
    let path = path.canonicalize().unwrap();
    let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
    files.filter(|file| fs::read_link(file.path()).is_ok_and(|it| it == path)).count()
}

#[test]
fn an_append_that_fails_half_way_leaves_the_file_unchanged() {
    let content = "x".repeat(10_000);
    let arguments = json!({"path": "f", "content": content, "append": true});
    if writer().is_some() {
        let failed = write(&std::env::current_dir().unwrap(), arguments);
        assert_eq!(failed.text(), "`f`: File too large (os error 27)");
        fs::write("tried", "").unwrap();
        return;
    }
    let test = "an_append_that_fails_half_way_leaves_the_file_unchanged";
    let bench = Bench::new();
    let limited = "trap '' XFSZ; ulimit -f 1; ";
    for old in [Some("old\n"), None] {
        if let Some(old) = old {
            fs::write(bench.at("f"), old).unwrap();
        }
        assert!(start(test, &bench.at(""), "limited", limited).wait().unwrap().success());
        assert_eq!(fs::read_to_string(bench.at("f")).ok().as_deref(), old);
        fs::remove_file(bench.at("tried")).unwrap();
        if old.is_some() {
            fs::remove_file(bench.at("f")).unwrap();
        }
    }
}

#[tokio::test]
async fn an_append_is_visible_through_descriptors_opened_before() {
    let bench = Bench::new();
    fs::write(bench.at("f"), "old ").unwrap();
    let opened = fs::File::open(bench.at("f")).unwrap();
    let arguments = json!({"path": "f", "content": "new", "append": true});
    assert!(bench.run("filesystem.write", arguments).await.ok);
    assert_eq!(fs::metadata(bench.at("f")).unwrap().ino(), opened.metadata().unwrap().ino());
    assert_eq!(std::io::read_to_string(opened).unwrap(), "old new");
}

#[tokio::test]
async fn a_write_that_waits_for_a_lock_ends_with_its_call_and_writes_nothing() {
    let bench = Bench::new();
    fs::write(bench.at("f"), "old").unwrap();
    let locked = fs::File::open(bench.at("f")).unwrap();
    flock(&locked, FlockOperation::LockExclusive).unwrap();
    for append in [false, true] {
        let arguments = json!({"path": "f", "content": "new", "append": append});
        let mut call = bench.call("filesystem.write", arguments);
        let cancelling = async {
            tokio::task::yield_now().await;
            call.cancel.cancel();
        };
        let (output, ()) = tokio::join!(bench.tools.call(call.clone()), cancelling);
        assert_eq!(output.unwrap(), ToolOutput::failed("`f`: cancelled; nothing was written"));
        call.cancel = az_core::CancellationToken::new();
        call.timeout = Some(Duration::from_millis(20));
        let output = bench.tools.call(call.clone()).await.unwrap();
        let expect = "`f`: another process has locked the file; nothing was written";
        assert_eq!(output, ToolOutput::failed(expect));
    }
    drop(locked);
    assert_eq!(fs::read_to_string(bench.at("f")).unwrap(), "old");
    assert_eq!(fs::read_dir(bench.at("")).unwrap().count(), 1);
    let arguments = json!({"path": "f", "content": ", new", "append": true});
    assert!(bench.run("filesystem.write", arguments).await.ok);
    assert_eq!(fs::read_to_string(bench.at("f")).unwrap(), "old, new");
}

#[tokio::test]
async fn an_append_to_a_very_large_file_is_probed() {
    let bench = Bench::new();
    let length = (64 << 20) + 1;
    fs::File::create(bench.at("f")).unwrap().set_len(length).unwrap();
    let inode = fs::metadata(bench.at("f")).unwrap().ino();
    let arguments = json!({"path": "f", "content": "end", "append": true});
    let call = bench.call("filesystem.write", arguments);
    let witness = bench.tools.witness(&bench.prepared(&call)).await.unwrap();
    assert!(bench.tools.call(call.clone()).await.unwrap().ok);
    let now = fs::metadata(bench.at("f")).unwrap();
    assert_eq!((now.ino(), now.len()), (inode, length + 3));
    let probed = bench.tools.probe(&bench.prepared(&call), witness.as_ref()).await.unwrap();
    assert!(matches!(probed, Probed::Happened(_)), "{probed:?}");
}

/// Takes a witness, performs `between`, and probes the append of `content`.
async fn probe_after(before: Option<&str>, content: &str, between: Option<&str>) -> Probed {
    let bench = Bench::new();
    if let Some(before) = before {
        fs::write(bench.at("f"), before).unwrap();
    }
    let arguments = json!({"path": "f", "content": content, "append": true});
    let call = bench.call("filesystem.write", arguments);
    let witness = bench.tools.witness(&bench.prepared(&call)).await.unwrap();
    match between {
        Some("the call") => assert!(bench.tools.call(call.clone()).await.unwrap().ok),
        Some("removal") => fs::remove_file(bench.at("f")).unwrap(),
        Some(text) => fs::write(bench.at("f"), text).unwrap(),
        None => {}
    }
    bench.tools.probe(&bench.prepared(&call), witness.as_ref()).await.unwrap()
}

#[tokio::test]
async fn a_probe_determines_whether_an_interrupted_append_happened() {
    let happened = || {
        let output = ToolOutput::done("appended 2 bytes to `f`");
        Probed::Happened(output.with_data(Value::Bool(true)))
    };
    assert_eq!(probe_after(Some("a\n"), "b\n", Some("the call")).await, happened());
    assert_eq!(probe_after(None, "b\n", Some("the call")).await, happened());
    assert_eq!(probe_after(Some("a\n"), "b\n", None).await, Probed::DidNotHappen);
    assert_eq!(probe_after(None, "b\n", None).await, Probed::DidNotHappen);
    assert_eq!(probe_after(Some("a\n"), "b\n", Some("a\nb")).await, Probed::Unknown);
    assert_eq!(probe_after(Some("a\n"), "b\n", Some("x\nb\n")).await, Probed::Unknown);
    assert_eq!(probe_after(Some("a\n"), "b\n", Some("")).await, Probed::Unknown);
    assert_eq!(probe_after(Some("a\n"), "b\n", Some("removal")).await, Probed::Unknown);
    assert_eq!(probe_after(Some("aaa"), "a", Some("aab")).await, Probed::Unknown);
}

#[tokio::test]
async fn a_probe_determines_the_outcome_among_appends_of_other_processes() {
    let probe = async |before, between| probe_after(before, "mine\n", Some(between)).await;
    let happened = || {
        let output = ToolOutput::done("appended 5 bytes to `f`");
        Probed::Happened(output.with_data(Value::Bool(true)))
    };
    // Others appended after it.
    assert_eq!(probe(Some("a\n"), "a\nmine\nb\n").await, happened());
    assert_eq!(probe(None, "mine\nb\n").await, happened());
    // Only others appended.
    assert_eq!(probe(Some("a\n"), "a\nb\n").await, Probed::DidNotHappen);
    assert_eq!(probe(Some("a\n"), "a\nother\nminor\n").await, Probed::DidNotHappen);
    assert_eq!(probe(None, "b\n").await, Probed::DidNotHappen);
    // It was interrupted after the file was created.
    assert_eq!(probe(None, "").await, Probed::DidNotHappen);
    // The content, or the part of it, may have been written by this call or by another process.
    assert_eq!(probe(Some("a\n"), "a\nb\nmine\n").await, Probed::Unknown);
    assert_eq!(probe(Some("a\n"), "a\nb\nmi").await, Probed::Unknown);
    assert_eq!(probe(None, "mi").await, Probed::Unknown);
}

#[tokio::test]
async fn an_append_of_nothing_is_probed() {
    let created = probe_after(None, "", Some("the call")).await;
    assert!(matches!(created, Probed::Happened(_)), "{created:?}");
    assert_eq!(probe_after(None, "", None).await, Probed::DidNotHappen);
}

#[tokio::test]
async fn a_probe_that_cannot_read_the_file_returns_unknown() {
    let bench = Bench::new();
    let call = bench.call("filesystem.write", json!({"path": "f", "content": "x", "append": true}));
    let witness = bench.tools.witness(&bench.prepared(&call)).await.unwrap();
    fs::create_dir(bench.at("f")).unwrap();
    assert_eq!(
        bench.tools.probe(&bench.prepared(&call), witness.as_ref()).await.unwrap(),
        Probed::Unknown
    );
    let call = call.in_workspace("/nowhere/at/all");
    assert_eq!(
        bench.tools.probe(&bench.prepared(&call), witness.as_ref()).await.unwrap(),
        Probed::Unknown
    );
}

#[tokio::test]
async fn an_append_to_a_long_file_is_probed() {
    let long = "line\n".repeat(100_000);
    let happened = probe_after(Some(&long), "b\n", Some("the call")).await;
    assert!(matches!(happened, Probed::Happened(_)), "{happened:?}");
    assert_eq!(probe_after(Some(&long), "b\n", None).await, Probed::DidNotHappen);
}

#[tokio::test]
async fn a_probe_without_a_witness_returns_unknown() {
    let bench = Bench::new();
    for append in [false, true] {
        let arguments = json!({"path": "f", "content": "x", "append": append});
        let call = bench.call("filesystem.write", arguments);
        assert_eq!(bench.tools.probe(&bench.prepared(&call), None).await.unwrap(), Probed::Unknown);
    }
}
