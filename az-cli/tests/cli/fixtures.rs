//! What earlier versions of `az` left behind is opened, resumed, played and parsed by this one.
//!
//! `tests/fixtures/README.md` says how the files were made. What these tests assert does not change:
//! ids, statuses, answers, costs.

use std::fs;
use std::path::{Path, PathBuf};

use az_core::clock::{SystemClock, from_micros};
use az_core::config::ConfigManager;
use az_core::cost::{BudgetKeeper, CostEntry, CostTracker, Payer, TimeRange};
use az_core::journal::{Journal, fold};
use az_core::log::{LogQuery, LogStore};
use az_core::state::StateManager;
use az_core::store::StoreAdmin;
use az_core::task::{TaskFilter, TaskRepository};
use az_core::{Clock, Task, TaskId, Usd};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::Az;
use crate::support::block_on;

/// Where the fixtures were made; every path in them begins with it.
const MADE_AT: &str = "/tmp/az-fixture";

const SCHEMAS: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A database of an earlier version in a home of its own, and what was in it when it was made.
struct Fixture {
    az: Az,
    expected: Value,
}

impl Fixture {
    fn of(schema: u32) -> Self {
        let az = Az::new();
        let from = fixtures().join(format!("schema-{schema}"));
        copy(&from.join("data"), &az.data_dir());
        copy(&from.join("work"), &az.work());
        let root = az.work().parent().unwrap().to_owned();
        copy(&fixtures().join("scripts"), &root.join("scripts"));
        let expected = fs::read_to_string(from.join("expected.json")).unwrap();
        let root = root.to_str().unwrap();
        let expected = serde_json::from_str(&expected.replace(MADE_AT, root)).unwrap();
        // The tasks go on in this home instead of the one that they were made in.
        let db = Connection::open(az.database()).unwrap();
        for (table, column) in [
            ("task", "model"),
            ("task", "options"),
            ("task", "failure"),
            ("entry", "model"),
            ("hold", "model"),
            ("entry_sum", "model"),
        ] {
            if !db.table_exists(None, table).unwrap() {
                continue;
            }
            let sql = format!("UPDATE {table} SET {column} = replace({column}, ?1, ?2)");
            db.execute(&sql, [MADE_AT, root]).unwrap();
        }
        Self { az, expected }
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(self.az.database(), SqliteOptions::default()).unwrap()
    }

    fn rows(&self, table: &str) -> &[Value] {
        self.expected[table].as_array().unwrap()
    }

    /// Returns the id of the task with this command.
    fn id(&self, command: &str) -> TaskId {
        let task = self.rows("tasks").iter().find(|task| task["command"] == command).unwrap();
        task_id(&task["id"])
    }

    fn task(&self, command: &str) -> Task {
        block_on(TaskRepository::get(&self.store(), &self.id(command))).unwrap().unwrap()
    }

    /// Resumes a task; returns its answer and what it has cost by then.
    #[track_caller]
    fn resume(&self, command: &str, flags: &[&str]) -> (String, i64) {
        let id = self.id(command);
        self.az.ok(&[&["task", "resume", id.as_str()], flags].concat());
        let task = self.task(command);
        (task.answer.unwrap(), task.cost.nanos())
    }
}

fn task_id(id: &Value) -> TaskId {
    TaskId::new(id.as_str().unwrap()).unwrap()
}

fn micros(nullable: &Value) -> Option<az_core::Timestamp> {
    nullable.as_i64().map(from_micros)
}

/// Returns a task in the shape of the fixture's description.
fn described(task: &Task) -> Value {
    json!({
        "id": task.id, "command": task.command, "status": task.status,
        "priority": task.priority as u8, "model": task.model, "cost": task.cost.nanos(),
        "actual_tokens": task.actual_tokens, "parent_task_id": task.parent_task_id,
        "created_at": task.created_at.as_microsecond(),
        "completed_at": task.completed_at.map(|at| at.as_microsecond()), "answer": task.answer,
        "failure": task.failure,
    })
}

/// Returns an entry of the ledger in the shape of the fixture's description.
fn booked(entry: &CostEntry) -> Value {
    json!({
        "task_id": entry.payer.id(), "call_id": entry.call, "provider": entry.provider,
        "model": entry.model, "usage": entry.charge.usage, "cost": entry.charge.cost.map(Usd::nanos),
        "estimated": u8::from(entry.charge.estimated), "at": entry.at.as_microsecond(),
    })
}

