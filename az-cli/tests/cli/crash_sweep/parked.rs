//! A task that is parked and answered: its processes are killed at every crash point of asking, of answering
//! and of continuing.

use std::os::unix::process::ExitStatusExt;

use az_core::TaskStatus;
use az_core::journal::{EventBody, ToolOutcome};
use serde_json::json;

use super::world::record;
use crate::support::{Az, in_threads, script};

/// The crash points that only a task passes that is parked.
pub(super) const POINTS: [&str; 2] = ["run.park", "run.parked"];

/// A command that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ask,
    Answer,
    Continue,
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Killed,
    Code(i32),
}

/// Runs a command, which is killed at a passage of a crash point.
fn run(az: &Az, args: &[&str], kill_at: Option<usize>) -> End {
    let mut command = az.command(args);
    command.envs(kill_at.map(|at| ("AZ_FAILPOINT", at.to_string())));
    let status = command.output().unwrap().status;
    match status.signal() {
        Some(_) => End::Killed,
        None => End::Code(status.code().unwrap()),
    }
}

/// Plays a task whose command is killed at a passage in one phase; returns whether it was.
fn play(az: &Az, phase: Phase, passage: usize) -> bool {
    let call = json!({"name": "shell.execute", "arguments": {"command": "echo x >> out"}});
    let model = script(az, &[json!({"calls": [call]}), json!({"text": "done"})]);
    let kill = |now| (phase == now).then_some(passage);
    let asking = ["task", "run", "once", "--ask", "wait", "--model", &model];

    let mut was_killed = false;
    if run(az, &asking, kill(Phase::Ask)) == End::Killed {
        was_killed = true;
        let listed = az.az(&["task", "list", "--format", "json"]).stdout;
        let ended = match listed.contains("\"id\"") {
            // The process was killed before it created the task.
            false => run(az, &asking, None),
            true => run(az, &["task", "resume", &az.only_id(), "--ask", "wait"], None),
        };
        assert_eq!(ended, End::Code(75), "{phase:?} {passage}");
    }
    let id = az.only_id();
    let approve = ["task", "approve", &id];
    if run(az, &approve, kill(Phase::Answer)) == End::Killed {
        was_killed = true;
        let is_waiting = az.shown(&id)["waiting"].is_object();
        let expected = if is_waiting { 0 } else { 2 };
        assert_eq!(run(az, &approve, None), End::Code(expected), "{phase:?} {passage}");
    }
    let resume = ["task", "resume", &id];
    if run(az, &resume, kill(Phase::Continue)) == End::Killed {
        was_killed = true;
        assert_eq!(run(az, &resume, None), End::Code(0), "{phase:?} {passage}");
    }
    was_killed
}

/// Checks that the call was asked about and answered once, and made once; if the process was killed while
/// it was made, its outcome is unknown, and it was not made again.
fn check(az: &Az, phase: Phase, passage: usize) {
    let (task, events) = record(&az.database()).unwrap();
    assert_eq!(task.status, TaskStatus::Completed, "{phase:?} {passage}");
    let (mut asked, mut given, mut outcomes) = (0, 0, Vec::new());
    for event in &events {
        match &event.event.body {
            EventBody::ApprovalAsked { .. } => asked += 1,
            EventBody::ApprovalGiven { granted: true, .. } => given += 1,
            EventBody::ToolResult(result) => outcomes.push(result.outcome),
            _ => {}
        }
    }
    assert_eq!((asked, given, outcomes.len()), (1, 1, 1), "{phase:?} {passage}");
    let out = az.read("out");
    match outcomes.as_slice() {
        [ToolOutcome::Unknown] if phase == Phase::Continue => {
            assert!(["", "x\n"].contains(&out.as_str()), "{phase:?} {passage}: {out:?}");
        }
        outcomes => {
            assert_eq!(
                (outcomes, out.as_str()),
                (&[ToolOutcome::Done][..], "x\n"),
                "{phase:?} {passage}"
            );
        }
    }
}

/// Kills a command at every passage. Each passage is one of several threads', so that the test is short.
#[test]
fn a_parked_call_is_asked_once_and_made_once_wherever_its_processes_are_killed() {
    const THREADS: usize = 4;
    for phase in [Phase::Ask, Phase::Answer, Phase::Continue] {
        in_threads(THREADS, |number| {
            for passage in (number + 1..).step_by(THREADS) {
                let az = Az::in_memory();
                let was_killed = play(&az, phase, passage);
                check(&az, phase, passage);
                if !was_killed {
                    assert!(passage > 3, "{phase:?} passes crash points");
                    break;
                }
            }
        });
    }
}
