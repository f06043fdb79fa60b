//! The built-in tools on a tree of 20,000 files, the overhead of a call, and `az tools usage` of 100,000 calls.
//!
//! `cargo build --release -p az-cli && cargo bench -p az-benches --bench tools` prints the figures, and fails if one misses its bar.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that fails may fall over, and it prints"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use az_core::task::TaskRepository;
use az_core::tool::{
    EffectClass, Invocation, ReadResults, RecordedResults, ToolOutput, ToolScope, Toolbox,
};
use az_core::{CallId, Result};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;
use az_mcp::{ToolRegistry, TypedTool};
use rusqlite::Connection;
use serde_json::{Value, json};
use support::{az, largest_child, millis, runtime, task};

const DIRECTORIES: usize = 200;
const FILES: usize = 100;
const RUNS: usize = 11;
const CALLS: u32 = 20_000;
/// The longest call on the tree.
const CALL: Duration = Duration::from_millis(500);
/// The longest overhead of a call.
const OVERHEAD: Duration = Duration::from_micros(30);

/// The calls that are counted.
const COUNTED: u32 = 100_000;
/// The longest time of `az tools usage`.
const USAGE: Duration = Duration::from_millis(50);

/// A tool that does nothing, with the arguments of a built-in one.
#[derive(Debug)]
struct Nothing;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only parsed")]
struct NothingArgs {
    path: String,
    content: String,
    #[serde(default)]
    append: bool,
}

impl TypedTool for Nothing {
    type Args = NothingArgs;
    const NAME: &'static str = "bench.nothing";
    const DESCRIPTION: &'static str = "Does nothing";
    const CATEGORY: &'static str = "bench";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;

    async fn call(&self, _args: NothingArgs, _call: &Invocation) -> Result<ToolOutput> {
        Ok(ToolOutput::done("nothing"))
    }
}

/// The recorded result of an earlier call.
#[derive(Debug)]
struct Recorded;

#[async_trait]
impl ReadResults for Recorded {
    async fn read(&self, _call: &CallId) -> Result<Option<ToolOutput>> {
        Ok(Some(ToolOutput::done("a line\n".repeat(100_000))))
    }
}

fn main() -> ExitCode {
    // `cargo test` runs benches too, to check that they build, and passes this argument.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let holds = runtime().block_on(measure(dir.path()));
    let usage = usage();
    println!(
        "az tools usage of {COUNTED} calls {:.1} ms, {:.1} MB   (bar: {:.0} ms)",
        millis(usage),
        largest_child(),
        millis(USAGE)
    );
    if holds && usage <= USAGE { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the median time of `az tools usage`, from the start of the process to its end.
fn usage() -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("az.db");
    let store = SqliteStore::open(&database, SqliteOptions::default()).unwrap();
    runtime().block_on(TaskRepository::create(&store, &task("called"))).unwrap();
    drop(store);
    // Through the contract it would take a minute.
    let db = Connection::open(&database).unwrap();
    db.execute_batch(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COUNTED}), \
         call AS (SELECT i, 'tool.t' || (i % 20) AS tool, iif(i % 9 = 0, 'failed', 'done') AS outcome, \
             i * 7919 % 3000 AS millis FROM n) \
         INSERT INTO event (task_id, seq, epoch, type, call_id, at, tool, outcome, millis, body) \
         SELECT 'called', i, 1, 'tool_result', 't0.' || i, i, tool, outcome, millis, \
             json_object('type', 'tool_result', 'tool', tool, 'outcome', outcome, 'millis', millis, \
                 'content', json_array(json_object('type', 'text', 'text', hex(zeroblob(500))))) FROM call;"
    ))
    .unwrap();
    drop(db);
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let mut command = Command::new(az());
            command.args(["tools", "usage", "--data-dir"]).arg(dir.path());
            command.env_clear().env("HOME", "/nonexistent").stdout(Stdio::null());
            let begun = Instant::now();
            assert!(command.status().unwrap().success());
            begun.elapsed()
        })
        .collect();
    times.sort();
    times.get(RUNS / 2).copied().unwrap()
}

fn fill(root: &Path) {
    for directory in 0..DIRECTORIES {
        let path = root.join(format!("dir_{directory:03}"));
        fs::create_dir(&path).unwrap();
        for file in 0..FILES {
            fs::write(path.join(format!("file_{file:03}.txt")), "a line of text\n").unwrap();
        }
    }
}

async fn measure(root: &Path) -> bool {
    let shell = ShellOptions::default().with_env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let tools = builtin_tools(shell).unwrap();
    let mut holds = true;
    println!("on {} files   (bar: {CALL:?} for a call)", DIRECTORIES * FILES);
    for (tool, arguments) in [
        ("filesystem.list", json!({"path": ".", "recursive": true})),
        ("filesystem.read", json!({"path": "dir_100/file_050.txt"})),
        ("filesystem.write", json!({"path": "dir_100/file_050.txt", "content": "x\n"})),
        ("filesystem.write", json!({"path": "dir_100/new.txt", "content": "x\n", "append": true})),
        ("shell.execute", json!({"command": "find . -type f | wc -l"})),
        ("process.list", json!({})),
        ("output.read", json!({"call": "t0.0", "offset": 300_000})),
    ] {
        let mut longest = Duration::ZERO;
        for _ in 0..RUNS {
            let begun = Instant::now();
            let output = tools.call(call(root, tool, &arguments)).await.unwrap();
            assert!(output.ok, "{tool}: {}", output.text());
            longest = longest.max(begun.elapsed());
        }
        holds &= longest <= CALL;
        println!("{tool:<18} {longest:>10.1?}  {arguments}");
    }
    let overhead = overhead(root).await;
    println!("overhead of a call {overhead:>10.1?}   (bar: {OVERHEAD:?})");
    holds && overhead <= OVERHEAD
}

fn call(root: &Path, tool: &str, arguments: &Value) -> Invocation {
    let call = Invocation::bare(tool, arguments.clone()).unwrap();
    let call = call.in_workspace(root.to_str().unwrap());
    call.with_results(RecordedResults::new(Arc::new(Recorded)))
}

/// Returns the mean time of a call that does nothing: checking and parsing its arguments, and the way to
/// the tool and back.
async fn overhead(root: &Path) -> Duration {
    let mut tools = ToolRegistry::new();
    tools.add(Nothing).unwrap();
    let arguments = json!({"path": "src/lib.rs", "content": "fn main() {}\n", "append": true});
    let begun = Instant::now();
    for _ in 0..CALLS {
        tools.call(call(root, "bench.nothing", &arguments)).await.unwrap();
    }
    begun.elapsed() / CALLS
}