fn without(rows: &[Value], key: &str) -> Vec<Value> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        row.as_object_mut().unwrap().remove(key);
    }
    rows
}

#[test]
fn tasks_and_records_of_every_schema_are_as_they_were() {
    for schema in SCHEMAS {
        let fixture = Fixture::of(schema);
        assert_eq!(fixture.expected["schema"], schema);
        let store = fixture.store();
        let mut tasks = block_on(store.list(&TaskFilter::default())).unwrap();
        tasks.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        let tasks: Vec<_> = tasks.iter().map(described).collect();
        assert_eq!(tasks, without(fixture.rows("tasks"), "epoch"), "schema {schema}");
        for journal in fixture.rows("journals") {
            let id = task_id(&journal["task_id"]);
            let events = block_on(store.read(&id, 0, 10_000)).unwrap();
            let last = events.last().unwrap();
            let found = (json!(events.len()), json!(last.seq), Some(last.at));
            let expected =
                (journal["events"].clone(), journal["last"].clone(), micros(&journal["at"]));
            assert_eq!(found, expected, "schema {schema}, {id}");
            let history = fold(&events).unwrap();
            assert_eq!(history.next_seq, last.seq + 1);
            // A snapshot of an earlier version does not say what calls before it read from caches, nor the
            // providers of turns.
            let mut from_snapshot = fold(&block_on(store.tail(&id)).unwrap()).unwrap();
            if from_snapshot.cache.is_partial {
                from_snapshot.cache = history.cache;
            }
            for (turn, same) in from_snapshot.turns.iter_mut().zip(&history.turns) {
                if turn.provider.is_empty() {
                    turn.provider.clone_from(&same.provider);
                }
            }
            assert_eq!(from_snapshot, history, "{id}");
        }
        assert_eq!(block_on(store.check()).unwrap(), [] as [String; 0], "schema {schema}");
    }
}

#[test]
fn ledger_holds_and_budgets_of_every_schema_are_as_they_were() {
    for schema in SCHEMAS {
        let fixture = Fixture::of(schema);
        let store = fixture.store();
        let mut entries: Vec<_> =
            block_on(store.entries(TimeRange::ALL, None)).unwrap().iter().map(booked).collect();
        let mut expected = fixture.rows("entries").to_vec();
        for rows in [&mut entries, &mut expected] {
            rows.sort_by_key(|row| format!("{} {}", row["task_id"], row["call_id"]));
        }
        assert_eq!(entries, expected, "schema {schema}");
        let holds: Vec<_> = block_on(store.open_holds()).unwrap();
        let holds: Vec<_> = holds
            .iter()
            .map(|hold| {
                json!({
                    "task_id": hold.payer.id(), "call_id": hold.call, "provider": hold.provider,
                    "model": hold.model, "amount": hold.amount.map(Usd::nanos),
                    "at": hold.at.as_microsecond(), "until": hold.until.as_microsecond(),
                })
            })
            .collect();
        assert_eq!(holds, fixture.rows("holds"), "schema {schema}");
        // Asked for the time of the fixture, so that its months and days are the current ones.
        let at = from_micros(fixture.rows("tasks")[0]["created_at"].as_i64().unwrap());
        for status in block_on(store.budgets(at)).unwrap() {
            // The amounts are all different: they tell the budgets apart, whatever scopes are called.
            let amount = status.budget.amount.nanos();
            let budget =
                fixture.rows("budgets").iter().find(|row| row["amount"] == amount).unwrap();
            let same =
                |row: &&Value| row["scope"] == budget["scope"] && row["period"] == budget["period"];
            let bucket = fixture.rows("buckets").iter().find(same).cloned();
            let bucket = bucket.unwrap_or(json!({"spent": 0, "held": 0}));
            let (spent, held) = (status.spent.nanos(), status.held.nanos());
            let found =
                json!([status.budget.period.to_string(), status.budget.alerts, spent, held]);
            let expected =
                json!([budget["period"], budget["alerts"], bucket["spent"], bucket["held"]]);
            assert_eq!(found, expected, "schema {schema}: {budget}");
        }
        assert_eq!(block_on(store.budgets(at)).unwrap().len(), fixture.rows("budgets").len());
    }
}

