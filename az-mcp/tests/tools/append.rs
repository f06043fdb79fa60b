//! Tests of appends with `filesystem.write`: concurrent ones, and interrupted ones.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
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

/// Checks `RecoverableTool` 1.
#[tokio::test]
async fn an_append_to_a_very_large_file_is_probed() {
    let bench = Bench::new();
    let length = (64 << 20) + 1;
    fs::File::create(bench.at("f")).unwrap().set_len(length).unwrap();
    let inode = fs::metadata(bench.at("f")).unwrap().ino();
    let arguments = json!({"path": "f", "content": "end", "append": true});
    let call = bench.call("filesystem.write", arguments);
    let witness = bench.tools.witness(&bench.prepared(&call)).await.unwrap();
    let call = call.with_witness(witness.clone());
    assert!(bench.tools.call(call.clone()).await.unwrap().ok);
    let now = fs::metadata(bench.at("f")).unwrap();
    assert_eq!((now.ino(), now.len()), (inode, length + 3));
    let probed = bench.tools.probe(&bench.prepared(&call), witness.as_ref()).await.unwrap();
    assert!(matches!(probed, Probed::Happened(_)), "{probed:?}");
}

/// What happens between the witness of an append of `mine` and its probe.
#[derive(Debug, Clone, Copy)]
enum Between {
    /// Nothing.
    Nothing,
    /// The append itself is made, and its process killed before the result is recorded.
    TheCall,
    /// Another call of this program appends a text.
    Append(&'static str),
    /// Another program appends a text without the lock.
    Foreign(&'static str),
    /// Another program replaces the file by one with this text.
    Replace(&'static str),
    /// Another program truncates the file to this length.
    Truncate(u64),
    /// The file is removed.
    Remove,
}

/// A probed append of `mine` to the file `f`.
struct Interrupted {
    bench: Bench,
    call: Invocation,
}

impl Interrupted {
    /// Takes the witness of the append, and does what happens until its probe.
    async fn after(before: Option<&str>, mine: &str, between: &[Between]) -> Self {
        let bench = Bench::new();
        let file = bench.at("f");
        if let Some(before) = before {
            fs::write(&file, before).unwrap();
        }
        let append = |content: &str| {
            let arguments = json!({"path": "f", "content": content, "append": true});
            bench.call("filesystem.write", arguments)
        };
        let call = witnessed(&bench, append(mine)).await;
        for event in between {
            match event {
                Between::Nothing => {}
                Between::TheCall => assert!(bench.tools.call(call.clone()).await.unwrap().ok),
                Between::Append(text) => {
                    let other = witnessed(&bench, append(text)).await;
                    assert!(bench.tools.call(other).await.unwrap().ok);
                }
                Between::Foreign(text) => {
                    let file = fs::OpenOptions::new().create(true).append(true).open(&file);
                    file.unwrap().write_all(text.as_bytes()).unwrap();
                }
                Between::Replace(text) => {
                    fs::write(bench.at("new"), text).unwrap();
                    fs::rename(bench.at("new"), &file).unwrap();
                }
                Between::Truncate(length) => {
                    let file = fs::OpenOptions::new().write(true).open(&file).unwrap();
                    file.set_len(*length).unwrap();
                }
                Between::Remove => fs::remove_file(&file).unwrap(),
            }
        }
        Self { bench, call }
    }

    async fn probe(&self) -> Probed {
        let witness = self.call.witness.as_ref();
        self.bench.tools.probe(&self.bench.prepared(&self.call), witness).await.unwrap()
    }

    /// Makes the call again, as a resumed run does.
    async fn repeat(&self) -> ToolOutput {
        self.bench.tools.call(self.call.clone().as_repeated()).await.unwrap()
    }
}

/// Takes the witness of a call.
async fn witnessed(bench: &Bench, call: Invocation) -> Invocation {
    let witness = bench.tools.witness(&bench.prepared(&call)).await.unwrap();
    call.with_witness(witness)
}

/// Probes an append of `mine\n` to a file.
async fn probe(before: Option<&str>, between: &[Between]) -> Probed {
    Interrupted::after(before, "mine\n", between).await.probe().await
}

/// Returns what a probe of an append of `mine\n` returns if it happened.
fn happened() -> Probed {
    let output = ToolOutput::done("appended 5 bytes to `f`");
    Probed::Happened(output.with_data(Value::Bool(true)))
}

#[tokio::test]
async fn a_probe_determines_whether_an_interrupted_append_happened() {
    use Between::{Append, Foreign, Nothing, Remove, Replace, TheCall, Truncate};
    for before in [Some("a\n"), None] {
        assert_eq!(probe(before, &[TheCall]).await, happened());
        assert_eq!(probe(before, &[TheCall, Append("b\n"), Foreign("c\n")]).await, happened());
        assert_eq!(probe(before, &[Nothing]).await, Probed::DidNotHappen);
        // Only other calls appended, also with the same text or one that begins with it.
        assert_eq!(probe(before, &[Append("mine\n")]).await, Probed::DidNotHappen);
        let others = [Append("mine\nmore\n"), Append("b\n"), Append("mi")];
        assert_eq!(probe(before, &others).await, Probed::DidNotHappen);
        // It cannot be known whether the bytes of other programs are those of this call.
        for foreign in ["mine\n", "mine\nmore\n", "b\n", "mi"] {
            assert_eq!(probe(before, &[Foreign(foreign)]).await, Probed::Unknown);
            let mixed = [Append("b\n"), Foreign(foreign), Append("c\n")];
            assert_eq!(probe(before, &mixed).await, Probed::Unknown);
        }
    }
    assert_eq!(probe(Some("a\n"), &[Replace("a\n")]).await, Probed::Unknown);
    assert_eq!(probe(Some("a\n"), &[Replace("a\nmine\n")]).await, Probed::Unknown);
    assert_eq!(probe(Some("a\n"), &[TheCall, Replace("a\nmine\n")]).await, Probed::Unknown);
    assert_eq!(probe(Some("a\n"), &[Truncate(1)]).await, Probed::Unknown);
    assert_eq!(probe(Some("a\n"), &[Truncate(0), Foreign("b\n")]).await, Probed::Unknown);
    assert_eq!(probe(Some("a\n"), &[Remove]).await, Probed::Unknown);
    // It was interrupted after the file was created.
    assert_eq!(probe(None, &[Foreign("")]).await, Probed::DidNotHappen);
}

#[tokio::test]
async fn a_repeated_append_is_made_only_if_it_did_not_happen() {
    use Between::{Append, Foreign, Nothing, TheCall};
    for (between, is_ok, text) in [
        (Nothing, true, "a\nmine\n"),
        (TheCall, true, "a\nmine\n"),
        (Append("mine\n"), true, "a\nmine\nmine\n"),
        (Foreign("mine\n"), false, "a\nmine\n"),
    ] {
        let interrupted = Interrupted::after(Some("a\n"), "mine\n", &[between]).await;
        let output = interrupted.repeat().await;
        assert_eq!((output.ok, output.unknown), (is_ok, !is_ok), "{between:?}: {output:?}");
        let file = fs::read_to_string(interrupted.bench.at("f")).unwrap();
        assert_eq!(file, text, "{between:?}");
    }
}

#[tokio::test]
async fn an_append_that_continues_after_another_run_made_it_changes_nothing() {
    let made = Interrupted::after(Some("a\n"), "mine\n", &[Between::TheCall]).await;
    assert!(made.bench.tools.call(made.call.clone()).await.unwrap().ok);
    assert_eq!(fs::read_to_string(made.bench.at("f")).unwrap(), "a\nmine\n");
}

#[tokio::test]
async fn a_witness_of_an_older_version_does_not_identify_the_file() {
    let bench = Bench::new();
    fs::write(bench.at("f"), "a\n").unwrap();
    let call = bench.call("filesystem.write", json!({"path": "f", "content": "b", "append": true}));
    // The digest of the last bytes is that of "a\n".
    let digest = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7";
    let old = json!({"file": {"length": 2, "sha256": digest}});
    let probed = bench.tools.probe(&bench.prepared(&call), Some(&old)).await.unwrap();
    assert_eq!(probed, Probed::Unknown);
    let missing =
        bench.call("filesystem.write", json!({"path": "g", "content": "b", "append": true}));
    let old = json!({"file": null});
    let probed = bench.tools.probe(&bench.prepared(&missing), Some(&old)).await.unwrap();
    assert_eq!(probed, Probed::DidNotHappen);
}

#[tokio::test]
async fn an_append_of_nothing_is_probed() {
    let probe =
        async |between: &[Between]| Interrupted::after(None, "", between).await.probe().await;
    let created = probe(&[Between::TheCall]).await;
    assert!(matches!(created, Probed::Happened(_)), "{created:?}");
    assert_eq!(probe(&[]).await, Probed::DidNotHappen);
}

/// Checks `RecoverableTool` 2.
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
    assert_eq!(probe(Some(&long), &[Between::TheCall]).await, happened());
    assert_eq!(probe(Some(&long), &[]).await, Probed::DidNotHappen);
}

/// Checks `RecoverableTool` 2.
#[tokio::test]
async fn a_probe_without_a_witness_returns_unknown() {
    let bench = Bench::new();
    for append in [false, true] {
        let arguments = json!({"path": "f", "content": "x", "append": append});
        let call = bench.call("filesystem.write", arguments);
        assert_eq!(bench.tools.probe(&bench.prepared(&call), None).await.unwrap(), Probed::Unknown);
    }
}
