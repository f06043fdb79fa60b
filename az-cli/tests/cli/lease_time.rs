//! The real binary on a machine whose wall clock is set while it runs.

use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use crate::support::{Az, Running, script, until};

/// The wall clock of a machine, which is the system's and a shift.
struct WallClock(tempfile::TempDir);

impl WallClock {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn shift(&self, days: i64) {
        let seconds = days * 24 * 60 * 60;
        std::fs::write(self.0.path().join("shift"), seconds.to_string()).unwrap();
    }

    /// Returns a command whose clock this is.
    fn command(&self, az: &Az, args: &[&str]) -> Command {
        let mut command = az.command(args);
        command.env("AZ_CLOCK_SHIFT", self.0.path().join("shift"));
        command
    }
}

/// Returns the arguments that run a task whose command waits for the file `go`.
fn waiting(az: &Az) -> Vec<String> {
    let command = "echo x >> out; while [ ! -e go ]; do sleep 0.01; done";
    let call = json!({"calls": [{"name": "shell.execute", "arguments": {"command": command}}]});
    let model = script(az, &[call, json!({"text": "done"})]);
    let args = ["task", "run", "wait", "--allow", "shell.execute", "--model", &model];
    args.map(str::to_owned).to_vec()
}

fn start(az: &Az, clock: &WallClock) -> Running {
    let args = waiting(az);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let running = Running::spawn(clock.command(az, &args));
    until("the command runs", || az.read("out") == "x\n");
    running
}

#[test]
fn a_wall_clock_that_jumps_forward_takes_no_task_from_a_living_process() {
    let (az, clock) = (Az::new(), WallClock::new());
    let running = start(&az, &clock);
    for days in [1, -1] {
        clock.shift(days);
        let worker = Running::spawn(clock.command(&az, &["worker", "run", "--until-idle"])).wait();
        assert!(worker.stderr.contains("0 completed"), "{days}: {worker:?}");
        let id = az.only_id();
        for command in ["resume", "delete"] {
            let refused = Running::spawn(clock.command(&az, &["task", command, &id])).wait();
            assert_eq!(refused.code, Some(75), "{days}: {refused:?}");
        }
    }
    az.file("go", "");
    let ended = running.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(az.read("out"), "x\n");
}

#[test]
fn a_wall_clock_that_is_set_back_keeps_no_task_of_a_killed_process() {
    let (az, clock) = (Az::new(), WallClock::new());
    let args = waiting(&az);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = clock.command(&az, &args);
    command.env("AZ_LEASE_MS", "400");
    let running = Running::spawn(command);
    until("the command runs", || az.read("out") == "x\n");
    running.kill();
    // No process of this machine can know that a process of another container has ended.
    let sql = "UPDATE task SET lease_owner = 'az@elsewhere:1:1:1'";
    assert_eq!(Connection::open(az.database()).unwrap().execute(sql, []).unwrap(), 1);
    clock.shift(-365);
    until("the lease has expired", || {
        let worker = Running::spawn(clock.command(&az, &["worker", "run", "--until-idle"])).wait();
        worker.stderr.contains("1 completed")
    });
    assert_eq!(az.read("out"), "x\n", "an unsafe command was repeated");
}
