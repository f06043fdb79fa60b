//! Random journals that a run could have written.

use az_core::CallId;
use az_core::cost::{Settlement, Usage};
use az_core::error::ErrorKind;
use az_core::journal::{
    CallState, ContextChange, ContextCut, Event, EventBody, History, ModelChoice, ModelIntent,
    ModelOutcome, ModelReply, ModelResult, NewEvent, Prompt, Protocol, Purpose, ToolIntent,
    ToolOutcome, ToolResult, fold,
};
use az_core::money::Usd;
use az_core::testing::sample::{
    at, call_id, cancelled, completed, failed, note, run_finished, run_started, task_id,
};
use az_core::tool::{EffectClass, ToolDefinition, ToolOutput};
use proptest::prelude::*;
use serde_json::json;

/// Numbers events from 0 on.
pub(crate) fn numbered(events: impl IntoIterator<Item = NewEvent>) -> Vec<Event> {
    let numbered = (0..).zip(events).map(|(seq, event)| Event {
        task: task_id("t"),
        seq,
        epoch: 1,
        at: at(0),
        event,
    });
    numbered.collect()
}

/// Returns valid journals of up to 40 events.
pub(crate) fn record() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(any::<(u8, u8)>(), 0..40).prop_map(|choices| {
        let mut history = History::default();
        let mut events = Vec::new();
        for (what, how) in choices {
            let next = next(&history, what, how);
            let event = Event { seq: history.next_seq, ..numbered([next]).remove(0) };
            history.apply(&event).expect("an event that may come next");
            events.push(event);
        }
        assert_eq!(fold(&events).expect("a valid journal"), history);
        events
    })
}

/// Returns one of the events that may come next.
fn next(history: &History, what: u8, how: u8) -> NewEvent {
    match what % 18 {
        0 => note("by the way"),
        1 => run_started("a"),
        2 => run_finished(end(how)),
        3 => NewEvent::new(EventBody::Snapshot { history: Box::new(history.clone()) }),
        4 | 5 => effect(history, how),
        16 => NewEvent::new(EventBody::Context(change(how))),
        _ => step(history, how),
    }
}

/// Returns a decision about the requests that follow.
fn change(how: u8) -> ContextChange {
    let tools = || [ToolDefinition::new(format!("tool{how}"), "", json!({}))];
    match how % 4 {
        0 => ContextChange::Prompt(Prompt::new(Protocol::Native, "go", tools())),
        1 => ContextChange::ToolsAdded { tools: vec![format!("new{how}")], text: "new".to_owned() },
        2 => ContextChange::Cut(ContextCut::before(("p", "m"), usize::from(how / 4), 400)),
        _ => ContextChange::Model(ModelChoice::new("m", None)),
    }
}

/// Returns an event that continues the task.
fn step(history: &History, how: u8) -> NewEvent {
    if let Some(open) = &history.open_model {
        let result = ModelResult {
            outcome: outcome(how),
            settlement: settlement(how / 7),
            millis: how.into(),
        };
        return NewEvent::about(open.call.clone(), EventBody::LlmResult(result));
    }
    let pending: Vec<_> = history.pending_calls().map(|(id, _)| id).collect();
    if !pending.is_empty() {
        let call = pending[usize::from(how) % pending.len()].clone();
        return tool(history, call, how / 3);
    }
    let purpose = match how % 5 {
        0 if !history.turns.is_empty() => Purpose::Summary { turns: history.turns.len() },
        _ => Purpose::Step,
    };
    let intent = ModelIntent {
        provider: "p".to_owned(),
        model: "m".to_owned(),
        purpose,
        hold: (!how.is_multiple_of(3)).then_some(Usd::from_nanos(how.into())),
        hold_until: at(60),
        estimated_tokens: how.into(),
        reason: None,
        sent: None,
    };
    NewEvent::about(CallId::model(history.next_seq), EventBody::LlmIntent(intent))
}

/// Returns an event about a call of the agent's own, or a note if none is due.
fn effect(history: &History, how: u8) -> NewEvent {
    let call = call_id(&format!("e:{}", how % 4));
    match history.call(&call).map(|record| &record.state) {
        Some(CallState::Ended { .. }) => note("that is done"),
        _ => tool(history, call, how / 4),
    }
}

/// Returns an event about a call that has no result yet.
fn tool(history: &History, call: CallId, how: u8) -> NewEvent {
    let begun = history.begun_calls().any(|(id, _)| *id == call);
    let body = match (begun, how % 6) {
        (true, _) | (false, 0) => EventBody::ToolResult(result(how)),
        (false, 1) => EventBody::ApprovalAsked {
            tool: "echo".to_owned(),
            digest: "d".to_owned(),
            reason: "it is loud".to_owned(),
            arguments: json!({ "text": "hi" }),
            deny_at: None,
        },
        (false, 2) => EventBody::ApprovalGiven {
            digest: "d".to_owned(),
            granted: how.is_multiple_of(4),
            by: "alice".to_owned(),
            tool: how.is_multiple_of(3).then(|| "echo".to_owned()),
            reason: None,
        },
        (false, _) => EventBody::ToolIntent(ToolIntent {
            tool: "echo".to_owned(),
            arguments: json!({ "text": how }),
            effect: EffectClass::Probe,
            witness: how.is_multiple_of(2).then(|| json!(how)),
        }),
    };
    NewEvent::about(call, body)
}

fn outcome(how: u8) -> ModelOutcome {
    let reply = (0..how % 4)
        .fold(ModelReply::text("hm"), |reply, n| reply.with_call("echo", json!({ "n": n })));
    match how % 7 {
        0 => ModelOutcome::Interrupted,
        1 => ModelOutcome::Failed { kind: ErrorKind::RateLimited, message: "slow down".to_owned() },
        _ => ModelOutcome::Replied { reply },
    }
}

fn settlement(how: u8) -> Settlement {
    match how % 5 {
        0 => Settlement::Nothing,
        1 => Settlement::Full,
        2 => Settlement::paid(None, Usage::tokens(1, 2)),
        _ => Settlement::paid(Some(Usd::from_nanos(how.into())), Usage::tokens(how.into(), 1)),
    }
}

fn end(how: u8) -> az_core::task::Outcome {
    match how % 3 {
        0 => completed("42"),
        1 => failed("tired"),
        _ => cancelled("me"),
    }
}

fn result(how: u8) -> ToolResult {
    let outcome = match how % 4 {
        0 => ToolOutcome::Refused,
        1 => ToolOutcome::Failed,
        2 => ToolOutcome::Unknown,
        _ => ToolOutcome::Done,
    };
    let mut output = ToolOutput::done("é".repeat(usize::from(how) * 50));
    if how.is_multiple_of(2) {
        output = output.with_data(json!({ "n": how }));
    }
    if how.is_multiple_of(3) {
        output = output.with_image("image/png", "aGVsbG8=");
    }
    ToolResult::new("echo", outcome, output).with_millis(how.into())
}
