//! What a task reports as done survives a power failure: traces of the system calls show the order
//! of syncs.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::{Az, script};

/// Runs a command under `strace`; returns the system calls that change or sync names and files,
/// with the paths of descriptors. `None` if `strace` cannot trace here.
fn trace(az: &Az, args: &[&str]) -> Option<Vec<String>> {
    let output = az.work().join("../trace");
    let plain = az.command(args);
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-qq", "-o"])
        .arg(&output)
        .args(["-e", "trace=fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,fsetxattr"]);
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(az.work()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ended = match command.output() {
        Ok(ended) if ended.status.success() => ended,
        Ok(ended) if ended.status.code() != Some(1) => panic!("{ended:?}"),
        other => {
            eprintln!("skipped: strace cannot trace: {other:?}");
            return None;
        }
    };
    assert!(ended.status.success());
    let text = fs::read_to_string(output).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

/// Checks that calls appear in this order; each is a name and a part of its arguments.
#[track_caller]
fn assert_in_order(trace: &[String], calls: &[(&str, &str)]) {
    let mut rest = trace.iter();
    for (name, argument) in calls {
        let is_it = |line: &String| {
            line.split_once(' ').is_some_and(|(_pid, call)| {
                call.trim_start().starts_with(name) && call.contains(argument)
            })
        };
        assert!(rest.any(is_it), "no {name} of {argument} in its place in\n{}", trace.join("\n"));
    }
}

#[test]
fn files_and_directories_are_synced_before_a_write_is_recorded_as_done() {
    let az = Az::new();
    let write = |path: &str, append: bool| {
        let arguments = json!({"path": path, "content": "text", "append": append});
        json!({"calls": [{"name": "filesystem.write", "arguments": arguments}]})
    };
    let model = script(
        &az,
        &[write("new/deep/f", false), write("new/log", true), json!({"text": "written"})],
    );
    let Some(trace) = trace(&az, &["task", "run", "write", "--model", &model]) else { return };
    let failed = |line: &&String| line.contains("sync(") && line.contains("= -1");
    assert_eq!(trace.iter().find(failed), None, "a sync failed");
    let recorded = ("f", "az.db-wal>");
    assert_in_order(
        &trace,
        &[
            ("mkdir", "share"),
            ("fsync", "/share>"),
            ("fsync", "/.local>"),
            ("fsync", "/home>"),
            ("fsync", "/share/az>"),
        ],
    );
    assert_in_order(
        &trace,
        &[
            ("mkdir", "new"),
            ("mkdir", "deep"),
            ("fsync", "/work/new>"),
            ("fsync", "/work>"),
            ("fsync", ".tmp"),
            ("renameat", "/work/new/deep>"),
            ("fsync", "/work/new/deep>"),
            recorded,
            ("fsync", "/work>"),
            ("fsync", "/work/new/log>"),
            ("fsync", "/work/new>"),
            ("fsetxattr", "/work/new/log>"),
            recorded,
        ],
    );
}
