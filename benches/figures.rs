//! The performance figures of AZ-OS, each next to its floor in the same run.
//!
//! `cargo build --release -p az-cli && cargo bench -p az-benches` prints them. Absolute times
//! depend on the machine and its load; the ratios do not.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that fails may fall over, and it prints"
)]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use az_core::clock::SystemClock;
use az_core::journal::{EventBody, Journal, NewEvent};
use az_core::task::{Claim, TaskQueue};
use az_core::{Clock, TaskPriority, WorkerId};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use support::{az, largest_child, millis, runtime, task};

fn main() {
    // `cargo test` runs benches too, to check that they build, and passes this argument.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let az = az();
    binary(&az);
    journal();
    many_tasks(&az);
}

fn binary(az: &Path) {
    let bytes = std::fs::metadata(az).unwrap().len();
    println!("release binary           {:>9.1} MB   (bar: 15)", megabytes(bytes));
}

const WRITERS: usize = 128;
const EACH: usize = 100;

/// Durable appends by 128 writers, next to one thread that commits 128 rows at a time.
fn journal() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path().join("az.db"), SqliteOptions::default()).unwrap();
    let store = Arc::new(store);
    let (time, mut waits) = runtime().block_on(append_all(&store));
    waits.sort();
    let events = f64::from(u32::try_from(WRITERS * EACH).unwrap());
    let rate = events / time.as_secs_f64();
    let p95 = waits[waits.len() * 95 / 100];
    let floor = events / rows_in_batches(&dir.path().join("floor.db")).as_secs_f64();
    println!(
        "durable journal          {rate:>9.0} events/s at {WRITERS} writers, p95 {:.1} ms, {:.2} × floor \
         ({floor:.0})   (bar: 5,000, 50 ms)",
        millis(p95),
        rate / floor
    );
}

async fn append_all(store: &Arc<SqliteStore>) -> (Duration, Vec<Duration>) {
    let mut leases = Vec::new();
    for i in 0..WRITERS {
        let task = task(&format!("writer-{i}"));
        store.enqueue(&task, SystemClock.now()).await.unwrap();
        let until = az_core::clock::later(SystemClock.now(), Duration::from_secs(3600));
        let owner = WorkerId::new("bench").unwrap();
        let claim = Claim::next(owner, SystemClock.now(), until).of(task.id);
        leases.push(store.claim(&claim).await.unwrap().unwrap().lease);
    }
    let begun = Instant::now();
    let writers = leases.into_iter().map(|lease| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let mut waits = Vec::with_capacity(EACH);
            for seq in 0..EACH {
                let text = "something that happened, in about as many words as usual".to_owned();
                let events = vec![NewEvent::new(EventBody::Note { text })];
                let begun = Instant::now();
                let seq = u64::try_from(seq).unwrap();
                store.append(&lease, seq, events, SystemClock.now()).await.unwrap();
                waits.push(begun.elapsed());
            }
            waits
        })
    });
    let mut waits = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        waits.extend(writer.await.unwrap());
    }
    (begun.elapsed(), waits)
}

/// The floor of durable appends: the same rows, 128 in a commit, from one thread.
fn rows_in_batches(path: &Path) -> Duration {
    let mut db = Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE row (task TEXT, seq INTEGER, body TEXT, PRIMARY KEY (task, seq)) STRICT",
    )
    .unwrap();
    let body = "x".repeat(120);
    let begun = Instant::now();
    for seq in 0..i64::try_from(EACH).unwrap() {
        let transaction = db.transaction().unwrap();
        for writer in 0..WRITERS {
            let row = (format!("writer-{writer}"), seq, &body);
            let mut insert =
                transaction.prepare_cached("INSERT INTO row VALUES (?1, ?2, ?3)").unwrap();
            insert.execute(row).unwrap();
        }
        transaction.commit().unwrap();
    }
    begun.elapsed()
}

const TASKS: usize = 10_000;
const CALL: u64 = 50;

/// 10,000 concurrent tasks in one process, with a model that takes 50 ms a call.
fn many_tasks(az: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script.jsonl");
    let line = serde_json::json!({"text": "done", "delay_millis": CALL});
    std::fs::write(&script, format!("{line}\n")).unwrap();
    let model = format!("scripted:{}", script.display());
    let store = SqliteStore::open(dir.path().join("az.db"), SqliteOptions::default()).unwrap();
    runtime().block_on(async {
        let store = Arc::new(store);
        let queued = (0..TASKS).map(|i| {
            let (store, model) = (Arc::clone(&store), model.clone());
            tokio::spawn(async move {
                let task = task(&format!("task-{i:05}")).with_model(model);
                let task = task.with_priority(TaskPriority::Medium);
                store.enqueue(&task, SystemClock.now()).await.unwrap();
            })
        });
        for queued in queued.collect::<Vec<_>>() {
            queued.await.unwrap();
        }
    });
    let mut worker = Command::new(az);
    worker.args(["worker", "run", "--until-idle", "--concurrency", "10000", "--data-dir"]);
    worker.arg(dir.path()).env_clear().env("HOME", "/nonexistent").env("AZ_MODEL", "offline");
    let begun = Instant::now();
    let output = worker.arg("--quiet").output().unwrap();
    let time = begun.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let db = Connection::open(dir.path().join("az.db")).unwrap();
    let done: i64 = db
        .query_row("SELECT count(*) FROM task WHERE status = 'completed'", [], |row| row.get(0))
        .expect("the tasks can be counted");
    let rate = f64::from(u32::try_from(TASKS).unwrap()) / time.as_secs_f64();
    println!(
        "10,000 tasks at once     {done:>9} done in {:.1} s: {rate:.0} tasks/s, peak {:.0} MB   (bar: 100 MB)",
        time.as_secs_f64(),
        largest_child()
    );
    assert_eq!(usize::try_from(done), Ok(TASKS));
}

fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0
}
