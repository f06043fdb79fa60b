//! The tree of spans that a journal is folded into.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test is the right outcome"
)]

use std::collections::BTreeSet;
use std::fmt::Write;

use az_core::cost::Settlement;
use az_core::error::ErrorKind;
use az_core::journal::{
    Event, EventBody, ModelOutcome, ModelReply, ModelResult, NewEvent, ToolCall, ToolOutcome,
    ToolResult,
};
use az_core::task::{Outcome, Task, TaskStatus};
use az_core::testing::sample::{
    at, call_id, completed, failed, llm_intent, llm_result, note, paid, run_finished, run_started,
    task, task_id, tool_intent, tool_result,
};
use az_core::tool::ToolOutput;
use az_core::trace::{Span, SpanKind, SpanStatus, TraceFold};

/// Folds events that happen a minute apart.
fn trace(task: &Task, events: Vec<NewEvent>) -> Span {
    let mut fold = TraceFold::new();
    for (event, seq) in events.into_iter().zip(0..) {
        let minute = i64::try_from(seq).unwrap() + 1;
        fold.add(&Event { task: task.id.clone(), seq, epoch: 1, at: at(minute), event });
    }
    fold.finish(task)
}

/// Returns a tree as text: the id, the minutes from the start to the end, and the status.
fn outline(span: &Span) -> String {
    let mut text = String::new();
    let mut depths = std::collections::BTreeMap::new();
    span.walk(&mut |span, parent| {
        let depth = parent.map_or(0, |parent| depths[&parent.id] + 1);
        depths.insert(span.id.clone(), depth);
        let minute = |at: az_core::Timestamp| at.duration_since(self::at(0)).as_secs() / 60;
        let end = span.ended_at.map_or("…".to_owned(), |at| minute(at).to_string());
        let status = match &span.status {
            SpanStatus::Open => "open".to_owned(),
            SpanStatus::Done => "done".to_owned(),
            SpanStatus::Failed(reason) => format!("failed: {reason}"),
            SpanStatus::Interrupted => "interrupted".to_owned(),
            other => format!("{other:?}"),
        };
        let indent = "  ".repeat(depth);
        writeln!(text, "{indent}{} {}-{end} {status}", span.id, minute(span.started_at)).unwrap();
    });
    text
}

fn ended(outcome: &Outcome, minute: i64) -> Task {
    let mut task = task("t", 0);
    (task.status, task.failure) = match outcome {
        Outcome::Completed { .. } => (TaskStatus::Completed, None),
        Outcome::Failed { failure } => (TaskStatus::Failed, Some(failure.clone())),
        Outcome::Cancelled { failure } => (TaskStatus::Cancelled, Some(failure.clone())),
    };
    task.completed_at = Some(at(minute));
    task
}

fn requesting(calls: &[&str]) -> ModelReply {
    let call = |id: &&str| ToolCall {
        id: (*id).to_owned(),
        name: "echo".to_owned(),
        arguments: serde_json::Value::Null,
    };
    ModelReply { calls: calls.iter().map(call).collect(), ..ModelReply::text("") }
}

fn model_failed(call: &str) -> NewEvent {
    let outcome = ModelOutcome::Failed { kind: ErrorKind::Unavailable, message: "busy".to_owned() };
    let result = ModelResult { outcome, settlement: Settlement::Nothing, millis: 4 };
    NewEvent::about(call_id(call), EventBody::LlmResult(result))
}

fn tool_ended(call: &str, outcome: ToolOutcome) -> NewEvent {
    let result = ToolResult::new("echo", outcome, ToolOutput::done("x"));
    NewEvent::about(call_id(call), EventBody::ToolResult(result))
}

#[test]
fn a_run_has_steps_with_the_calls_that_belong_together() {
    let events = vec![
        run_started("w"),
        llm_intent("m0", Some(9), 90),
        model_failed("m0"),
        llm_intent("m1", Some(9), 90),
        llm_result("m1", requesting(&["t0.0", "t0.1"]), paid(7)),
        tool_intent("t0.0"),
        tool_result("t0.0"),
        tool_ended("t0.1", ToolOutcome::Refused),
        note("worth knowing"),
        llm_intent("m2", Some(9), 90),
        llm_result("m2", ModelReply::text("done"), paid(5)),
        run_finished(completed("done")),
    ];
    let span = trace(&ended(&completed("done"), 12), events);
    let expected = "\
task 0-12 done
  run-0 1-12 done
    step-0 2-8 done
      m0 2-3 failed: busy
      m1 4-5 done
      t0.0 6-7 done
      t0.1 8-8 failed: the call was refused
    step-1 10-11 done
      m2 10-11 done
";
    assert_eq!(outline(&span), expected);
    let mut costs = Vec::new();
    span.walk(&mut |span, _| {
        if let SpanKind::Model(model) = &span.kind {
            costs.push(
                model.charge.as_ref().and_then(|charge| charge.cost).map(|cost| cost.nanos()),
            );
        }
    });
    assert_eq!(costs, [None, Some(7), Some(5)]);
}

