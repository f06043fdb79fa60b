//! The time of simple commands on 100,000 tasks, from the start of the process to its end, each next to
//! the floor: a minimal program that reads 20 rows of the same file.
//!
//! `cargo build --release -p az-cli && cargo bench -p az-benches --bench startup` prints the figures, and
//! fails if one misses its bar. The programs run by turns, so that all meet the same machine.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that fails may fall over, and it prints"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use az_core::clock::{SystemClock, earlier};
use az_core::cost::{Charge, CostEntry, CostTracker, Usage};
use az_core::log::{Level, LogRecord, LogStore};
use az_core::task::TaskRepository;
use az_core::{CallId, Clock, TaskId, Usd};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use futures_util::StreamExt;
use rusqlite::{Connection, params};
use support::{az, largest_child, millis, runtime, task};

const TASKS: u32 = 100_000;
const RUNS: usize = 201;
/// The longest time of a command, in milliseconds, and its most over the floor.
const BARS: (f64, f64) = (5.0, 1.6);
/// The most memory of a listing, in MB.
const MEMORY: f64 = 10.0;

const COMMANDS: &[&[&str]] = &[
    &["task", "list"],
    &["task", "show", "task-099999"],
    &["cost", "show"],
    &["config", "get", "llm.max_tokens"],
    &["log", "show", "--limit", "20"],
];

fn main() -> ExitCode {
    // `cargo test` runs benches too, to check that they build, and passes this argument.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    if let Some(database) = std::env::args().skip_while(|arg| arg != "--fill").nth(1) {
        fill(Path::new(&database));
        return ExitCode::SUCCESS;
    }
    if let Some(database) = std::env::args().skip_while(|arg| arg != "--memory").nth(1) {
        print_memory(Path::new(&database));
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("az.db");
    // In a process of its own: the memory of this one would count as that of its children.
    let mut filling = Command::new(std::env::current_exe().unwrap());
    assert!(filling.arg("--fill").arg(&database).status().unwrap().success());
    let memory = memory_beside(&database);
    let bare = installed(Path::new(env!("CARGO_BIN_EXE_floor")), dir.path());
    let az = installed(&az(), dir.path());
    let mut commands = vec![floor(&database, &bare)];
    commands.extend(COMMANDS.iter().map(|args| command(dir.path(), &az, args)));
    let times = typical(&mut commands);
    let base = millis(times[0]);
    println!(
        "on {TASKS} tasks: the floor takes {base:.2} ms   (bars: {} ms, {} × the floor)",
        BARS.0, BARS.1
    );
    let mut holds = memory[1] <= MEMORY;
    for (args, time) in COMMANDS.iter().zip(&times[1..]) {
        let (time, ratio) = (millis(*time), millis(*time) / base);
        println!("az {:<32}{time:>7.2} ms   {ratio:.2} × the floor", args.join(" "));
        holds &= time <= BARS.0 && ratio <= BARS.1;
    }
    println!(
        "memory of az task list {:>19.1} MB   floor {:.1} MB   (bar: {MEMORY} MB)",
        memory[1], memory[0]
    );
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn floor(database: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(database);
    quieten(command)
}

fn command(dir: &Path, az: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(az);
    command.args(args).arg("--data-dir").arg(dir);
    quieten(command)
}

fn quieten(mut command: Command) -> Command {
    command.stdout(Stdio::null()).stderr(Stdio::null()).env_clear().env("HOME", "/nonexistent");
    command
}

/// Copies a program, as an installation does, and returns the copy. The pages of a file that the linker
/// has just written are scattered in memory, which adds 0.3 ms to a start of `az`; those of a copy, or of
/// a file that was read from the disk, are not.
fn installed(program: &Path, dir: &Path) -> PathBuf {
    let copy = dir.join(program.file_name().unwrap());
    std::fs::copy(program, &copy).unwrap();
    copy
}

/// Returns the peak memory of the floor and of a listing in MB, measured by a process without other
/// children: the peak is that of all of them.
fn memory_beside(database: &Path) -> [f64; 2] {
    let mut measuring = Command::new(std::env::current_exe().unwrap());
    let output = measuring.arg("--memory").arg(database).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (floor, listing) = text.trim().split_once(' ').unwrap();
    [floor.parse().unwrap(), listing.parse().unwrap()]
}

/// Prints what [`memory_beside`] returns. The kernel maps more pages of a copy than a program uses, which
/// is no memory of its own, so that the programs are measured where they were linked.
fn print_memory(database: &Path) {
    let bare = peak_memory(&mut floor(database, Path::new(env!("CARGO_BIN_EXE_floor"))));
    let listing = peak_memory(&mut command(database.parent().unwrap(), &az(), COMMANDS[0]));
    println!("{bare} {listing}");
}

/// Returns the peak memory of a program, which must be above that of the programs before it, in MB.
fn peak_memory(command: &mut Command) -> f64 {
    assert!(command.status().unwrap().success(), "{command:?}");
    largest_child()
}

/// Returns the median times of programs that run by turns.
fn typical(commands: &mut [Command]) -> Vec<Duration> {
    let mut times = vec![Vec::new(); commands.len()];
    for _ in 0..RUNS {
        for (command, times) in commands.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            let status = command.status().unwrap();
            assert!(status.success(), "{command:?}");
            times.push(begun.elapsed());
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    times.into_iter().map(median).collect()
}

/// Fills a store with tasks that ran, each with a call of its own, a hundred days long.
fn fill(database: &Path) {
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
         SELECT ?1, created_at - ?2, {columns} FROM task WHERE namespace = 'default' AND id = 'first'"
    );
    for i in 1..TASKS {
        let age = i64::from(TASKS - i) * i64::from(APART);
        transaction.prepare_cached(&copy).unwrap().execute(params![id(i), age]).unwrap();
    }
    transaction.commit().unwrap();
    drop(db);
    let store = SqliteStore::open(database, SqliteOptions::default()).unwrap();
    runtime().block_on(book_and_log(&store));
}

/// The time between two tasks in microseconds: a thousand a day.
const APART: u32 = 86_400_000;

fn id(task: u32) -> String {
    format!("task-{task:06}")
}

/// Books a call of each task, and adds a record of each to the log.
async fn book_and_log(store: &SqliteStore) {
    let now = SystemClock.now();
    let at = |task| earlier(now, Duration::from_micros(u64::from(TASKS - task) * u64::from(APART)));
    let book = async |task| {
        let call = CallId::new("llm-0").unwrap();
        let charge = Charge::new(Usage::tokens(1_500, 200), Some(Usd::from_nanos(345_000)));
        let task_id = TaskId::new(id(task)).unwrap();
        let (provider, model) = ("openai".to_owned(), "gpt-4o-mini".to_owned());
        let entry =
            CostEntry { payer: task_id.into(), call, provider, model, charge, at: at(task) };
        store.book(&entry).await.unwrap();
    };
    futures_util::stream::iter(1..TASKS).for_each_concurrent(128, book).await;
    let records: Vec<_> = (1..TASKS)
        .map(|task| LogRecord {
            at: at(task),
            level: Level::Info,
            target: "az_ai::dispatch".to_owned(),
            task: Some(TaskId::new(id(task)).unwrap()),
            message: "the call took 812 ms".to_owned(),
        })
        .collect();
    store.append(&records).await.unwrap();
}

fn columns_but_id_and_created(db: &Connection) -> String {
    let mut statement = db.prepare("SELECT name FROM pragma_table_info('task')").unwrap();
    let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let names: Vec<_> =
        names.map(Result::unwrap).filter(|n| n != "id" && n != "created_at").collect();
    names.join(", ")
}
