//! Journals of an earlier version, one event per line, are read and fold to the same history.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use az_core::TaskId;
use az_core::journal::{Event, History, fold};

/// Returns the events of each task.
fn journals() -> BTreeMap<TaskId, Vec<Event>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../az-cli/tests/fixtures/journal.jsonl");
    let mut journals: BTreeMap<TaskId, Vec<Event>> = BTreeMap::new();
    for line in fs::read_to_string(path).expect("the fixture").lines() {
        let event: Event = serde_json::from_str(line).expect("an event");
        journals.entry(event.task.clone()).or_default().push(event);
    }
    journals
}

#[test]
fn every_stored_journal_is_read_and_folds() {
    let journals = journals();
    let kinds: BTreeSet<_> =
        journals.values().flatten().map(|event| event.event.body.name()).collect();
    let expected = [
        "approval_asked",
        "approval_given",
        "llm_intent",
        "llm_result",
        "note",
        "run_finished",
        "run_started",
        "snapshot",
        "tool_intent",
        "tool_result",
    ];
    assert_eq!(kinds, BTreeSet::from(expected));
    for (task, events) in &journals {
        let history = fold(events).expect("a valid journal");
        assert_eq!(history.next_seq, events.len() as u64, "{task}");
    }
}

#[test]
fn a_journal_with_every_kind_of_event_folds_to_its_history() {
    let task = TaskId::new("every-event").expect("a valid id");
    let History { steps, turns, calls, cost, unpriced, tokens, summary, .. } =
        fold(&journals()[&task]).expect("a valid journal");
    assert_eq!((steps, turns.len(), calls.len()), (1, 1, 4));
    assert_eq!((cost.nanos(), unpriced, tokens), (18_000, true, 141));
    assert_eq!(summary.map(|summary| summary.text), Some("a summary".to_owned()));
}