#[test]
fn the_parents_of_payers_are_as_they_were() {
    for schema in [5, 6, 7, 8] {
        let fixture = Fixture::of(schema);
        let store = fixture.store();
        for row in fixture.rows("parents") {
            let [payer, parent]: [Payer; 2] =
                ["payer", "parent"].map(|name| row[name].as_str().unwrap().parse().unwrap());
            assert_eq!(block_on(store.ancestors(&payer)).unwrap(), [parent], "{schema}: {payer}");
        }
    }
}

#[test]
fn settings_states_and_log_of_every_schema_are_as_they_were() {
    for schema in SCHEMAS {
        let fixture = Fixture::of(schema);
        let store = fixture.store();
        let settings: Vec<_> = block_on(store.get_all())
            .unwrap()
            .into_iter()
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect();
        assert_eq!(settings, fixture.rows("settings"), "schema {schema}");
        let id = TaskId::new("every-event").unwrap();
        let infos = block_on(store.list_snapshots(&id)).unwrap();
        assert_eq!(infos.len(), fixture.rows("snapshots").len(), "schema {schema}");
        for saved in fixture.rows("snapshots") {
            let name = saved["name"].as_str();
            let state = block_on(store.load_snapshot(&id, name)).unwrap().unwrap();
            if name.is_some() {
                assert_eq!(state.state, saved["state"], "schema {schema}");
            }
        }
        let log: Vec<_> = block_on(store.query(&LogQuery::default()))
            .unwrap()
            .into_iter()
            .map(|record| (json!(record.task), record.target, record.message))
            .collect();
        let mut expected: Vec<_> = fixture
            .rows("log")
            .iter()
            .map(|row| {
                let text = |key: &str| row[key].as_str().unwrap().to_owned();
                (row["task_id"].clone(), text("target"), text("message"))
            })
            .collect();
        let mut log = log;
        log.sort_by_key(|record| format!("{record:?}"));
        expected.sort_by_key(|record| format!("{record:?}"));
        assert_eq!(log, expected, "schema {schema}");
    }
}

