//! Runs that are killed between the intent and the effect of a write, while others write the same
//! file.

use serde_json::{Value, json};

use crate::support::{Az, script};

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
    let traced = az.command(&args).env("AZ_FAILPOINT", "trace").output().unwrap();
    let stderr = String::from_utf8(traced.stderr).unwrap();
    let passage = stderr.lines().find_map(|line| {
        line.strip_prefix("point ")?.strip_suffix(point)?.trim().parse::<u32>().ok()
    });
    let (az, args) = prepare();
    let passage = passage.unwrap_or_else(|| panic!("no {point} in {stderr}"));
    let killed = az.command(&args).env("AZ_FAILPOINT", passage.to_string()).output().unwrap();
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
        assert_eq!(std::fs::read_dir(az.work()).unwrap().count(), 2, "a temporary file is left");
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
