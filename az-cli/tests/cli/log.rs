//! `az log`: what is recorded, how it is shown and exported, and the commands that were run.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use az_core::clock::{SystemClock, earlier};
use az_core::log::{Level, LogQuery, LogRecord, LogStore};
use az_core::{Clock, TaskId};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};

use crate::support::{Az, block_on, script, until};

fn store(az: &Az) -> SqliteStore {
    SqliteStore::open(az.database(), SqliteOptions::default()).unwrap()
}

fn record(message: &str, level: Level, seconds_ago: u64) -> LogRecord {
    LogRecord {
        at: earlier(SystemClock.now(), Duration::from_secs(seconds_ago)),
        level,
        target: "az::test".to_owned(),
        task: None,
        message: message.to_owned(),
    }
}

fn append(az: &Az, records: &[LogRecord]) {
    block_on(LogStore::append(&store(az), records)).unwrap();
}

/// Returns the records that a command prints as a JSON document.
#[track_caller]
fn shown(az: &Az, args: &[&str]) -> Vec<Value> {
    let args = [&["log", "show", "--format", "json"], args].concat();
    serde_json::from_str(&az.ok(&args)).unwrap()
}

fn messages(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["message"].as_str().unwrap()).collect()
}

#[test]
fn a_run_is_in_the_log_with_its_task() {
    let az = Az::in_memory();
    az.ok(&["task", "run", "list the files here", "--model", "offline"]);
    let id = az.only_id();
    let records = shown(&az, &["--task", &id]);
    let found = messages(&records);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("claimed by "), "{found:?}");
    assert!(found[1].starts_with("completed after "), "{found:?}");
    for record in &records {
        let of = (&record["level"], &record["target"], &record["task_id"]);
        assert_eq!(of, (&json!("info"), &json!("az::run"), &json!(id)));
    }
}

#[test]
fn a_task_that_fails_is_an_error_in_the_log_and_not_on_standard_error_twice() {
    let az = Az::in_memory();
    let model = script(&az, &[json!({"error": {"kind": "bad_request", "message": "no"}})]);
    let ended = az.az(&["task", "run", "x", "--model", &model]);
    assert_ne!(ended.code, Some(0));
    assert!(!ended.stderr.contains("ERROR"), "{ended:?}");
    let errors = shown(&az, &["--level", "error", "--since", "2024-01-01"]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0]["message"].as_str().unwrap().starts_with("failed after "), "{errors:?}");
}

#[test]
fn the_filter_decides_what_is_recorded() {
    let run = |filter: &str| {
        let az = Az::in_memory().with_var("AZ_LOG", filter);
        az.ok(&["task", "run", "list the files here", "--model", "offline"]);
        shown(&az, &[])
    };
    assert_eq!(run("off"), [] as [Value; 0]);
    assert_eq!(run("warn"), [] as [Value; 0]);
    let debug = run("warn,az::run=debug");
    assert!(messages(&debug).iter().any(|text| text.starts_with("calls filesystem.list")));
    let az = Az::in_memory().with_var("AZ_LOG", "wran");
    let refused = az.az(&["log", "show"]);
    assert_eq!(refused.code, Some(78), "{refused:?}");
    assert!(refused.stderr.contains("did you mean warn?"), "{refused:?}");
}

#[test]
fn an_empty_log_is_an_empty_list() {
    let az = Az::in_memory();
    for args in [&["log", "show"][..], &["log", "export"], &["log", "commands"]] {
        let json = |format: &str| az.ok(&[args, &["--format", format]].concat());
        assert_eq!(json("json"), "[]\n", "{args:?}");
        assert_eq!(json("csv").lines().count().min(1), usize::from(args[1] != "commands"));
    }
    az.ok(&["db", "init"]);
    assert_eq!(shown(&az, &["--level", "error", "--since", "2024-01-01"]), [] as [Value; 0]);
}