#[test]
fn every_task_of_every_schema_is_listed_shown_and_has_its_record() {
    for schema in SCHEMAS {
        let fixture = Fixture::of(schema);
        // A command that only reads does not migrate; the first that writes does, and says where the
        // backup is.
        let refused = fixture.az.az(&["task", "list"]);
        assert_eq!(refused.code, Some(73), "{refused:?}");
        let expected =
            format!("the sqlite store has schema {schema}, but this version reads only ");
        assert!(refused.stderr.contains(&expected), "{refused:?}");
        assert!(refused.stderr.contains("help: `az db init` migrates it"), "{refused:?}");
        let made = fixture.az.az(&["db", "init"]);
        let backup = format!("az.db.schema{schema}.bak");
        let migrated = block_on(fixture.store().status()).unwrap().schema > Some(schema);
        assert_eq!(made.code, Some(0), "{made:?}");
        assert_eq!(made.stderr.contains(&backup), migrated, "{made:?}");
        assert_eq!(fixture.az.data_dir().join(backup).exists(), migrated);
        let listed = fixture.az.ok(&["task", "list", "--limit", "100", "--format", "json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.len(), fixture.rows("tasks").len(), "schema {schema}");
        for task in fixture.rows("tasks") {
            let id = task["id"].as_str().unwrap();
            let shown = fixture.az.shown(id);
            assert_eq!((&shown["status"], &shown["answer"]), (&task["status"], &task["answer"]));
            let logs = fixture.az.ok(&["task", "logs", id, "--format", "json"]);
            let journal = fixture.rows("journals").iter().find(|row| row["task_id"] == id);
            let events = journal.map_or(0, |row| row["events"].as_u64().unwrap());
            assert_eq!(logs.lines().count() as u64, events, "schema {schema}, {id}");
        }
    }
}

/// What was interrupted goes on where its record ends: effects once, holds booked, the ledger as the
/// tasks say.
#[test]
fn interrupted_tasks_of_every_schema_are_resumed() {
    for schema in SCHEMAS {
        let fixture = Fixture::of(schema);
        let before = block_on(fixture.store().entries(TimeRange::ALL, None)).unwrap().len();
        // The interrupted model call may have been made: it is booked at what was held for it.
        let answers = [
            ("an interrupted model call", "priced answer", 7_000_000),
            ("an interrupted read", "read again", 2_000_000),
            ("an interrupted write", "written again", 2_000_000),
            ("an append interrupted before", "appended once", 2_000_000),
            ("an append interrupted after", "appended once", 2_000_000),
            ("an interrupted command", "outcome unknown", 2_000_000),
            ("a pending task", "priced answer", 2_000_000),
        ];
        for (command, answer, cost) in answers {
            let resumed = fixture.resume(command, &[]);
            assert_eq!(resumed, (answer.to_owned(), cost), "schema {schema}: {command}");
        }
        let resumed = fixture.resume("a command without approval", &["--allow", "shell.execute"]);
        assert_eq!(resumed, ("a command was asked for".to_owned(), 2_000_000));

        for (file, text) in [
            ("b.txt", "second"),
            ("before.txt", "one "),
            ("after.txt", "one "),
            ("effects.txt", "ran\n"),
            ("approved.txt", "approved\napproved\n"),
        ] {
            assert_eq!(fixture.az.read(file), text, "schema {schema}: {file}");
        }
        let store = fixture.store();
        let entries = block_on(store.entries(TimeRange::ALL, None)).unwrap();
        // Two for the interrupted call and the one after it, two for the pending task.
        assert_eq!(entries.len(), before + 10, "schema {schema}");
        for task in block_on(store.list(&TaskFilter::default())).unwrap() {
            let of_task = entries.iter().filter(|entry| entry.payer.task() == Some(&task.id));
            let sum: Usd = of_task.filter_map(|entry| entry.charge.cost).sum();
            assert_eq!(task.cost, sum, "schema {schema}: {}", task.command);
        }
        assert_eq!(block_on(store.open_holds()).unwrap(), []);
        let total: Usd = entries.iter().filter_map(|entry| entry.charge.cost).sum();
        let budgets = block_on(store.budgets(SystemClock.now())).unwrap();
        let total_budget = budgets.iter().find(|b| b.budget.amount.nanos() == 100_000_000).unwrap();
        assert_eq!((total_budget.spent, total_budget.held), (total, Usd::ZERO), "schema {schema}");
    }
}

/// A budget of a task holds for the parts of it, whichever version made them.
#[test]
fn parts_of_every_schema_draw_on_their_parents_budget() {
    for schema in SCHEMAS {
        let fixture = Fixture::of(schema);
        let model = format!(
            "scripted:{}",
            fixture.az.work().parent().unwrap().join("scripts/priced.jsonl").display()
        );
        let resumed = fixture.resume("part-one of a task", &["--model", &model]);
        assert_eq!(resumed, ("priced answer".to_owned(), 2_000_000), "schema {schema}");
        let budgets = block_on(fixture.store().budgets(SystemClock.now())).unwrap();
        let parent = budgets.iter().find(|b| b.budget.amount.nanos() == 20_000_000).unwrap();
        assert_eq!(parent.spent, Usd::from_nanos(2_000_000), "schema {schema}");

        // The hard budget of another task is as hard as before.
        let dear = fixture.id("too dear a task");
        assert_ne!(fixture.az.az(&["task", "resume", dear.as_str()]).code, Some(0));
        assert_eq!(fixture.task("too dear a task").cost, Usd::ZERO);
    }
}

#[test]
fn the_first_version_of_recordings_is_played() {
    let recording = fixtures().join("recording/version-1.jsonl");
    let az = Az::new();
    let model = format!("replay:{}", recording.display());
    let answer = az.ok(&["task", "run", "write made.txt and say so", "--model", &model]);
    assert_eq!(answer.trim(), "The recorded answer.");
    assert_eq!(az.read("made.txt"), "by a recording");
    let store = SqliteStore::open(az.database(), SqliteOptions::default()).unwrap();
    let task = block_on(store.list(&TaskFilter::default())).unwrap().pop().unwrap();
    assert_eq!((task.cost.nanos(), task.actual_tokens), (2_000_000, 260));
}

#[test]
fn the_first_demonstration_is_played() {
    let recording = fixtures().join("recording/demo.jsonl");
    let text = fs::read_to_string(&recording).unwrap();
    let first: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let az = Az::new();
    for file in ["orders.csv", "report.csv", "totals.sh"] {
        let from = fixtures().join("../../demo/workspace").join(file);
        fs::copy(from, az.work().join(file)).unwrap();
    }
    // Played at its own pace it would take seconds.
    let hasty: String = text
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let line = line.as_object_mut().unwrap();
            line.remove("pieces");
            if let Some(millis) = line.get_mut("millis") {
                *millis = json!(0);
            }
            format!("{}\n", json!(line))
        })
        .collect();
    az.file(
        "demo.jsonl",
        &hasty.replace("\"retry_after_millis\":1000", "\"retry_after_millis\":1"),
    );
    let task = first["task"].as_str().unwrap();
    let args = ["task", "run", task, "--model", "replay:demo.jsonl", "--allow", "shell.execute"];
    let answer = az.ok(&args);
    assert!(answer.contains("923.00"), "{answer}");
    let report = "region,total\neast,380.00\nnorth,211.00\nsouth,332.00\n";
    assert_eq!(az.read("report.csv"), report);
}

