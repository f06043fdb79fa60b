//! `filesystem.search` beside ripgrep: on this repository, and on a tree of 20,000 files.
//!
//! `cargo bench -p az-benches --bench search` prints the figures, and fails if a search takes more than 1.3
//! times as long as that of `rg`, or finds something else. Without `rg`, it says that it is skipped.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that fails may fall over, and it prints"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use az_core::tool::{Invocation, Toolbox};
use az_mcp::ToolRegistry;
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;
use serde_json::{Value, json};

const DIRECTORIES: usize = 200;
const FILES: usize = 100;
const RUNS: usize = 21;
/// The longest search, as a multiple of the time of `rg`.
const RATIO: f64 = 1.3;

fn main() -> ExitCode {
    // `cargo test` runs benches too, to check that they build, and passes this argument.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    if Command::new("rg").arg("--version").output().is_err() {
        println!("skipped: there is no `rg`");
        return ExitCode::SUCCESS;
    }
    let tree = tempfile::tempdir().unwrap();
    fill(tree.path());
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let tools = builtin_tools(ShellOptions::default()).unwrap();
    let mut holds = true;
    for (name, root, pattern) in [
        ("this repository", &*repository, "fn "),
        ("this repository", &*repository, r"\bToolbox\b"),
        ("this repository", &*repository, "(?i)workspace"),
        ("20,000 files", tree.path(), "needle"),
        ("20,000 files", tree.path(), r"line \d+ of"),
    ] {
        holds &= runtime.block_on(compare(&tools, (name, root), pattern));
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fill(root: &Path) {
    let text: String = (0..40).map(|line| format!("line {line} of a file\n")).collect();
    for directory in 0..DIRECTORIES {
        let path = root.join(format!("dir_{directory:03}"));
        fs::create_dir(&path).unwrap();
        for file in 0..FILES {
            let needle = if file == directory % FILES { "a needle\n" } else { "" };
            fs::write(path.join(format!("file_{file:03}.txt")), format!("{text}{needle}")).unwrap();
        }
    }
}

/// Searches in turns with `rg`, so that both have the same load beside them; returns whether the hits are
/// the same and the median is within the bar.
async fn compare(tools: &ToolRegistry, (name, root): (&str, &Path), pattern: &str) -> bool {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut counts = (0, 0);
    for _ in 0..RUNS {
        let begun = Instant::now();
        let mut rg = Command::new("rg");
        rg.current_dir(root).args(["--no-config", "-n", "-e", pattern, "./"]);
        let output = rg.output().unwrap();
        theirs.push(begun.elapsed());
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        counts.0 = lines.count() as u64;

        let begun = Instant::now();
        let call = Invocation::bare("filesystem.search", json!({"pattern": pattern})).unwrap();
        let output = tools.call(call.in_workspace(root.to_str().unwrap())).await.unwrap();
        ours.push(begun.elapsed());
        counts.1 = output.data.unwrap().get("matches").and_then(Value::as_u64).unwrap();
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!(
        "{name:<16} {pattern:<14} {ours:>9.1?}, rg {theirs:>9.1?}: {ratio:.2}   (bar: {RATIO}); {} hits, \
         rg {}",
        counts.1, counts.0
    );
    ratio <= RATIO && counts.0 == counts.1
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
