//! A task that does everything, in a home of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use az_core::cost::{Budget, BudgetKeeper, Limit, Period, Scope};
use az_core::journal::{Event, Journal};
use az_core::task::{TaskFilter, TaskRepository};
use az_core::{Clock, Task, Usd};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::{Az, block_on, script};

/// What a model call costs, and what it may cost at most.
pub(super) const COST: i64 = 1_000_000;
pub(super) const MOST: i64 = 5_000_000;

/// The file with a line of each shell command.
const SHELL_FILE: &str = "effects.txt";
/// The file that is appended to.
const LOG_FILE: &str = "log.txt";
/// The file that is edited, and its first line, which is there from the beginning.
const LIST_FILE: &str = "list.txt";
pub(super) const LIST_HEAD: &str = "head\n";

/// A call that changes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Replace {
        file: &'static str,
        text: &'static str,
    },
    Append(&'static str),
    /// Inserts this line below the first one. The edit still applies once it was made.
    Insert(&'static str),
    /// A shell command that adds this line.
    Shell(&'static str),
}

/// The line of the shell command that takes a moment.
const SLOW: &str = "shell-1";

/// The line of the shell command that prints a large file.
const LOUD: &str = "shell-2";

/// The effects of the task in their order.
pub(super) const EFFECTS: [Effect; 10] = [
    Effect::Replace { file: "a.txt", text: "first" },
    Effect::Shell("shell-0"),
    Effect::Insert("alpha\n"),
    Effect::Append("one\n"),
    Effect::Shell(SLOW),
    Effect::Append("two\n"),
    Effect::Replace { file: "b.txt", text: "second" },
    Effect::Insert("beta\n"),
    Effect::Append("three\n"),
    Effect::Shell(LOUD),
];

/// After each of these effects, the task lists the directory and reads a file.
const READS_AFTER: [(usize, &str); 2] = [(0, "a.txt"), (6, LARGE_FILE)];

/// A file that is there from the beginning, so large that a result with it is stored in a file of its own.
pub(super) const LARGE_FILE: &str = "large.txt";
const LARGE: usize = 70_000;

impl Effect {
    pub(super) const fn tool(self) -> &'static str {
        match self {
            Self::Replace { .. } | Self::Append(_) => "filesystem.write",
            Self::Insert(_) => "filesystem.edit",
            Self::Shell(_) => "shell.execute",
        }
    }

    pub(super) fn arguments(self) -> Value {
        match self {
            Self::Replace { file, text } => json!({"path": file, "content": text}),
            Self::Append(text) => json!({"path": LOG_FILE, "content": text, "append": true}),
            Self::Insert(line) => {
                let new = format!("{LIST_HEAD}{line}");
                json!({"path": LIST_FILE, "old_string": LIST_HEAD, "new_string": new})
            }
            Self::Shell(line) => {
                let more = match line {
                    // Long enough for a signal to cut it short.
                    SLOW => "; sleep 0.05".to_owned(),
                    LOUD => format!("; cat {LARGE_FILE}"),
                    _ => String::new(),
                };
                json!({"command": format!("echo {line} >> {SHELL_FILE}{more}")})
            }
        }
    }

    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Replace { file, .. } => file,
            Self::Append(_) => LOG_FILE,
            Self::Insert(_) => LIST_FILE,
            Self::Shell(_) => SHELL_FILE,
        }
    }

    /// Returns the bytes that it leaves in its file.
    pub(super) fn text(self) -> String {
        match self {
            Self::Replace { text, .. } | Self::Append(text) | Self::Insert(text) => text.to_owned(),
            Self::Shell(line) => format!("{line}\n"),
        }
    }

    /// Whether the same turn reads the file before: a model may change only what it has seen.
    const fn is_read_before(self) -> bool {
        matches!(self, Self::Replace { .. } | Self::Insert(_))
    }

    /// Returns a model's turn that makes the call.
    pub(super) fn turn(self) -> Value {
        let call = json!({"name": self.tool(), "arguments": self.arguments()});
        match self.is_read_before() {
            true => turn(&json!([
                {"name": "filesystem.read", "arguments": {"path": self.file()}}, call,
            ])),
            false => turn(&json!([call])),
        }
    }
}

fn turn(calls: &Value) -> Value {
    json!({"calls": calls, "usage": {"input": 100, "output": 10},
           "cost_nanos": COST, "price_nanos": MOST})
}

/// Returns the last turn.
pub(super) fn answer() -> Value {
    json!({"text": "all done", "usage": {"input": 100, "output": 10},
           "cost_nanos": COST, "price_nanos": MOST})
}

/// Returns the task's script: the turns of the model with their calls.
pub(super) fn turns() -> Vec<Value> {
    let mut turns = Vec::new();
    for (index, effect) in EFFECTS.into_iter().enumerate() {
        turns.push(effect.turn());
        if let Some((_, file)) = READS_AFTER.iter().find(|(after, _)| *after == index) {
            turns.push(turn(&json!([
                {"name": "filesystem.list", "arguments": {"path": "."}},
                {"name": "filesystem.read", "arguments": {"path": file}},
            ])));
        }
    }
    turns.push(answer());
    turns
}

/// A home with the task's script and a hard budget.
#[derive(Debug)]
pub(super) struct World {
    pub(super) az: Az,
    model: String,
}

/// What a task that may be running is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// The epoch of the last claim.
    pub(super) epoch: i64,
    /// The effect that is under way or comes next; an index into [`EFFECTS`].
    pub(super) effect: usize,
    /// Whether its intent is on record.
    pub(super) begun: bool,
}

