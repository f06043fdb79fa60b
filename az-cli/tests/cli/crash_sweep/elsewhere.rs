//! The crash points that the task of the sweep does not pass: those of `az db init --force`, and that of a
//! call which a person approves at a terminal.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use az_core::TaskStatus;
use az_core::journal::{EventBody, ToolOutcome};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::parked;
use super::process::{Process, Reached};
use super::scenario::Death;
use super::world::record;
use crate::replaced::{commands, databases};
use crate::support::{Az, script, until};

const APPROVAL: &str = "approval.given";
const SET_ASIDE: [&str; 2] = ["set_aside.linked", "set_aside.renamed"];

/// The crash points that are passed here and by parked tasks.
pub(super) const POINTS: [&str; 5] =
    [APPROVAL, parked::POINTS[0], parked::POINTS[1], SET_ASIDE[0], SET_ASIDE[1]];

const LONG: Duration = Duration::from_secs(60);
const LEASE_MS: &str = "300";

#[test]
fn a_database_is_whole_under_one_name_however_setting_it_aside_ends() {
    for point in SET_ASIDE {
        for death in Death::ALL {
            let az = Az::in_memory();
            az.ok(&["task", "run", "write hello to a.txt", "--model", "offline"]);
            let mut command = az.command(["db", "init", "--force"]);
            command.env("AZ_FAILPOINT", format!("stop:{point}"));
            let process = Process::start(command, &az.beside("stderr"));
            assert_eq!(process.wait_for(LONG), Reached::Point, "{point}");
            if death == Death::Kill {
                process.signal(Signal::KILL);
            } else {
                if death == Death::Terminate {
                    process.signal(Signal::TERM);
                }
                process.signal(Signal::CONT);
            }
            process.wait();
            let all = databases(&az);
            let of_tasks = all.iter().map(|database| commands(&az, database));
            let of_tasks: Vec<_> = of_tasks.filter(|commands| !commands.is_empty()).collect();
            assert_eq!(of_tasks, [[json!("write hello to a.txt")]], "{point} {death:?}: {all:?}");
            az.ok(&["db", "init"]);
        }
    }
}

/// A command at a terminal, which the program `script` simulates.
struct AtTerminal {
    script: Child,
    shown: Arc<Mutex<String>>,
    answered: bool,
}

impl AtTerminal {
    /// Starts `az`; returns `None` without the program `script`.
    fn start(az: &Az, args: &str, failpoint: Option<&str>) -> Option<Self> {
        let line = format!("exec {} {args}", env!("CARGO_BIN_EXE_az"));
        let mut command = az.command_of(Path::new("script"), ["-qfec", &line, "/dev/null"]);
        command.env("AZ_LEASE_MS", LEASE_MS).stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(point) = failpoint {
            command.env("AZ_FAILPOINT", format!("stop:{point}"));
        }
        let mut script = command.spawn().ok()?;
        let mut stdout = script.stdout.take().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut bytes) {
                seen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Some(Self { script, shown, answered: false })
    }

    /// Says yes once it is asked.
    fn answer(&mut self) {
        if !self.answered && self.shown.lock().unwrap().contains("[y/t/a/n]") {
            self.script.stdin.as_mut().unwrap().write_all(b"y\n").unwrap();
            self.answered = true;
        }
    }

    /// Returns the process of `az`, once it has stopped itself.
    fn stopped(&mut self) -> Pid {
        let script = self.script.id();
        let mut found = None;
        until("az is stopped", || {
            self.answer();
            let children = fs::read_to_string(format!("/proc/{script}/task/{script}/children"));
            found = children.ok().and_then(|ids| ids.split_whitespace().next()?.parse().ok());
            let stat = found.map(|id: i32| fs::read_to_string(format!("/proc/{id}/stat")));
            stat.is_some_and(|stat| stat.unwrap_or_default().contains(") T "))
        });
        Pid::from_raw(found.unwrap()).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.script), signal).unwrap();
    }

    /// Waits for the end of `az`: of the process that had stopped itself, if there was one.
    fn end(mut self, stopped: Option<Pid>) {
        until("az has ended", || {
            // `script` stops with the program that it runs, and may not notice its end then.
            self.signal(Signal::CONT);
            self.answer();
            let stat = |process: Pid| {
                fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()))
            };
            let is_gone = stopped
                .map(stat)
                .is_some_and(|stat| stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z ")));
            is_gone || self.script.try_wait().unwrap().is_some()
        });
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        self.script.kill().ok();
        self.script.wait().ok();
    }
}

#[test]
fn an_approved_call_is_made_once_however_the_process_dies_after_the_answer() {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no program `script`, which simulates a terminal");
        return;
    }
    for death in Death::ALL {
        let az = Az::in_memory();
        let call = json!({"name": "shell.execute", "arguments": {"command": "echo x >> out"}});
        let model = script(&az, &[json!({"calls": [call]}), json!({"text": "done"})]);
        let args = format!("task run once --model {model}");
        let mut first = AtTerminal::start(&az, &args, Some(APPROVAL)).unwrap();
        let process = first.stopped();
        let (_, events) = record(&az.database()).unwrap();
        let last = events.last().map(|event| &event.event.body);
        assert!(matches!(last, Some(EventBody::ApprovalAsked { .. })), "{last:?}");
        let resume = format!("task resume {}", az.only_id());
        let resumed = || AtTerminal::start(&az, &resume, None).unwrap().end(None);
        match death {
            Death::Kill => kill_process(process, Signal::KILL).unwrap(),
            Death::Terminate => {
                kill_process(process, Signal::TERM).unwrap();
                kill_process(process, Signal::CONT).unwrap();
            }
            Death::Takeover => {
                std::thread::sleep(Duration::from_millis(LEASE_MS.parse().unwrap()));
                resumed();
                kill_process(process, Signal::CONT).unwrap();
            }
        }
        first.end(Some(process));
        if death != Death::Takeover {
            resumed();
        }
        let (task, events) = record(&az.database()).unwrap();
        let outcomes = events.iter().filter_map(|event| match &event.event.body {
            EventBody::ToolResult(result) => Some(result.outcome),
            _ => None,
        });
        let outcomes: Vec<_> = outcomes.collect();
        let found = (task.status, az.read("out"), outcomes);
        let expected = (TaskStatus::Completed, "x\n".to_owned(), vec![ToolOutcome::Done]);
        assert_eq!(found, expected, "{death:?}");
    }
}
