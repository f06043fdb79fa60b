//! Runs that are killed between the intent and the effect of a write, while others write the same
//! file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fencing::signal;
use crate::support::{Az, Running, script, until};

/// Runs a task that makes one `filesystem.write`, killed at the first passage of a crash point.
/// Returns its home, and the arguments that run the same task once more.
fn killed_at(point: &str, arguments: &Value) -> (Az, [String; 5]) {
    let prepare = || {
        let az = Az::new();
        let turn = json!({"calls": [{"name": "filesystem.write", "arguments": arguments}]});
        let model = script(&az, &[turn, json!({"text": "written"})]);
        (az, ["task", "run", "write", "--model", &model].map(str::to_owned))
    };
    let (az, args) = prepare();
    let command = |az: &Az, args: &[String; 5]| {
        let mut command = az.command(args);
        // The log is written at any time: its transactions would be among the numbered points.
        command.env("AZ_LOG", "off");
        command
    };
    let traced = command(&az, &args).env("AZ_FAILPOINT", "trace").output().unwrap();
    let stderr = String::from_utf8(traced.stderr).unwrap();
    let passage = stderr.lines().find_map(|line| {
        line.strip_prefix("point ")?.strip_suffix(point)?.trim().parse::<u32>().ok()
    });
    let (az, args) = prepare();
    let passage = passage.unwrap_or_else(|| panic!("no {point} in {stderr}"));
    let killed = command(&az, &args).env("AZ_FAILPOINT", passage.to_string()).output().unwrap();
    assert_eq!(killed.status.code(), None, "{killed:?}");
    (az, args)
}

/// Resumes a task; returns its log.
fn resume(az: &Az, id: &str) -> String {
    let resumed = az.az(&["task", "resume", id]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    az.ok(&["task", "logs", id])
}

const UNKNOWN: &str = "interrupted, outcome unknown: verify before repeating it";

#[test]
fn resuming_an_interrupted_write_keeps_what_another_process_wrote_since() {
    let write = json!({"path": "f", "content": "v1"});
    for point in ["tool.call", "fs.write.before_rename", "fs.write.after_rename"] {
        let (az, _) = killed_at(point, &write);
        az.file("f", "v2");
        let log = resume(&az, &az.only_id());
        assert_eq!(az.read("f"), "v2", "killed at {point}");
        assert!(log.contains(UNKNOWN), "killed at {point}: {log}");
        assert_eq!(fs::read_dir(az.work()).unwrap().count(), 2, "a temporary file is left");
    }
}

#[test]
fn resuming_an_interrupted_append_does_not_take_the_same_line_of_another_task_for_its_own() {
    let append = json!({"path": "f", "content": "line\n", "append": true});
    for point in ["tool.call", "fs.append.before_write", "fs.append.marked"] {
        let (az, again) = killed_at(point, &append);
        let id = az.only_id();
        az.ok(&again.each_ref().map(String::as_str));
        let log = resume(&az, &id);
        assert_eq!(az.read("f"), "line\nline\n", "killed at {point}: {log}");
        assert!(!log.contains(UNKNOWN), "killed at {point}: {log}");
    }
}

#[test]
fn an_append_is_unknown_if_another_program_may_have_written_its_bytes() {
    let append = json!({"path": "f", "content": "line\n", "append": true});
    for (point, foreign) in [("tool.call", "line\n"), ("fs.append.after_write", "")] {
        let (az, _) = killed_at(point, &append);
        az.file("f", &(az.read("f") + foreign));
        let log = resume(&az, &az.only_id());
        assert_eq!(az.read("f"), "line\n", "killed at {point}");
        assert!(log.contains(UNKNOWN), "killed at {point}: {log}");
    }
}

/// Returns the temporary files in the workspace.
fn drafts(az: &Az) -> Vec<PathBuf> {
    let paths = fs::read_dir(az.work()).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "tmp")).collect()
}