#[test]
fn records_are_chosen_by_level_time_and_text() {
    let az = Az::in_memory();
    append(
        &az,
        &[
            record("an old error", Level::Error, 3 * 86_400),
            record("Budget exceeded", Level::Warn, 1800),
            record("an error", Level::Error, 600),
            record("details", Level::Debug, 1),
        ],
    );
    for (args, expected) in [
        (&["--level", "warn"][..], &["an old error", "Budget exceeded", "an error"][..]),
        (&["--level", "warning", "--limit", "1"], &["an error"]),
        (&["--level", "error", "--since", "2h"], &["an error"]),
        (&["--until", "yesterday"], &["an old error"]),
        (&["--grep", "BUDGET"], &["Budget exceeded"]),
        (&["--limit", "2"], &["an error", "details"]),
        (&["--limit", "0"], &[]),
    ] {
        assert_eq!(messages(&shown(&az, args)), expected, "{args:?}");
    }
    let table = az.ok(&["log", "show"]);
    let lines: Vec<_> =
        table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[0], ["AGE", "LEVEL", "TASK", "TARGET", "MESSAGE"]);
    assert_eq!(lines[1], ["3d", "ago", "error", "-", "az::test", "an", "old", "error"]);
    let column = |line: &str, word: &str| line.find(word).unwrap();
    let mut rows = table.lines();
    let at = column(rows.next().unwrap(), "MESSAGE");
    for (row, message) in rows.zip(["an old", "Budget", "an error", "details"]) {
        assert_eq!(column(row, message), at, "{table}");
    }
}

#[test]
fn what_is_wrong_with_the_options_is_said() {
    let az = Az::in_memory();
    az.ok(&["db", "init"]);
    az.file("there.json", "mine");
    for (args, code, text) in [
        (&["show", "--since", "tomorrowish"][..], 2, "--since: invalid time \"tomorrowish\""),
        (&["show", "--since", "yesterdya"], 2, "did you mean yesterday?"),
        (&["show", "--since", "1h", "--until", "2h"], 2, "it ends ("),
        (&["show", "--level", "eror"], 2, "a similar value exists: 'error'"),
        (&["show", "--task", "nosuch"], 66, "nosuch"),
        (&["export", "--output", "there.json"], 2, "--output: there.json exists already"),
        (&["export", "--output", "no/such/dir.json"], 74, "writing no/such/dir.json"),
        (&["export", "--output", "."], 74, "directory"),
        (&["export", "--force"], 2, "--output <FILE>"),
        (&["show", "--folow"], 2, "'--follow'"),
    ] {
        let ended = az.az(&[&["log"], args].concat());
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:?}");
        assert!(ended.stderr.contains(text), "{args:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{args:?}");
    }
    assert_eq!(az.read("there.json"), "mine");
    let left: Vec<_> = fs::read_dir(az.work()).unwrap().collect();
    assert_eq!(left.len(), 1, "a draft was left: {left:?}");
}

