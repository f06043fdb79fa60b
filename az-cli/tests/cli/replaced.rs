//! A database that is set aside, replaced or deleted while it is open, or cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Az, Running, script, until};

/// Copies a directory with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// Returns surroundings with a database whose last change is in its write-ahead log only, as after a
/// crash, and which has a large body.
fn with_a_log() -> Az {
    let az = Az::new();
    az.file("large.txt", &"large ".repeat(20_000));
    let read = json!({"calls": [{"name": "filesystem.read", "arguments": {"path": "large.txt"}}]});
    let model = script(&az, &[read, json!({"text": "done"})]);
    az.ok(&["task", "run", "first", "--model", &model]);
    let db = Connection::open(az.database()).unwrap();
    db.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    db.execute("UPDATE task SET command = 'changed'", []).unwrap();
    let saved = az.work().join("saved");
    copy(&az.data_dir(), &saved);
    drop(db);
    fs::remove_dir_all(az.data_dir()).unwrap();
    copy(&saved, &az.data_dir());
    fs::remove_dir_all(saved).unwrap();
    assert!(fs::metadata(az.data_dir().join("az.db-wal")).unwrap().len() > 0);
    az
}

/// Returns the databases of a data directory.
pub(crate) fn databases(az: &Az) -> Vec<PathBuf> {
    let paths = fs::read_dir(az.data_dir()).unwrap().map(|entry| entry.unwrap().path());
    let is_database = |path: &PathBuf| {
        path.is_file()
            && !["-wal", "-shm", ".runs"].iter().any(|end| path.to_str().unwrap().ends_with(end))
    };
    paths.filter(is_database).collect()
}

/// Returns the commands of the tasks in a database that has no problems.
pub(crate) fn commands(az: &Az, database: &Path) -> Vec<Value> {
    let store = format!("sqlite:{}", database.display());
    let status = az.az(&["db", "status", "--check", "--store", &store]);
    assert_eq!(status.code, Some(0), "{status:?}");
    let listed = az.ok(&["task", "list", "--format", "json", "--store", &store]);
    let tasks: Vec<Value> = serde_json::from_str(&listed).unwrap();
    tasks.iter().map(|task| task["command"].clone()).collect()
}

#[test]
fn a_database_is_set_aside_with_all_of_its_files_wherever_the_command_is_killed() {
    let prepared = with_a_log();
    for point in 1.. {
        let az = Az::new();
        copy(&prepared.data_dir(), &az.data_dir());
        let mut command = az.command(["db", "init", "--force"]);
        let ended = command.env("AZ_FAILPOINT", point.to_string()).output().unwrap();
        let found: Vec<_> = databases(&az).iter().flat_map(|path| commands(&az, path)).collect();
        assert_eq!(found, ["changed"], "killed at point {point}: {ended:?}");
        if ended.status.code() == Some(0) {
            assert!(point > 2, "the command passes points");
            return;
        }
    }
}

/// Starts a worker, and waits until it has run its only task.
fn idle_worker(az: &Az) -> Running {
    let model = script(az, &[json!({"text": "done"})]);
    az.ok(&["task", "run", "--detach", "first", "--model", &model]);
    let worker = az.start(&["worker", "run"]);
    let id = az.only_id();
    until("the worker has run the task", || az.shown(&id)["status"] == "completed");
    worker
}

#[test]
fn a_database_that_an_idle_worker_has_open_is_not_set_aside() {
    let az = Az::new();
    let worker = idle_worker(&az);
    let refused = az.az(&["db", "init", "--force"]);
    assert_eq!(refused.code, Some(75), "{refused:?}");
    assert!(refused.stderr.contains("is open in another process"), "{refused:?}");
    assert_eq!(databases(&az), [az.database()]);
    worker.kill();
    az.ok(&["db", "init", "--force"]);
    assert_eq!(databases(&az).len(), 2);
}

#[test]
fn an_idle_worker_whose_database_was_replaced_or_deleted_ends() {
    for replaced in [true, false] {
        let az = Az::new();
        let worker = idle_worker(&az);
        fs::rename(az.database(), az.data_dir().join("moved")).unwrap();
        if replaced {
            let other = Az::new();
            other.ok(&["db", "init"]);
            fs::copy(other.database(), az.database()).unwrap();
        }
        let ended = worker.wait();
        assert_eq!(ended.code, Some(73), "{ended:?}");
        assert!(ended.stderr.contains("was replaced or deleted while it was open"), "{ended:?}");
        assert_eq!(az.database().exists(), replaced, "the worker creates no other database");
    }
}

#[test]
fn a_task_whose_database_was_deleted_meanwhile_does_not_complete() {
    let az = Az::new();
    let wait = "touch begun; until [ -e go ]; do sleep 0.01; done";
    let call = json!({"calls": [{"name": "shell.execute", "arguments": {"command": wait}}]});
    let model = script(&az, &[call, json!({"text": "done"})]);
    let running = az.start(&["task", "run", "wait", "--model", &model, "--allow", "shell.execute"]);
    until("the command runs", || az.work().join("begun").exists());
    fs::remove_dir_all(az.data_dir()).unwrap();
    az.file("go", "");
    let ended = running.wait();
    assert_eq!(ended.code, Some(73), "{ended:?}");
    assert!(ended.stderr.contains("was replaced or deleted while it was open"), "{ended:?}");
}

/// SQLite rolls back after an I/O error, and the statement that follows has an error of its own.
#[test]
fn the_io_error_at_opening_is_the_one_reported() {
    let az = Az::new();
    az.ok(&["task", "run", "--detach", "something to find"]);
    for args in ["task list", "task run --detach another", "db status"] {
        let limited =
            format!("trap '' XFSZ; ulimit -f 0; exec {} {args}", env!("CARGO_BIN_EXE_az"));
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &limited])
            .env("HOME", az.data_dir().join("../../.."))
            .env_remove("AZ_DATA_DIR");
        command.env_remove("XDG_DATA_HOME").env_remove("AZ_STORE");
        let ended: crate::support::Ended = command.output().unwrap().into();
        assert_eq!(ended.code, Some(74), "{args}: {ended:?}");
        assert!(ended.stderr.contains("disk I/O error"), "{args}: {ended:?}");
    }
}

#[test]
fn brackets_that_are_nested_deeply_are_a_damaged_event_to_every_command() {
    let az = Az::new();
    let model = script(&az, &[json!({"text": "done"})]);
    az.ok(&["task", "run", "first", "--model", &model]);
    let id = az.only_id();
    let db = Connection::open(az.database()).unwrap();
    for deep in [100_000, 5_000] {
        let body = format!(r#"{{"type":"note","text":{}{}}}"#, "[".repeat(deep), "]".repeat(deep));
        db.execute("UPDATE event SET body = ?1 WHERE seq = 2", [body]).unwrap();
        for args in [&["task", "show", &id][..], &["task", "logs", &id], &["task", "list"]] {
            let ended = az.az(args);
            let expected = if args[1] == "list" { 0 } else { 70 };
            assert_eq!(ended.code, Some(expected), "{args:?}: {ended:?}");
            let told = ended.stderr.contains("nested more than 192 levels deep");
            assert_eq!(told, expected != 0, "{args:?}: {ended:?}");
        }
    }
}
