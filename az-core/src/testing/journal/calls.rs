//! Clause 9: summaries of tool calls.

use std::time::Duration;

use super::Runs;
use crate::clock::later;
use crate::cost::TimeRange;
use crate::ensure_eq;
use crate::journal::{EventBody, NewEvent, ToolCallSummary, ToolOutcome, ToolResult};
use crate::testing::kit::Checked;
use crate::testing::sample::{at, call_id, completed, run_finished, task_id, tool_intent};
use crate::testing::steps::begin;
use crate::tool::ToolOutput;

fn result(call: &str, tool: &str, outcome: ToolOutcome, millis: u64) -> NewEvent {
    // A result that backends may store elsewhere, because it is large.
    let output =
        ToolOutput::done("x".repeat(if outcome == ToolOutcome::Done { 200_000 } else { 1 }));
    let result = ToolResult::new(tool, outcome, output).with_millis(millis);
    NewEvent::about(call_id(call), EventBody::ToolResult(result))
}

/// Checks `Journal` 9.
pub(super) async fn tool_calls_of_all_tasks_are_summarised(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    ensure_eq!(store.tool_calls(TimeRange::ALL).await?, [], "a new store has calls");
    let outcomes =
        [ToolOutcome::Done, ToolOutcome::Failed, ToolOutcome::Refused, ToolOutcome::Unknown];
    let mut expected = Vec::new();
    for task in ["one", "two"] {
        let lease = begin(&*store, task).await?;
        let mut events = vec![tool_intent("t9.9")];
        for (number, outcome) in (0..).zip(outcomes) {
            let name = format!("of.{task}");
            events.push(result(&format!("t0.{number}"), &name, outcome, 10 + number));
            expected.push(ToolCallSummary::new(name, outcome, 10 + number));
        }
        events.push(run_finished(completed("done")));
        store.append(&lease, 0, events, at(1)).await?;
    }
    let mut found = store.tool_calls(TimeRange::ALL).await?;
    found.sort();
    ensure_eq!(found, expected, "the calls of two tasks");
    store.delete(&task_id("one"), at(2)).await?;
    let mut left = store.tool_calls(TimeRange::ALL).await?;
    left.sort();
    expected.retain(|call| call.tool == "of.two");
    ensure_eq!(left, expected, "the calls that are left when a task was deleted");
    Ok(())
}

/// Checks `Journal` 9.
pub(super) async fn tool_calls_are_those_of_the_time_range(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    for (seq, minute) in (0..).zip([1, 2, 3]) {
        let done = result(&format!("t0.{seq}"), "echo", ToolOutcome::Failed, seq);
        store.append(&lease, seq, vec![done], at(minute)).await?;
    }
    let within = |start, end| store.tool_calls(TimeRange { start, end });
    let second = [ToolCallSummary::new("echo", ToolOutcome::Failed, 1)];
    ensure_eq!(within(at(2), at(3)).await?, second, "the end of a range is exclusive");
    let after = later(at(2), Duration::from_micros(1));
    ensure_eq!(within(after, at(3)).await?, [], "the start of a range is inclusive");
    Ok(())
}
