//! How events are written: records of years ago have to be read.

use az_core::cost::{Settlement, Usage};
use az_core::error::ErrorKind;
use az_core::journal::{
    Event, EventBody, History, ModelOutcome, ModelReply, ModelResult, NewEvent, Purpose,
};
use az_core::testing::sample::{
    call_id, cancelled, completed, failed, llm_intent, llm_result, note, paid, run_finished,
    run_started, tool_intent, tool_result,
};
use serde_json::json;

use crate::legal::numbered;

fn result(outcome: ModelOutcome, settlement: Settlement) -> NewEvent {
    let result = ModelResult { outcome, settlement, millis: 12 };
    NewEvent::about(call_id("m0"), EventBody::LlmResult(result))
}

/// Returns an event of every type, and of every shape that a type has.
fn one_of_each() -> Vec<Event> {
    let mut summary = llm_intent("m1", None, 60);
    if let EventBody::LlmIntent(intent) = &mut summary.body {
        intent.purpose = Purpose::Summary { turns: 3 };
    }
    let mut replied = ModelReply::text("hm").with_call("echo", json!({ "text": "hi" }));
    replied.reasoning = "so".to_owned();
    replied.stop = "tool_use".to_owned();
    replied.replay = Some(Box::new(json!([{ "thinking": "so" }])));
    let lost = Settlement::Paid {
        cost: None,
        computed: None,
        usage: Usage { cache_read: 3, estimated: true, ..Usage::tokens(1, 2) },
    };
    let refused =
        ModelOutcome::Failed { kind: ErrorKind::RateLimited, message: "slow down".to_owned() };
    let asked = EventBody::ApprovalAsked {
        tool: "echo".to_owned(),
        digest: "d".to_owned(),
        reason: "it is loud".to_owned(),
    };
    let given = EventBody::ApprovalGiven {
        digest: "d".to_owned(),
        granted: true,
        by: "somebody".to_owned(),
    };
    let history = Box::new(History::default());
    let events = [
        run_started("a"),
        llm_intent("m1", Some(100), 60),
        summary,
        llm_result("m1", replied, paid(70)),
        result(refused, Settlement::Nothing),
        result(ModelOutcome::Interrupted, Settlement::Full),
        llm_result("m1", ModelReply::default(), lost),
        tool_intent("t0.0"),
        NewEvent::about(call_id("t0.0"), asked),
        NewEvent::about(call_id("t0.0"), given),
        tool_result("t0.0"),
        note("by the way"),
        NewEvent::new(EventBody::Snapshot { history }),
        run_finished(completed("42")),
        run_finished(failed("tired")),
        run_finished(cancelled("me")),
    ];
    numbered(events)
}

#[test]
fn events_are_written_like_this_for_good() {
    let lines: Vec<_> =
        one_of_each().iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"task":"t","seq":0,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_started","schema":1,"owner":"a"}
    {"task":"t","seq":1,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m1","type":"llm_intent","provider":"p","model":"m","for":"step","hold":100,"hold_until":"2026-01-05T01:00:00Z","estimated_tokens":10}
    {"task":"t","seq":2,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m1","type":"llm_intent","provider":"p","model":"m","for":"summary","turns":3,"hold":null,"hold_until":"2026-01-05T01:00:00Z","estimated_tokens":10}
    {"task":"t","seq":3,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m1","type":"llm_result","outcome":"replied","reply":{"text":"hm","reasoning":"so","calls":[{"id":"call_0","name":"echo","arguments":{"text":"hi"}}],"stop":"tool_use","replay":[{"thinking":"so"}]},"settled":"paid","cost":70,"usage":{"input":10,"output":5},"millis":12}
    {"task":"t","seq":4,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m0","type":"llm_result","outcome":"failed","kind":"rate_limited","message":"slow down","settled":"nothing","millis":12}
    {"task":"t","seq":5,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m0","type":"llm_result","outcome":"interrupted","settled":"full","millis":12}
    {"task":"t","seq":6,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m1","type":"llm_result","outcome":"replied","reply":{},"settled":"paid","cost":null,"usage":{"input":1,"output":2,"cache_read":3,"estimated":true},"millis":12}
    {"task":"t","seq":7,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"tool_intent","tool":"echo","arguments":{"text":"t0.0"},"effect":"idempotent"}
    {"task":"t","seq":8,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"approval_asked","tool":"echo","digest":"d","reason":"it is loud"}
    {"task":"t","seq":9,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"approval_given","digest":"d","granted":true,"by":"somebody"}
    {"task":"t","seq":10,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"tool_result","tool":"echo","outcome":"done","text":"t0.0","millis":3}
    {"task":"t","seq":11,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"note","text":"by the way"}
    {"task":"t","seq":12,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"snapshot","history":{"next_seq":0,"runs":0,"resumed_after":[],"steps":0,"turns":[],"calls":{},"summary":null,"open_model":null,"cost":0,"unpriced":false,"tokens":0,"outcome":null}}
    {"task":"t","seq":13,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_finished","outcome":{"status":"completed","answer":"42"}}
    {"task":"t","seq":14,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_finished","outcome":{"status":"failed","failure":{"kind":"agent","message":"tired"}}}
    {"task":"t","seq":15,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_finished","outcome":{"status":"cancelled","failure":{"kind":"cancelled","message":"cancelled by me"}}}
    "#);
}

#[test]
fn what_was_written_is_read() {
    for event in one_of_each() {
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}