impl World {
    pub(super) fn new() -> Self {
        // The record of the task is long enough for a snapshot.
        Self::on(Az::in_memory().with_var("AZ_SNAPSHOT_EVERY", "24"))
    }

    /// Creates the task's script and the database in an empty home.
    ///
    /// The log is off: it is written at any time, and its transactions would be among the numbered points.
    pub(super) fn on(az: Az) -> Self {
        let az = az.with_var("AZ_LOG", "off");
        fs::create_dir_all(az.data_dir()).unwrap();
        fs::write(az.database(), new_database()).unwrap();
        az.file(LARGE_FILE, &"large ".repeat(LARGE / 6)).file(LIST_FILE, LIST_HEAD);
        let model = script(&az, &turns());
        Self { az, model }
    }

    /// Returns the world of a home in which the task was run.
    pub(super) const fn found(az: Az) -> Self {
        Self { az, model: String::new() }
    }

    /// Returns the arguments of the next command: it runs the task, or resumes it if it is on record.
    pub(super) fn next_args(&self) -> Vec<String> {
        match self.task() {
            Some(id) => ["task", "resume", &id].map(str::to_owned).to_vec(),
            None => {
                let tools = ["--allow", "shell.execute", "--model", &self.model];
                ["task", "run", "do all"].into_iter().chain(tools).map(str::to_owned).collect()
            }
        }
    }

    /// The file with the standard error of all processes.
    pub(super) fn stderr(&self) -> PathBuf {
        self.az.beside("stderr")
    }

    /// Returns the name of the crash point at which the last process stopped.
    pub(super) fn point(&self) -> String {
        let said = fs::read_to_string(self.stderr()).unwrap_or_default();
        let last = said.lines().rev().find_map(|line| line.strip_prefix("point ")?.split_once(' '));
        last.map(|(_, name)| name.to_owned()).unwrap_or_default()
    }

    /// The file that says by how many seconds the wall clock is off.
    pub(super) fn clock_shift(&self) -> PathBuf {
        self.az.beside("clock-shift")
    }

    /// Asks the database, also while a stopped process has locked it.
    fn ask<T: rusqlite::types::FromSql>(&self, sql: &str) -> Option<T> {
        let db = Connection::open_with_flags(
            self.az.database(),
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        );
        db.unwrap().query_row(sql, [], |row| row.get(0)).ok()
    }

    /// Returns the id of the task, if it is on record.
    pub(super) fn task(&self) -> Option<String> {
        self.ask("SELECT id FROM task")
    }

    pub(super) fn progress(&self) -> Option<Progress> {
        let epoch = self.ask("SELECT epoch FROM task")?;
        let count = |kind: &str| {
            let count =
                self.ask::<u32>(&format!("SELECT count(*) FROM event WHERE type = '{kind}'"));
            count.unwrap_or_default() as usize
        };
        let mut calls = Vec::new();
        for (index, effect) in EFFECTS.into_iter().enumerate() {
            calls.extend(effect.is_read_before().then_some(None));
            calls.push(Some(index));
            if READS_AFTER.iter().any(|(after, _)| *after == index) {
                calls.extend([None, None]);
            }
        }
        let ended = count("tool_result");
        let next =
            calls.iter().enumerate().skip(ended).find_map(|(at, effect)| Some((at, (*effect)?)));
        let (at, effect) = next.unwrap_or((calls.len() - 1, EFFECTS.len() - 1));
        Some(Progress { epoch, effect, begun: count("tool_intent") > at })
    }

    /// Whether a process has the lease of the task.
    pub(super) fn is_owner(&self, process: u32) -> bool {
        let owner: Option<String> =
            self.ask("SELECT lease_owner FROM task WHERE lease_owner IS NOT NULL");
        owner.is_some_and(|owner| owner.contains(&format!(":{process}:")))
    }

    /// Returns the number of leases in the database.
    pub(super) fn leases(&self) -> u32 {
        self.ask("SELECT count(*) FROM task WHERE lease_owner IS NOT NULL").unwrap_or_default()
    }

    pub(super) fn store(&self) -> SqliteStore {
        open(&self.az.database())
    }

    /// Returns the task and its record, if it was made.
    pub(super) fn record(&self) -> Option<(Task, Vec<Event>)> {
        record(&self.az.database())
    }

    /// Returns the files that effects change.
    pub(super) fn files(&self) -> BTreeMap<&'static str, String> {
        EFFECTS.into_iter().map(|effect| (effect.file(), self.az.read(effect.file()))).collect()
    }
}

/// Returns the only task of a database and its record, if there is one.
pub(super) fn record(database: &Path) -> Option<(Task, Vec<Event>)> {
    let store = open(database);
    let task = block_on(store.list(&TaskFilter::default())).unwrap().pop()?;
    let events = block_on(store.read(&task.id, 0, 10_000)).unwrap();
    Some((task, events))
}

fn open(database: &Path) -> SqliteStore {
    SqliteStore::open(database, SqliteOptions::default()).unwrap()
}

/// Returns the bytes of a database without tasks and with a hard budget.
pub(super) fn new_database() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let az = Az::in_memory();
        az.ok(&["db", "init"]);
        let budget = Budget {
            scope: Scope::Global,
            period: Period::Total,
            amount: Usd::from_dollars(1),
            alerts: vec![80],
            limit: Limit::Hard,
        };
        let now = az_core::clock::SystemClock.now();
        block_on(open(&az.database()).set_budget(&budget, now)).unwrap();
        let log = az.data_dir().join("az.db-wal");
        assert!(!log.exists(), "the write-ahead log is not in the database");
        fs::read(az.database()).unwrap()
    })
}
