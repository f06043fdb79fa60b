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

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use az_core::clock::SystemClock;
use az_core::journal::{EventBody, Journal, NewEvent};
use az_core::task::{Claim, TaskQueue, TaskRepository};
use az_core::{Clock, Task, TaskId, TaskPriority, WorkerId};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use nix::sys::resource::{UsageWho, getrusage};
use rusqlite::Connection;

fn main() {
    // `cargo test` runs benches too, to check that they build, and passes this argument.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let az = az();
    binary(&az);
    listing(&az);
    journal();
    many_tasks(&az);
}

/// Returns the release binary in the target directory of the benches.
fn az() -> PathBuf {
    let floor = PathBuf::from(env!("CARGO_BIN_EXE_floor"));
    let az = floor.with_file_name("az");
    assert!(az.exists(), "first: cargo build --release -p az-cli");
    az
}

fn binary(az: &Path) {
    let bytes = std::fs::metadata(az).unwrap().len();
    println!("release binary           {:>9.1} MB   (bar: 15)", megabytes(bytes));
}

/// `az task list` on 100,000 tasks, as a process.
fn listing(az: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("az.db");
    fill(&database, 100_000);
    let floor_command = |program: &Path| {
        let mut command = Command::new(program);
        command.arg(&database);
        quieten(&mut command);
        command
    };
    let list_command = |program: &Path| {
        let mut command = Command::new(program);
        command.args(["task", "list", "--data-dir"]).arg(dir.path());
        quieten(&mut command);
        command
    };
    let floor = Path::new(env!("CARGO_BIN_EXE_floor"));
    // The kernel maps more pages of a copy than a program uses, which is no memory of its own.
    let floor_memory = peak_memory(&mut floor_command(floor));
    let memory = peak_memory(&mut list_command(az));
    let [floor_time, time] = typical([
        &mut floor_command(&installed(floor, dir.path())),
        &mut list_command(&installed(az, dir.path())),
    ]);
    println!(
        "list of 100,000 tasks    {:>9.2} ms   {:.2} × floor ({:.2} ms)   (bar: 4 ms)",
        millis(time),
        time.as_secs_f64() / floor_time.as_secs_f64(),
        millis(floor_time),
    );
    println!(
        "  its memory             {memory:>9.1} MB   floor {floor_memory:.1} MB   (bar: 10 MB)"
    );
}

/// Copies a program, as an installation does, and returns the copy. The pages of a file that the linker
/// has just written are scattered in memory, which adds 0.3 ms to a start of `az`; those of a copy, or of
/// a file that was read from the disk, are not.
fn installed(program: &Path, dir: &Path) -> PathBuf {
    let copy = dir.join(program.file_name().unwrap());
    std::fs::copy(program, &copy).unwrap();
    copy
}

fn quieten(command: &mut Command) {
    command.stdout(Stdio::null()).env_clear().env("HOME", "/nonexistent");
}

/// Returns the peak memory of a program, which must be above that of the programs before it, in MB.
fn peak_memory(command: &mut Command) -> f64 {
    assert!(command.status().unwrap().success(), "{command:?}");
    largest_child()
}

/// Returns the median times of two programs that run by turns, so that both meet the same machine.
fn typical(mut commands: [&mut Command; 2]) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..201 {
        for (command, times) in commands.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            let status = command.status().unwrap();
            assert!(status.success(), "{command:?}");
            times.push(begun.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

/// Returns the peak memory of any process started here, in MB.
fn largest_child() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    f64::from(u32::try_from(usage.max_rss()).unwrap_or(u32::MAX)) / 1024.0
}

fn fill(database: &Path, tasks: usize) {
    let store = SqliteStore::open(database, SqliteOptions::default()).unwrap();
    runtime().block_on(TaskRepository::create(&store, &task("first"))).unwrap();
    drop(store);
    // The other tasks are copies of the first: creating them one by one through the contract takes
    // too long.
    let mut db = Connection::open(database).unwrap();
    // Of a task that ran, a listing also shows whether the cost of all its calls is known.
    let ran = "UPDATE task SET status = 'completed', started_at = created_at, \
        completed_at = created_at, answer = 'done'";
    db.execute(ran, []).unwrap();
    let transaction = db.transaction().unwrap();
    let columns = columns_but_id_and_created(&transaction);
    let copy = format!(
        "INSERT INTO task (id, created_at, {columns}) \
         SELECT printf('task-%06d', ?1), created_at + ?1 * 1000, {columns} FROM task \
         WHERE namespace = 'default' AND id = 'first'"
    );
    for i in 1..i64::try_from(tasks).unwrap() {
        transaction.prepare_cached(&copy).unwrap().execute([i]).unwrap();
    }
    transaction.commit().unwrap();
}

fn columns_but_id_and_created(db: &Connection) -> String {
    let mut statement = db.prepare("SELECT name FROM pragma_table_info('task')").unwrap();
    let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let names: Vec<_> =
        names.map(Result::unwrap).filter(|n| n != "id" && n != "created_at").collect();
    names.join(", ")
}

fn task(id: &str) -> Task {
    let command = format!("summarise the notes of meeting {id} and file them");
    Task::new(TaskId::new(id).unwrap(), command, SystemClock.now()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
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

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0
}
