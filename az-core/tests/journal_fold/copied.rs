//! Copies of journals.

use az_core::Usd;
use az_core::journal::{
    CallRecord, Continued, EventBody, FinishReason, History, ModelReply, complete_steps, copies,
    fold,
};
use az_core::testing::sample::{
    copied, llm_intent, llm_result, paid, run_started, tool_intent, tool_result,
};
use proptest::prelude::*;
use serde_json::json;

use crate::legal::{numbered, record};

/// Returns a fold without what a copy does not take over, and without the numbers of events.
fn conversation(history: &History) -> History {
    let plain = |record: &CallRecord| CallRecord {
        intent_seq: record.intent_seq.map(|_| 0),
        is_copied: false,
        approval: None,
        deny_at: None,
        ..record.clone()
    };
    let calls = history.calls.iter().map(|(call, record)| (call.clone(), plain(record)));
    History {
        next_seq: 0,
        calls: calls.collect(),
        approved_tools: Default::default(),
        copied: Default::default(),
        cost: Usd::ZERO,
        unpriced: false,
        tokens: 0,
        cache: History::default().cache,
        ..history.clone()
    }
}

proptest! {
    #[test]
    fn a_copy_folds_to_the_same_conversation_and_costs_nothing(events in record()) {
        let original = fold(&events).unwrap();
        let copy = fold(&numbered(copies(events))).unwrap();
        prop_assert_eq!(conversation(&copy), conversation(&original));
        prop_assert_eq!((copy.cost, copy.tokens, copy.unpriced), (Usd::ZERO, 0, false));
        prop_assert_eq!((copy.own_steps(), copy.own_runs(), copy.own_calls().count()), (0, 0, 0));
        prop_assert!(copy.approved_tools.is_empty());
        prop_assert_eq!(copy.cache, History::default().cache);
        prop_assert!(copy.calls.values().all(|record| record.approval.is_none()));
    }

    #[test]
    fn a_copy_of_a_copy_is_the_same(events in record()) {
        let once = copies(events);
        prop_assert_eq!(copies(numbered(once.clone())), once);
    }

    #[test]
    fn each_complete_step_is_a_beginning_of_the_journal_with_that_many_turns(events in record()) {
        let steps = complete_steps(&events).unwrap().events;
        for (step, end) in steps.iter().enumerate() {
            let history = fold(&events[..usize::try_from(*end).unwrap()]).unwrap();
            prop_assert_eq!(history.turns.len(), step);
            prop_assert_eq!(history.pending_calls().count(), 0);
        }
    }
}

#[test]
fn the_first_run_after_a_copy_is_no_resume_and_a_later_one_is() {
    let answer = || {
        let result = llm_result("m1", ModelReply::text("42"), paid(7));
        [run_started("a"), llm_intent("m1", Some(9), 60), result]
    };
    let mut first = run_started("b");
    if let EventBody::RunStarted { continues, .. } = &mut first.body {
        *continues = Some(Continued::Part);
    }
    let mut events: Vec<_> = answer().into_iter().map(copied).chain([first]).collect();
    let history = fold(&numbered(events.clone())).unwrap();
    assert_eq!((history.runs, history.own_runs(), &*history.resumed_after), (2, 1, &[][..]));
    events.push(run_started("c"));
    let history = fold(&numbered(events)).unwrap();
    assert_eq!((history.runs, history.own_runs(), &*history.resumed_after), (3, 2, &[1][..]));
    assert_eq!(history.forked_after, [1]);
}

#[test]
fn a_step_is_an_answer_if_its_reply_has_a_text_and_is_whole() {
    let text = || ModelReply::text("so far");
    let call = || ModelReply::text("look").with_call("echo", json!({"text": "t1.0"}));
    let replies = [
        text(),
        call(),
        text().with_finish(FinishReason::Length),
        text().with_finish(FinishReason::Pause),
        ModelReply::text(" \n"),
        text().with_finish(FinishReason::Stop),
    ];
    let mut events = vec![run_started("a")];
    for (index, reply) in replies.into_iter().enumerate() {
        let (id, has_call) = (format!("m{}", index + 1), !reply.calls.is_empty());
        events.extend([llm_intent(&id, Some(9), 60), llm_result(&id, reply, paid(7))]);
        if has_call {
            events.extend([tool_intent("t1.0"), tool_result("t1.0")]);
        }
    }
    let steps = complete_steps(&numbered(events)).unwrap();
    assert_eq!(steps.answers, [false, true, false, false, false, false, true]);
    assert_eq!(steps.events, [1, 3, 7, 9, 11, 13, 15]);
}
