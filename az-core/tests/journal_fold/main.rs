//! Properties of the fold, for generated journals.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test is the right outcome"
)]

mod any;
mod copied;
mod fixture;
mod legal;
mod wire;

use az_core::Error;
use az_core::journal::{CallState, Event, EventBody, NewEvent, Purpose, fold};
use az_core::testing::sample::at;
use proptest::prelude::*;

use crate::legal::{numbered, record};

/// Renumbers the events from 0.
fn renumbered(events: &[Event]) -> Vec<Event> {
    numbered(events.iter().map(|event| event.event.clone()))
}

/// Returns the positions of events of a kind.
fn places(events: &[Event], wanted: impl Fn(&EventBody) -> bool) -> Vec<usize> {
    let all = events.iter().enumerate();
    all.filter(|(_, event)| wanted(&event.event.body)).map(|(place, _)| place).collect()
}

fn is_step(body: &EventBody) -> bool {
    matches!(body, EventBody::LlmIntent(intent) if intent.purpose == Purpose::Step)
}

/// Checks that the journal is refused, and at which event.
fn assert_broken_at(events: &[Event], seq: usize) {
    match fold(events) {
        Err(Error::BrokenJournal { seq: found, .. }) => assert_eq!(found, seq as u64),
        other => panic!("the journal was accepted: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_valid_journal_folds(events in record()) {
        let history = fold(&events).unwrap();
        prop_assert_eq!(history.next_seq, events.len() as u64);
    }

    #[test]
    fn a_fold_from_any_snapshot_is_the_fold_of_all(events in record()) {
        for place in 0..=events.len() {
            let before = fold(&events[..place]).unwrap();
            let snapshot = EventBody::Snapshot { history: Box::new(before) };
            let mut all: Vec<NewEvent> = events.iter().map(|e| e.event.clone()).collect();
            all.insert(place, NewEvent::new(snapshot));
            let all = numbered(all);
            prop_assert_eq!(fold(&all[place..]).unwrap(), fold(&all).unwrap());
        }
    }

    #[test]
    fn a_fold_can_be_continued(events in record(), at in any::<prop::sample::Index>()) {
        let place = at.index(events.len() + 1);
        let mut history = fold(&events[..place]).unwrap();
        for event in &events[place..] {
            history.apply(event).unwrap();
        }
        prop_assert_eq!(history, fold(&events).unwrap());
    }

    #[test]
    fn every_tool_call_has_one_result_before_the_next_step(events in record()) {
        for place in places(&events, is_step) {
            let history = fold(&events[..place]).unwrap();
            for (turn, said) in history.turns.iter().enumerate() {
                for index in 0..said.reply.calls.len() {
                    let id = az_core::CallId::tool(turn, index);
                    let about = |e: &&Event| e.event.call.as_ref() == Some(&id);
                    let result = |e: &&Event| matches!(e.event.body, EventBody::ToolResult(_));
                    let results = events[..place].iter().filter(about).filter(result).count();
                    prop_assert_eq!(results, 1, "results of {} before event {}", id, place);
                    let state = &history.call(&id).unwrap().state;
                    let ended = matches!(state, CallState::Ended { .. });
                    prop_assert!(ended, "{} has a result and has not ended", id);
                }
            }
        }
    }

    #[test]
    fn a_step_without_a_result_of_the_last_turn_is_refused(events in record()) {
        for step in places(&events, is_step) {
            let last = places(&events[..step], |b| matches!(b, EventBody::LlmResult(_)));
            let from = last.last().map_or(0, |place| place + 1);
            let results = places(&events[from..step], |b| matches!(b, EventBody::ToolResult(_)));
            for result in results {
                let lacking = &events[from + result];
                if !lacking.event.call.as_ref().unwrap().as_str().starts_with('t') {
                    continue;
                }
                let mut lost: Vec<_> = events[..=step].to_vec();
                lost.remove(from + result);
                assert_broken_at(&renumbered(&lost), step - 1);
            }
        }
    }

    #[test]
    fn a_second_result_is_refused(events in record()) {
        let is_result =
            |b: &EventBody| matches!(b, EventBody::ToolResult(_) | EventBody::LlmResult(_));
        for place in places(&events, is_result) {
            let mut twice = events[..=place].to_vec();
            twice.push(twice[place].clone());
            assert_broken_at(&renumbered(&twice), place + 1);
        }
    }

    #[test]
    fn a_gap_is_refused(events in record(), at in any::<prop::sample::Index>()) {
        // Without its first event a journal may begin with a snapshot, which is not a gap.
        prop_assume!(events.len() > 2);
        let place = 1 + at.index(events.len() - 2);
        let mut gap = events;
        let next = gap[place + 1].seq;
        gap.remove(place);
        assert_broken_at(&gap, usize::try_from(next).unwrap());
    }

    #[test]
    fn no_sequence_of_events_makes_the_fold_panic(events in prop::collection::vec(any::event(), 0..40)) {
        // As read, and renumbered, so that later checks are reached.
        fold(&events).ok();
        if let Ok(history) = fold(&renumbered(&events)) {
            history.pending_calls().count();
            history.begun_calls().count();
            history.final_reply();
        }
    }

    #[test]
    fn no_truncated_or_shuffled_journal_makes_the_fold_panic(
        events in record().prop_map(|events| renumbered(&events)).prop_shuffle(),
    ) {
        fold(&events).ok();
        fold(&renumbered(&events)).ok();
    }

    #[test]
    fn serialized_events_are_read_back(event in any::event()) {
        let json = serde_json::to_string(&event).unwrap();
        prop_assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event, "{}", json);
    }

    #[test]
    fn serialized_histories_are_read_back(events in record()) {
        let history = fold(&events).unwrap();
        let json = serde_json::to_string(&history).unwrap();
        let read: az_core::journal::History = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(read, history);
    }
}

#[test]
fn generated_journals_have_every_kind_of_event() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..64 {
        for event in record().new_tree(&mut runner).unwrap().current() {
            assert_eq!(event.at, at(0), "all events have the same time");
            names.insert(event.event.body.name());
        }
    }
    let all = [
        "approval_asked",
        "approval_given",
        "context",
        "llm_intent",
        "llm_result",
        "note",
        "run_finished",
        "run_started",
        "snapshot",
        "tool_intent",
        "tool_result",
    ];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), all);
}
