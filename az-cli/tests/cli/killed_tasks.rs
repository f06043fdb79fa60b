//! Tasks that continue another one, and tasks with an output schema: killed at every crash point of a run, and
//! resumed to their end.

use std::os::unix::process::ExitStatusExt;

use az_core::cost::{BudgetKeeper, CostTracker, TimeRange};
use az_core::journal::{Event, Journal};
use az_core::task::{FailureDetail, Task, TaskFilter, TaskRepository, TaskStatus};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use serde_json::json;

use crate::support::{Az, block_on, in_threads, script};

/// The number of threads that share the crash points.
const THREADS: usize = 4;

/// Runs a command, which is killed at a passage of a crash point; returns whether it was.
fn is_killed(az: &Az, args: &[&str], passage: usize) -> bool {
    let mut command = az.command(args);
    command.env("AZ_FAILPOINT", passage.to_string());
    command.output().unwrap().status.signal().is_some()
}

/// Kills a command at each passage of a crash point: `play` gets the passage, and returns whether the command was
/// killed.
fn at_every_crash_point(play: impl Fn(usize) -> bool + Sync) {
    in_threads(THREADS, |number| {
        for passage in (number + 1..).step_by(THREADS) {
            if !play(passage) {
                assert!(passage > 10, "crash points are passed");
                return;
            }
        }
    });
}

/// Returns all tasks with their events, the newest task first.
fn records(az: &Az) -> Vec<(Task, Vec<Event>)> {
    let store = SqliteStore::open(az.database(), SqliteOptions::default()).unwrap();
    let tasks = block_on(store.list(&TaskFilter::default())).unwrap().into_iter();
    let records = tasks.map(|task| {
        let events = block_on(store.read(&task.id, 0, usize::MAX)).unwrap();
        (task, events)
    });
    records.collect()
}

/// Returns how many events there are of a type.
fn count(events: &[Event], name: &str) -> usize {
    events.iter().filter(|event| event.event.body.name() == name).count()
}

#[test]
fn a_fork_copies_once_and_repeats_nothing_wherever_it_is_killed() {
    let append = |text: &str| {
        let arguments = json!({"path": "log.txt", "content": text, "append": true});
        json!({"calls": [{"name": "filesystem.write", "arguments": arguments}], "cost_nanos": 1000})
    };
    at_every_crash_point(|passage| {
        let az = Az::in_memory();
        let done = json!({"text": "done", "cost_nanos": 1000});
        let model = script(&az, &[append("a\n"), append("b\n"), done]);
        az.ok(&["task", "run", "write a and b", "--model", &model]);
        let old = records(&az).remove(0).0.id.to_string();
        let fork = ["task", "fork", &old, "--at", "1"];
        let was_killed = is_killed(&az, &fork, passage);
        match records(&az).as_slice() {
            // The process was killed before it created the task.
            [_] => drop(az.ok(&fork)),
            [(new, _), _] if was_killed => drop(az.ok(&["task", "resume", new.id.as_str()])),
            _ => {}
        }
        let (task, events) = records(&az).remove(0);
        assert_eq!((task.status, task.answer.as_deref()), (TaskStatus::Completed, Some("done")));
        assert_eq!(az.read("log.txt"), "a\nb\nb\n", "{passage}");
        assert_eq!(count(&events, "copied"), 6, "{passage}");
        // A call that was interrupted is booked in full, and made again.
        let calls = count(&events, "llm_result");
        assert!((2..=3).contains(&calls), "{passage}: {calls} calls");
        assert_eq!(task.cost.nanos(), 1000 * i64::try_from(calls).unwrap(), "{passage}");
        let store = SqliteStore::open(az.database(), SqliteOptions::default()).unwrap();
        assert_eq!(block_on(store.open_holds()).unwrap(), [], "{passage}");
        let booked = block_on(store.entries(TimeRange::ALL, None)).unwrap();
        assert_eq!(booked.len(), 3 + calls, "{passage}");
        was_killed
    });
}

#[test]
fn a_model_corrects_its_answer_once_wherever_its_run_is_killed() {
    at_every_crash_point(|passage| {
        let az = Az::in_memory();
        az.file("schema.json", r#"{"type": "integer"}"#);
        let model =
            script(&az, &[json!({"text": "one"}), json!({"text": "two"}), json!({"text": "3"})]);
        let run = ["task", "run", "count", "--output-schema", "schema.json", "--model", &model];
        let was_killed = is_killed(&az, &run, passage);
        match records(&az).as_slice() {
            [] => drop(az.az(&run)),
            [(task, _)] if task.status != TaskStatus::Failed => {
                drop(az.az(&["task", "resume", task.id.as_str()]));
            }
            _ => {}
        }
        let (task, events) = records(&az).remove(0);
        let problems = vec!["answer: not JSON: expected ident at line 1 column 2".to_owned()];
        let detail = task.failure.and_then(|failure| failure.detail);
        assert_eq!(detail, Some(FailureDetail::OutputSchema { problems }), "{passage}");
        assert_eq!(count(&events, "observation"), 1, "{passage}");
        was_killed
    });
}
