//! `az log` over 1,000,000 records: the time to the first row, the memory, and the delay of `--follow`.
//!
//! `cargo build --release -p az-cli && cargo bench -p az-benches --bench log` prints the figures, and fails if one
//! misses its bar.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that fails may fall over, and it prints"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use az_core::Clock;
use az_core::clock::SystemClock;
use az_core::log::{Level, LogRecord, LogStore};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use support::{az, largest_child, millis, runtime, task};

const RECORDS: u32 = 1_000_000;
const RUNS: usize = 21;
/// The longest time to the first row, in milliseconds.
const FIRST_ROW: f64 = 20.0;
/// The most memory, in MB: that of a listing.
const MEMORY: f64 = 16.0;
/// The longest delay of `--follow`, in milliseconds.
const DELAY: f64 = 100.0;

const COMMANDS: &[&[&str]] = &[
    &["log", "show", "--limit", "20"],
    &["log", "show", "--level", "error", "--since", "2000-01-01"],
    &["log", "show", "--since", "2000-01-01"],
    &["log", "show", "--limit", "1000000"],
    &["log", "show", "--since", "2000-01-01", "--grep", "record 7"],
    &["log", "export"],
    &["log", "export", "--format", "json"],
    &["log", "export", "--format", "csv"],
];

fn main() -> ExitCode {
    // `cargo test` runs benches too, to check that they build, and passes this argument.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir().unwrap();
    fill(&dir.path().join("az.db"));
    let mut holds = true;
    println!("on {RECORDS} records   (bars: first row {FIRST_ROW} ms, memory {MEMORY} MB)");
    for args in COMMANDS {
        let first = first_row(dir.path(), args);
        let begun = Instant::now();
        assert!(command(dir.path(), args).stdout(Stdio::null()).status().unwrap().success());
        let (first, whole, memory) = (millis(first), begun.elapsed(), largest_child());
        println!(
            "az {:<58}{first:>7.2} ms   all {:>6.2} s   peak so far {memory:.1} MB",
            args.join(" "),
            whole.as_secs_f64(),
        );
        holds &= first <= FIRST_ROW && memory <= MEMORY;
    }
    let delay = millis(delay(dir.path()));
    println!("az log show --follow: a new record after {delay:.1} ms   (bar: {DELAY} ms)");
    holds &= delay <= DELAY;
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(az());
    command.args(args).arg("--data-dir").arg(dir).env_clear().env("HOME", "/nonexistent");
    command
}

/// Returns the median time from the start of the process to the first row behind a header.
fn first_row(dir: &Path, args: &[&str]) -> Duration {
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            let mut child = command(dir, args).stdout(Stdio::piped()).spawn().unwrap();
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            out.read_line(&mut line).unwrap();
            assert!(line.lines().count() == 2, "{line}");
            let time = begun.elapsed();
            drop(out);
            child.wait().unwrap();
            time
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

/// Returns the median time from before a record is appended until its line is read.
fn delay(dir: &Path) -> Duration {
    let mut command = command(dir, &["log", "show", "--follow", "--limit", "1", "--json"]);
    let mut child: Child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let store = SqliteStore::open(dir.join("az.db"), SqliteOptions::default()).unwrap();
    let runtime = runtime();
    // The newest record shows that it has started: what is appended before is not new to it.
    let mut read_line_with = |text: &str| {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(line.contains(text), "{line:?} is not the record {text:?}");
    };
    read_line_with("the newest record");
    let mut times: Vec<_> = (0..RUNS)
        .map(|round| {
            let message = format!("the record of round {round}.");
            let record = record(SystemClock.now(), &message, Level::Info);
            let begun = Instant::now();
            runtime.block_on(LogStore::append(&store, &[record])).unwrap();
            read_line_with(&message);
            begun.elapsed()
        })
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    times.sort();
    times[RUNS / 2]
}

fn record(at: az_core::Timestamp, message: &str, level: Level) -> LogRecord {
    let (target, task, message) = ("az::bench".to_owned(), None, message.to_owned());
    LogRecord { at, level, target, task, message }
}

/// Fills a log; one record of a hundred thousand is an error, the oldest among them.
fn fill(database: &Path) {
    let store = SqliteStore::open(database, SqliteOptions::default()).unwrap();
    let newest = LogRecord {
        task: Some(task("newest").id),
        ..record(SystemClock.now(), "the newest record", Level::Info)
    };
    runtime().block_on(LogStore::append(&store, &[newest])).unwrap();
    drop(store);
    // Through the contract it would take a minute.
    let db = Connection::open(database).unwrap();
    db.execute_batch(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RECORDS} - 1) \
        INSERT INTO log (at, level, target, task_id, message) \
        SELECT (SELECT at FROM log LIMIT 1) - ({RECORDS} - i) * 1000000, \
        iif(i % 100000 = 1, 3, 1), 'az::bench', 'task-' || (i / 1000), \
        'record ' || i || ' of a task that calls a model and some tools for a while' FROM n;"
    ))
    .unwrap();
}