#[test]
fn what_a_killed_process_left_ends_when_it_was_last_heard_of() {
    let interrupted =
        ModelResult { outcome: ModelOutcome::Interrupted, settlement: Settlement::Full, millis: 0 };
    let events = vec![
        run_started("w"),
        llm_intent("m0", Some(9), 90),
        llm_result("m0", requesting(&["t0.0"]), paid(7)),
        tool_intent("t0.0"),
        // Killed here; another worker repeats the call, and is killed in the middle of the next one.
        run_started("w2"),
        tool_result("t0.0"),
        llm_intent("m1", Some(9), 90),
        run_started("w3"),
        NewEvent::about(call_id("m1"), EventBody::LlmResult(interrupted)),
        llm_intent("m2", Some(9), 90),
    ];
    let mut running = task("t", 0);
    running.status = TaskStatus::Running;
    let expected = "\
task 0-… open
  run-0 1-4 interrupted
    step-0 2-6 done
      m0 2-3 done
      t0.0 4-6 done
  run-1 5-7 interrupted
    step-1 7-7 interrupted
      m1 7-7 interrupted
  run-2 8-… open
    step-2 10-… open
      m2 10-… open
";
    assert_eq!(outline(&trace(&running, events)), expected);
}

#[test]
fn an_approval_is_a_part_of_its_call() {
    let rest = vec![
        given(),
        tool_intent("t0.0"),
        tool_ended("t0.0", ToolOutcome::Failed),
        run_finished(failed("no")),
    ];
    let events = [asking(), rest].concat();
    let expected = "\
task 0-8 failed: no
  run-0 1-8 failed: no
    step-0 2-7 done
      m0 2-3 done
      t0.0 4-7 failed: the tool failed
        t0.0.approval 4-5 done
";
    assert_eq!(outline(&trace(&ended(&failed("no"), 8), events)), expected);
}

/// The events of a run that asks whether it may make a call.
fn asking() -> Vec<NewEvent> {
    vec![
        run_started("w"),
        llm_intent("m0", Some(9), 90),
        llm_result("m0", requesting(&["t0.0"]), paid(7)),
        NewEvent::about(
            call_id("t0.0"),
            EventBody::ApprovalAsked {
                tool: "echo".to_owned(),
                digest: "d".to_owned(),
                reason: "it prints".to_owned(),
                arguments: serde_json::Value::Null,
                deny_at: None,
            },
        ),
    ]
}

fn given() -> NewEvent {
    let given = EventBody::ApprovalGiven {
        digest: "d".to_owned(),
        granted: true,
        by: "az task approve".to_owned(),
        tool: None,
        reason: None,
    };
    NewEvent::about(call_id("t0.0"), given)
}

#[test]
fn a_run_that_ended_to_wait_for_an_approval_is_not_interrupted() {
    let mut parked = task("t", 0);
    parked.status = TaskStatus::Pending;
    let expected = "\
task 0-… open
  run-0 1-4 Waiting(Approval)
    step-0 2-… open
      m0 2-3 done
      t0.0 4-… Waiting(Approval)
        t0.0.approval 4-… Waiting(Approval)
";
    assert_eq!(outline(&trace(&parked, asking())), expected);

    let answered = [asking(), vec![given()]].concat();
    let expected = "\
task 0-… open
  run-0 1-4 Waiting(Approval)
    step-0 2-… open
      m0 2-3 done
      t0.0 4-… open
        t0.0.approval 4-5 done
";
    assert_eq!(outline(&trace(&parked, answered.clone())), expected);

    let rest = vec![
        run_started("v"),
        tool_intent("t0.0"),
        tool_ended("t0.0", ToolOutcome::Done),
        run_finished(completed("done")),
    ];
    let expected = "\
task 0-9 done
  run-0 1-4 Waiting(Approval)
    step-0 2-8 done
      m0 2-3 done
      t0.0 4-8 done
        t0.0.approval 4-5 done
  run-1 6-9 done
";
    assert_eq!(outline(&trace(&ended(&completed("done"), 9), [answered, rest].concat())), expected);
}

#[test]
fn what_a_cancelled_task_waited_for_has_ended() {
    let expected = "\
task 0-9 interrupted
  run-0 1-4 interrupted
    step-0 2-4 interrupted
      m0 2-3 done
      t0.0 4-4 interrupted
        t0.0.approval 4-4 interrupted
";
    let mut task = ended(&completed("done"), 9);
    task.status = TaskStatus::Cancelled;
    assert_eq!(outline(&trace(&task, asking())), expected);
}

#[test]
fn a_task_without_a_journal_is_a_span() {
    let task = Task::new(task_id("t"), "x", at(3)).unwrap();
    assert_eq!(outline(&TraceFold::new().finish(&task)), "task 3-… open\n");
}

/// The journals of earlier versions, with every kind of event.
#[test]
fn every_call_of_an_old_journal_is_one_span() {
    let text = include_str!("../../az-cli/tests/fixtures/journal.jsonl");
    let events: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: BTreeSet<_> = events.iter().map(|event| event.task.clone()).collect();
    assert!(ids.len() > 5);
    for id in ids {
        let of_task = events.iter().filter(|event| event.task == id);
        let calls: BTreeSet<_> =
            of_task.clone().filter_map(|event| event.event.call.as_ref()).collect();
        let mut fold = TraceFold::new();
        of_task.for_each(|event| fold.add(event));
        let mut task = Task::new(id.clone(), "x", at(0)).unwrap();
        task.status = TaskStatus::Failed;
        let span = fold.finish(&task);
        let (mut found, mut open) = (Vec::new(), 0);
        span.walk(&mut |span, _| {
            if matches!(span.kind, SpanKind::Model(_) | SpanKind::Tool { .. }) {
                found.push(span.id.clone());
            }
            open += usize::from(span.ended_at.is_none());
        });
        found.sort();
        let expected: BTreeSet<_> = calls.iter().map(|call| call.as_str().to_owned()).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{id}");
        assert_eq!(open, 0, "{id}");
    }
}