#[test]
fn an_export_has_every_record_in_each_format() {
    let az = Az::in_memory();
    let text = |i: u64| format!("record {i}, with \"quotes\",\nlines and 日本");
    let records: Vec<_> = (0..1_234).map(|i| record(&text(i), Level::Info, 5_000 - i)).collect();
    append(&az, &records);
    let said = az.az(&["log", "export", "--format", "json", "--output", "logs.json"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.stderr.contains("wrote 1234 records to logs.json"), "{said:?}");
    let mode = fs::metadata(az.work().join("logs.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let exported: Vec<Value> = serde_json::from_str(&az.read("logs.json")).unwrap();
    let expected: Vec<_> = (0..1_234).map(text).collect();
    assert_eq!(messages(&exported), expected);

    az.ok(&["log", "export", "--format", "ndjson", "--output", "logs.json", "--force"]);
    let lines = az.read("logs.json");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, exported);
    let csv = az.ok(&["log", "export", "--format", "csv", "--limit", "2"]);
    assert!(csv.starts_with("logged_at,level,target,task_id,message\n"), "{csv}");
    assert!(csv.ends_with("\"record 1233, with \"\"quotes\"\",\nlines and 日本\"\n"), "{csv}");
    assert_eq!(csv.matches("az::test").count(), 2);
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let az = Az::in_memory();
    let records: Vec<_> = (0..20_000).map(|_| record(&"x".repeat(100), Level::Info, 9)).collect();
    append(&az, &records);
    for args in [&["log", "export"][..], &["log", "show", "--since", "2024-01-01"]] {
        let mut command = az.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn secrets_are_in_no_record() {
    const KEY: &str = "sk-canary-0123456789abcdef";
    let az = Az::in_memory().with_var("MY_TOKEN", "a-secret-that-leaks");
    let model = script(
        &az,
        &[
            json!({"error": {"kind": "bad_request", "message": format!("bad {KEY} a-secret-that-leaks")}}),
        ],
    );
    az.az(&["task", "run", "x", "--model", &model]);
    let stored = block_on(store(&az).query(&LogQuery::default())).unwrap();
    let stored = format!("{stored:?}");
    assert!(stored.contains("bad [redacted] [redacted]"), "{stored}");
    // Another program may have recorded more.
    append(&az, &[record(KEY, Level::Info, 0)]);
    for args in [&["log", "show"][..], &["log", "export"], &["log", "export", "--format", "csv"]] {
        let printed = az.ok(args);
        assert!(printed.contains("[redacted]") && !printed.contains(KEY), "{args:?}: {printed}");
    }
}

#[test]
fn old_records_are_removed_by_age_and_size() {
    let az = Az::in_memory();
    append(&az, &[record("old", Level::Info, 40 * 86_400), record("new", Level::Info, 60)]);
    az.ok(&["task", "run", "list the files here", "--model", "offline"]);
    assert_eq!(messages(&shown(&az, &["--limit", "9"]))[0], "new");
    let large = "x".repeat(300_000);
    let records: Vec<_> =
        (0..9).map(|i| record(&format!("{i} {large}"), Level::Info, 50)).collect();
    append(&az, &records);
    let az = az.with_var("AZ_LOG_MAX_MEGABYTES", "1");
    az.ok(&["task", "run", "list the files here", "--model", "offline"]);
    let left = shown(&az, &["--grep", "xxx"]);
    let left: Vec<_> = messages(&left).iter().map(|message| &message[..1]).collect();
    assert_eq!(left, ["6", "7", "8"]);
}

#[test]
fn new_records_are_shown_as_they_are_written() {
    let az = Az::in_memory();
    append(&az, &[record("first", Level::Info, 0), record("second", Level::Warn, 0)]);
    let mut command = az.command(["log", "show", "--follow", "--limit", "1", "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        line["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(next(), "second");
    let store = store(&az);
    let mut quickest = Duration::MAX;
    for (i, seconds_ago) in [(0, 0), (1, 7200), (2, 0)] {
        let message = format!("new {i}");
        let begun = Instant::now();
        let record = record(&message, Level::Info, seconds_ago);
        block_on(LogStore::append(&store, &[record])).unwrap();
        assert_eq!(next(), message);
        quickest = quickest.min(begun.elapsed());
    }
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn following_ends_when_its_reader_does_without_a_new_record() {
    let az = Az::in_memory();
    append(&az, &[record("first", Level::Info, 0)]);
    let mut command = az.command(["log", "show", "--follow", "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("\"first\""));
    drop(lines);
    until("the command has ended", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_store_that_does_not_exist_yet_can_be_followed() {
    let az = Az::in_memory();
    let mut command = az.command(["log", "show", "--follow", "--format", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().contains("waiting for it"));
    append(&az, &[record("first", Level::Info, 0)]);
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert!(line.contains("\"first\""), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Returns the commands that were run, oldest first, with their exit codes.
fn commands(az: &Az) -> Vec<(String, u64)> {
    let listed = az.ok(&["log", "commands", "--limit", "99", "--format", "json"]);
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let run = |run: &Value| {
        assert!(run["duration_us"].as_u64().unwrap() > 0, "{run}");
        (run["command"].as_str().unwrap().to_owned(), run["exit_code"].as_u64().unwrap())
    };
    listed.iter().map(run).collect()
}

#[test]
fn every_command_is_recorded_with_its_exit_code() {
    let az = Az::in_memory();
    az.ok(&["task", "list"]);
    assert!(!az.data_dir().exists(), "recording a command created a store");
    az.ok(&["task", "run", "list the files here", "--model", "offline"]);
    az.ok(&["task", "ls"]);
    az.az(&["task", "show", "nosuch"]);
    az.ok(&["config", "get", "--all"]);
    az.ok(&["man", "task"]);
    az.ok(&["cost", "budget", "set", "--amount", "100"]);
    let expected = [
        ("task run", 0),
        ("task list", 0),
        ("task show", 66),
        ("config get", 0),
        ("man", 0),
        ("cost budget set", 0),
    ];
    assert_eq!(commands(&az), expected.map(|(name, code)| (name.to_owned(), code)));
    let listed = az.ok(&["log", "commands", "--command", "az task show"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("task show") && listed.contains("66"), "{listed}");
}

#[test]
fn a_command_that_reads_does_not_write_to_the_database() {
    let az = Az::in_memory();
    az.ok(&["db", "init"]);
    let database = fs::read(az.database()).unwrap();
    az.ok(&["task", "list"]);
    assert!(fs::read(az.database()).unwrap() == database, "the database changed");
    let log = az.data_dir().join("az.db-wal");
    assert_eq!(fs::metadata(log).map_or(0, |log| log.len()), 0, "the write-ahead log has pages");
    // A directory that cannot be written is no reason to fail.
    let directory = az.data_dir();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o500)).unwrap();
    az.ok(&["task", "list"]);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn noted_commands_are_moved_into_the_store_and_listed_once() {
    let az = Az::in_memory();
    az.ok(&["db", "init"]);
    az.ok(&["task", "list"]);
    let noted = az.data_dir().join("az.db.runs");
    let line = fs::read_to_string(&noted).unwrap();
    let line = line.lines().last().unwrap().to_owned() + "\n";
    assert!(line.contains("\"command\":\"task list\""), "{line}");
    // Different times, so that no line repeats another one.
    let many: String =
        (0..700).map(|i| line.replace("\"micros\":", &format!("\"micros\":9{i:03}"))).collect();
    fs::write(&noted, many).unwrap();
    az.ok(&["task", "list"]);
    assert!(noted.exists(), "a command that reads opens nothing for writing");
    az.ok(&["cost", "budget", "set", "--amount", "1"]);
    assert!(!noted.exists(), "the file is collected");
    let listed = az.ok(&["log", "commands", "--limit", "9999", "--format", "json"]);
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.len(), 702);
}

#[test]
fn commands_are_recorded_again_after_their_file_was_too_large() {
    let az = Az::in_memory();
    az.ok(&["db", "init"]);
    let noted = az.data_dir().join("az.db.runs");
    fs::write(&noted, "x\n".repeat(3 << 20)).unwrap();
    az.ok(&["task", "list"]);
    az.ok(&["cost", "budget", "set", "--amount", "1"]);
    az.ok(&["db", "status"]);
    let names: Vec<_> = commands(&az).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["db status"]);
}

#[test]
fn records_of_a_deleted_task_are_found_by_its_whole_id() {
    let az = Az::in_memory();
    az.ok(&["task", "run", "list the files here", "--model", "offline"]);
    let id = az.only_id();
    az.ok(&["task", "delete", &id]);
    assert!(TaskId::new(&*id).is_ok());
    assert_eq!(shown(&az, &["--task", &id]).len(), 2);
    assert_eq!(az.az(&["log", "show", "--task", &id[..8]]).code, Some(66));
}
