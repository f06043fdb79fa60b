//! What 10,000 parked tasks cost: the CPU time and the processes of an idle worker beside them, and the time
//! from an approval until the task runs.
//!
//! `cargo build --release -p az-cli && cargo bench -p az-benches --bench parked` prints the figures, and
//! fails if one misses its bar.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that fails may fall over, and it prints"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use az_core::task::TaskRepository;
use az_data::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use serde_json::{Value, json};
use support::{az, largest_child, millis, runtime, task};

const PARKED: u32 = 10_000;
/// How long the worker idles.
const IDLE: Duration = Duration::from_secs(10);
/// The most CPU time of a second of idling beside parked tasks over that without any, in milliseconds: the
/// clock of the kernel counts in steps of 10 ms.
const MORE: f64 = 2.0;
/// The longest time from an approval until the task runs.
const APPROVED: Duration = Duration::from_secs(1);
const APPROVALS: usize = 5;

fn main() -> ExitCode {
    // `cargo test` runs benches too, to check that they build, and passes this argument.
    if std::env::args().any(|arg| arg == "--test") {
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model.jsonl");
    let call = json!({"calls": [{"name": "shell.execute", "arguments": {"command": "true"}}]});
    fs::write(&model, format!("{call}\n{}\n", json!({"text": "done"}))).unwrap();
    let place = Place { dir: dir.path(), model: format!("scripted:{}", model.display()) };

    let (parked, without) = (dir.path().join("parked"), dir.path().join("without"));
    let tasks: Vec<String> = (0..APPROVALS).map(|_| place.park(&parked)).collect();
    fs::create_dir(&without).unwrap();
    let store = SqliteStore::open(without.join("az.db"), SqliteOptions::default()).unwrap();
    runtime().block_on(TaskRepository::create(&store, &task("idle"))).unwrap();
    drop(store);
    copy_parked(&parked.join("az.db"));
    let mut holds = true;
    let alone = place.idle(&without, |_| ()).cpu;
    let beside = place.idle(&parked, |_| ());
    let (per_second, base) = (beside.per_second(), alone / IDLE.as_secs_f64());
    println!(
        "an idle worker beside {PARKED} parked tasks: {per_second:.2} ms of CPU a second, {base:.2} ms without \
         (bar: {MORE} ms more), {} other processes (bar: 0), {} threads",
        beside.children, beside.threads
    );
    holds &= per_second - base <= MORE && beside.children == 0;
    let mut longest = Duration::ZERO;
    place.idle(&parked, |place| {
        for task in &tasks {
            longest = longest.max(place.approve(&parked, task));
        }
    });
    println!(
        "from the approval until the task runs: {:.0} ms   (bar: {:.0} ms)",
        millis(longest),
        millis(APPROVED)
    );
    println!("memory of a worker: {:.1} MB", largest_child());
    holds &= longest <= APPROVED;
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Place<'p> {
    dir: &'p Path,
    model: String,
}

/// What a worker used while it idled.
struct Idle {
    /// The CPU time, in milliseconds.
    cpu: f64,
    children: usize,
    threads: usize,
}

impl Idle {
    fn per_second(&self) -> f64 {
        self.cpu / IDLE.as_secs_f64()
    }
}

impl Place<'_> {
    fn az(&self, data: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(az());
        command.args(args).arg("--data-dir").arg(data).current_dir(self.dir);
        command.env_clear().env("HOME", self.dir).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Parks a task; returns its id.
    fn park(&self, data: &Path) -> String {
        let args = ["task", "run", "once", "--ask", "wait", "--model", &self.model];
        let output = self.az(data, &args).output().unwrap();
        assert_eq!(output.status.code(), Some(75), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Starts a worker, lets it settle, does something, and measures it while it idles.
    fn idle(&self, data: &Path, meanwhile: impl FnOnce(&Self)) -> Idle {
        let mut worker = self.az(data, &["worker", "run"]).stdout(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_secs(1));
        meanwhile(self);
        let begun = cpu(&worker);
        sleep(IDLE);
        let cpu = cpu(&worker) - begun;
        let (children, threads) = processes(&worker);
        worker.kill().unwrap();
        worker.wait().unwrap();
        Idle { cpu, children, threads }
    }

    /// Approves the call of a task; returns the time until its journal shows that a run began the call.
    fn approve(&self, data: &Path, task: &str) -> Duration {
        let db = Connection::open(data.join("az.db")).unwrap();
        let begun = Instant::now();
        assert!(
            self.az(data, &["task", "approve", task])
                .stdout(Stdio::null())
                .status()
                .unwrap()
                .success()
        );
        let sql = "SELECT count(*) FROM event WHERE task_id = ?1 AND type = 'tool_intent'";
        while db.query_row(sql, [task], |row| row.get::<_, i64>(0)).unwrap() == 0 {
            assert!(begun.elapsed() < 10 * APPROVED, "the task does not run");
            sleep(Duration::from_millis(1));
        }
        begun.elapsed()
    }
}

/// Adds copies of a parked task.
fn copy_parked(database: &Path) {
    let db = Connection::open(database).unwrap();
    let mut statement = db.prepare("SELECT name FROM pragma_table_info('task')").unwrap();
    let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let names: Vec<_> = names.map(Result::unwrap).filter(|name| name != "id").collect();
    let columns = names.join(", ");
    db.execute_batch(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PARKED}) \
         INSERT INTO task (id, {columns}) SELECT 'copy-' || i, {columns} FROM n, \
         (SELECT * FROM task WHERE waiting IS NOT NULL LIMIT 1)"
    ))
    .unwrap();
    let waiting: String =
        db.query_row("SELECT waiting FROM task WHERE id = 'copy-1'", [], |row| row.get(0)).unwrap();
    assert!(serde_json::from_str::<Value>(&waiting).is_ok(), "{waiting}");
}

/// Returns the CPU time of a process, in milliseconds.
fn cpu(process: &Child) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field).unwrap().parse::<f64>().unwrap();
    // `utime` and `stime`, in hundredths of a second.
    (ticks(11) + ticks(12)) * 10.0
}

/// Returns the numbers of child processes and threads of a process.
fn processes(process: &Child) -> (usize, usize) {
    let threads = fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
    let children = threads.map(|thread| {
        let children = fs::read_to_string(thread.unwrap().path().join("children")).unwrap();
        children.split_whitespace().count()
    });
    let children: Vec<usize> = children.collect();
    (children.iter().sum(), children.len())
}