/// Makes a file two days older.
fn age(path: &Path) {
    let file = fs::File::options().append(true).open(path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.set_modified(modified - Duration::from_secs(2 * 24 * 60 * 60)).unwrap();
}

/// Returns what `az db clean` removes and keeps.
fn cleaned(az: &Az, args: &[&str]) -> (usize, usize) {
    let args = [&["--json", "db", "clean"], args].concat();
    let notice: Value = serde_json::from_str(&az.ok(&args)).unwrap();
    let count = |name: &str| notice[name].as_array().unwrap().len();
    (count("removed"), count("kept"))
}

#[test]
fn a_temporary_file_of_a_task_that_is_not_resumed_is_removed_when_it_is_a_day_old() {
    let write = json!({"path": "f", "content": "v1"});
    let (az, _) = killed_at("fs.write.before_rename", &write);
    assert_eq!((drafts(&az).len(), cleaned(&az, &[])), (1, (0, 1)), "it is new");
    age(&drafts(&az)[0]);
    assert_eq!((cleaned(&az, &["--dry-run"]), drafts(&az).len()), ((0, 1), 1));
    assert_eq!((cleaned(&az, &[]), drafts(&az).len()), ((1, 0), 0));
    resume(&az, &az.only_id());
    assert_eq!(az.read("f"), "v1");
}

#[test]
fn a_temporary_file_that_cannot_be_removed_is_reported_with_its_task() {
    let write = json!({"path": "f", "content": "v1"});
    let (az, _) = killed_at("fs.write.before_rename", &write);
    let draft = drafts(&az).remove(0);
    fs::remove_file(&draft).unwrap();
    fs::create_dir(&draft).unwrap();
    let days = Duration::from_secs(2 * 24 * 60 * 60);
    fs::File::open(&draft).unwrap().set_modified(std::time::SystemTime::now() - days).unwrap();
    let ended = az.az(&["db", "clean"]);
    let expected = "the temporary files of its interrupted write cannot be listed or removed: ";
    assert_eq!((ended.code, ended.stderr.matches(expected).count()), (Some(0), 1), "{ended:?}");
}

/// The outcome of the write is unknown, because another program has made the file.
#[test]
fn a_temporary_file_that_cancelling_and_resuming_cannot_remove_is_reported() {
    let write = json!({"path": "f", "content": "v1"});
    for args in [&["task", "delete", "--force"], &["task", "cancel"][..], &["task", "resume"]] {
        let (az, _) = killed_at("fs.write.before_rename", &write);
        let draft = drafts(&az).remove(0);
        fs::remove_file(&draft).unwrap();
        fs::create_dir(&draft).unwrap();
        az.file("f", "foreign");
        let id = az.only_id();
        let ended = az.az(&[args, &[&*id]].concat());
        let expected = "failed to clean up after an interrupted tool call";
        assert_eq!((ended.code, ended.stderr.matches(expected).count()), (Some(0), 1), "{ended:?}");
        assert!(ended.stderr.contains(&id) && ended.stderr.contains("`f`: "), "{ended:?}");
    }
}

#[test]
fn a_temporary_file_of_a_process_that_is_stopped_is_kept() {
    let az = Az::new();
    let write = json!({"name": "filesystem.write", "arguments": {"path": "f", "content": "v1"}});
    let model = script(&az, &[json!({"calls": [write]}), json!({"text": "written"})]);
    let mut command = az.command(["task", "run", "write", "--model", &model]);
    command.env("AZ_FAILPOINT", "stop:fs.write.before_rename").env("AZ_LEASE_MS", "500");
    let mut running = Running::spawn(command);
    let stat = format!("/proc/{}/stat", running.child().id());
    until("the process is stopped", || fs::read_to_string(&stat).unwrap().contains(") T "));
    age(&drafts(&az)[0]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!((cleaned(&az, &[]), drafts(&az).len()), ((0, 0), 1), "its process may go on");
    signal(&mut running, "-CONT");
    let ended = running.wait();
    assert_eq!((ended.code, az.read("f")), (Some(0), "v1".to_owned()), "{ended:?}");
}

#[test]
fn deleting_a_task_removes_its_temporary_files() {
    let write = json!({"path": "f", "content": "v1"});
    let (az, _) = killed_at("fs.write.before_rename", &write);
    assert_eq!(drafts(&az).len(), 1);
    az.ok(&["task", "delete", "--force", &az.only_id()]);
    assert!(drafts(&az).is_empty(), "{:?}", drafts(&az));
}