/// Returns the entries of a configuration with their providers and models, and what the routing rules
/// choose for `hello`.
fn configured(name: &str) -> (Vec<[String; 3]>, String) {
    let config = fixtures().join("config").join(name).join("config.toml");
    let az = Az::new()
        .with_var("AZ_CONFIG", config.to_str().unwrap())
        .with_var("FIXTURE_KEY", "sk-fixture");
    let listed = az.ok(&["models", "list", "--format", "csv"]);
    let entries = listed.lines().skip(1).take_while(|line| !line.starts_with("claude,"));
    let entries = entries.map(|line| {
        let mut fields = line.split(',').map(str::to_owned);
        [(); 3].map(|()| fields.next().unwrap())
    });
    let entries = entries.collect();
    let route = az.ok(&["models", "route", "hello"]);
    let chosen = route.lines().last().unwrap();
    let chosen = chosen.split_once(':').map_or(chosen, |(chosen, _)| chosen);
    (entries, chosen.to_owned())
}

#[test]
fn configurations_mean_what_they_meant() {
    let entry = |fields: [&str; 3]| fields.map(str::to_owned);
    let (entries, chosen) = configured("every-key");
    assert_eq!(
        entries[..3],
        [
            entry(["fast", "groq", "openai/gpt-oss-120b"]),
            entry(["house", "openai-compatible", "qwen3-32b"]),
            entry(["flat", "openai-compatible", "flat-model"]),
        ]
    );
    // The model is a provider's newest, which the table of models changes.
    assert_eq!(entries[3][..2], ["by-variable", "anthropic"]);
    assert_eq!(
        (entries.len(), &*chosen),
        (4, "fast (openai/gpt-oss-120b), then house (qwen3-32b)")
    );

    let (entries, chosen) = configured("rules-in-a-file");
    assert_eq!(entries, [entry(["house", "openai-compatible", "qwen3-32b"])]);
    assert_eq!(chosen, "offline");

    let (entries, chosen) = configured("named-model");
    assert_eq!((entries.len(), &*chosen), (0, "openai/qwen3 (qwen3)"));
}

/// The first command that writes migrates the database, and runs with the settings in it.
#[test]
fn stored_settings_of_an_earlier_schema_count() {
    let fixture = Fixture::of(7);
    let db = Connection::open(fixture.az.database()).unwrap();
    let sql = "INSERT OR REPLACE INTO setting (key, value) \
               VALUES ('llm.model', '\"offline\"')";
    db.execute(sql, []).unwrap();
    drop(db);
    let read = fixture.az.az(&["models", "list"]);
    let expected = "the settings in the store were not read: the sqlite store has schema 7";
    assert!(read.stderr.contains(expected), "{read:?}");
    let run = fixture.az.az(&["task", "run", "list the files"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("a backup of it is"), "{run:?}");
    let get = fixture.az.ok(&["config", "get", "llm.model", "--json"]);
    assert!(get.contains("\"layer\": \"store\""), "{get}");
    assert!(run.stderr.contains("llm.model in the store"), "{run:?}");
}
