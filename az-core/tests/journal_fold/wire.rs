//! The serialized form of events: old journals must stay readable.

use az_core::content::ContentPart;
use az_core::cost::{Settlement, Usage};
use az_core::engine::{RecordedEvent, RunEvent, RunEventKind};
use az_core::error::ErrorKind;
use az_core::journal::{
    CallRecord, CallState, ContextChange, ContextCut, Event, EventBody, History, ModelChoice,
    ModelOutcome, ModelReply, ModelResult, NewEvent, Prompt, Protocol, Purpose, ToolOutcome,
    ToolResult, fold,
};
use az_core::testing::sample::{
    at, call_id, cancelled, completed, failed, llm_intent, llm_result, note, paid, run_finished,
    run_started, task_id, tool_intent, tool_result,
};
use az_core::text::Excerpt;
use az_core::tool::{Progress, ToolDefinition, ToolOutput};
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
    let usage = Usage { cache_read: 3, estimated: true, ..Usage::tokens(1, 2) };
    let lost = Settlement::paid(None, usage);
    let refused =
        ModelOutcome::Failed { kind: ErrorKind::RateLimited, message: "slow down".to_owned() };
    let asked = EventBody::ApprovalAsked {
        tool: "echo".to_owned(),
        digest: "d".to_owned(),
        reason: "it is loud".to_owned(),
        arguments: json!({ "text": "hi" }),
        deny_at: None,
    };
    let given = EventBody::ApprovalGiven {
        digest: "d".to_owned(),
        granted: true,
        by: "alice".to_owned(),
        tool: None,
        reason: None,
    };
    let asked_until = EventBody::ApprovalAsked {
        tool: "echo".to_owned(),
        digest: "d".to_owned(),
        reason: "it is loud".to_owned(),
        arguments: json!({ "text": "hi" }),
        deny_at: Some(at(9)),
    };
    let denied = EventBody::ApprovalGiven {
        digest: "d".to_owned(),
        granted: false,
        by: "alice".to_owned(),
        tool: None,
        reason: Some("not today".to_owned()),
    };
    let question = EventBody::QuestionAsked {
        tool: "person.ask".to_owned(),
        digest: "d".to_owned(),
        question: "which one?".to_owned(),
        options: vec!["left".to_owned(), "right".to_owned()],
    };
    let answered = |text: Option<&str>, reason: Option<&str>| EventBody::QuestionAnswered {
        digest: "d".to_owned(),
        by: "alice".to_owned(),
        text: text.map(str::to_owned),
        reason: reason.map(str::to_owned),
    };
    let (answer, no_answer) = (answered(Some("left"), None), answered(None, Some("ask later")));
    let before = [
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
        NewEvent::about(call_id("t0.1"), asked_until),
        NewEvent::about(call_id("t0.1"), denied),
        NewEvent::about(call_id("t0.2"), question),
        NewEvent::about(call_id("t0.2"), answer),
        NewEvent::about(call_id("t0.3"), no_answer),
        tool_result("t0.0"),
        image_result("t0.1"),
        note("by the way"),
    ];
    let after = [
        NewEvent::new(EventBody::Snapshot { history: Box::default() }),
        run_finished(completed("42")),
        run_finished(failed("tired")),
        run_finished(cancelled("me")),
    ];
    numbered(before.into_iter().chain(context_changes()).chain(after))
}

/// Returns every decision about how requests are built.
fn context_changes() -> [NewEvent; 4] {
    let tool = ToolDefinition::new("echo", "Echoes.", json!({"type": "object"}));
    let cut = ContextCut::before(("p", "m"), 3, 400).with_calls(2).with_tokens(900, 500);
    let changes = [
        ContextChange::Prompt(Prompt::new(Protocol::Native, "be brief", [tool])),
        ContextChange::ToolsAdded { tools: vec!["web".to_owned()], text: "new".to_owned() },
        ContextChange::Cut(cut),
        ContextChange::Model(ModelChoice::new("fast", Some("it is short".to_owned()))),
    ];
    changes.map(|change| NewEvent::new(EventBody::Context(change)))
}

#[test]
fn the_serialized_form_of_events_does_not_change() {
    let lines: Vec<_> =
        one_of_each().iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"task":"t","seq":0,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_started","schema":3,"owner":"a"}
    {"task":"t","seq":1,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m1","type":"llm_intent","provider":"p","model":"m","for":"step","hold":100,"hold_until":"2026-01-05T01:00:00Z","estimated_tokens":10}
    {"task":"t","seq":2,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m1","type":"llm_intent","provider":"p","model":"m","for":"summary","turns":3,"hold":null,"hold_until":"2026-01-05T01:00:00Z","estimated_tokens":10}
    {"task":"t","seq":3,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m1","type":"llm_result","outcome":"replied","reply":{"text":"hm","reasoning":"so","calls":[{"id":"call_0","name":"echo","arguments":{"text":"hi"}}],"stop":"tool_use","replay":[{"thinking":"so"}]},"settled":"paid","cost":70,"usage":{"input":10,"output":5},"millis":12}
    {"task":"t","seq":4,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m0","type":"llm_result","outcome":"failed","kind":"rate_limited","message":"slow down","settled":"nothing","millis":12}
    {"task":"t","seq":5,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m0","type":"llm_result","outcome":"interrupted","settled":"full","millis":12}
    {"task":"t","seq":6,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"m1","type":"llm_result","outcome":"replied","reply":{},"settled":"paid","cost":null,"usage":{"input":1,"output":2,"cache_read":3,"estimated":true},"millis":12}
    {"task":"t","seq":7,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"tool_intent","tool":"echo","arguments":{"text":"t0.0"},"effect":"idempotent"}
    {"task":"t","seq":8,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"approval_asked","tool":"echo","digest":"d","reason":"it is loud","arguments":{"text":"hi"}}
    {"task":"t","seq":9,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"approval_given","digest":"d","granted":true,"by":"alice"}
    {"task":"t","seq":10,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.1","type":"approval_asked","tool":"echo","digest":"d","reason":"it is loud","arguments":{"text":"hi"},"deny_at":"2026-01-05T00:09:00Z"}
    {"task":"t","seq":11,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.1","type":"approval_given","digest":"d","granted":false,"by":"alice","reason":"not today"}
    {"task":"t","seq":12,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.2","type":"question_asked","tool":"person.ask","digest":"d","question":"which one?","options":["left","right"]}
    {"task":"t","seq":13,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.2","type":"question_answered","digest":"d","by":"alice","text":"left"}
    {"task":"t","seq":14,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.3","type":"question_answered","digest":"d","by":"alice","reason":"ask later"}
    {"task":"t","seq":15,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"tool_result","tool":"echo","outcome":"done","content":[{"type":"text","text":"t0.0"}],"millis":3}
    {"task":"t","seq":16,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.1","type":"tool_result","tool":"draw","outcome":"done","content":[{"type":"text","text":"a picture"},{"type":"image","mime_type":"image/png","data":"aGVsbG8="},{"type":"resource_link","uri":"file:///a.csv","name":"a.csv"}],"millis":3}
    {"task":"t","seq":17,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"note","text":"by the way"}
    {"task":"t","seq":18,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"context","change":"prompt","protocol":"native","system":"be brief","tools":[{"name":"echo","description":"Echoes.","schema":{"type":"object"}}]}
    {"task":"t","seq":19,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"context","change":"tools_added","tools":["web"],"text":"new"}
    {"task":"t","seq":20,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"context","change":"cut","provider":"p","model":"m","before_turn":3,"calls":2,"to_bytes":400,"tokens_before":900,"tokens_after":500}
    {"task":"t","seq":21,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"context","change":"model","name":"fast","reason":"it is short"}
    {"task":"t","seq":22,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"snapshot","history":{"next_seq":0,"runs":0,"resumed_after":[],"steps":0,"turns":[],"calls":{},"summary":null,"open_model":null,"cost":0,"unpriced":false,"tokens":0,"cache":{"input_tokens":0,"cached_tokens":0,"saved":0},"outcome":null}}
    {"task":"t","seq":23,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_finished","outcome":{"status":"completed","answer":"42"}}
    {"task":"t","seq":24,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_finished","outcome":{"status":"failed","failure":{"kind":"agent","message":"tired"}}}
    {"task":"t","seq":25,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_finished","outcome":{"status":"cancelled","failure":{"kind":"cancelled","message":"cancelled by me"}}}
    "#);
}

/// Returns the result of a call that returned text, an image and a link.
fn image_result(call: &str) -> NewEvent {
    let output = ToolOutput::done("a picture")
        .with_image("image/png", "aGVsbG8=")
        .with_part(ContentPart::link("file:///a.csv", "a.csv"));
    let result = ToolResult::new("draw", ToolOutcome::Done, output).with_millis(3);
    NewEvent::about(call_id(call), EventBody::ToolResult(result))
}

/// The record of a call as version 1 wrote it: the result of a tool is one text.
const VERSION_1: &str = r#"
{"task":"t","seq":0,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"run_started","schema":1,"owner":"a"}
{"task":"t","seq":1,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"tool_intent","tool":"echo","arguments":{"text":"hi"},"effect":"idempotent"}
{"task":"t","seq":2,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.0","type":"tool_result","tool":"echo","outcome":"done","text":"hi","data":{"n":1},"millis":3}
{"task":"t","seq":3,"epoch":1,"at":"2026-01-05T00:00:00Z","call":"t0.1","type":"tool_result","tool":"echo","outcome":"failed","text":"","millis":3}
{"task":"t","seq":4,"epoch":1,"at":"2026-01-05T00:00:00Z","type":"snapshot","history":{"next_seq":4,"runs":1,"resumed_after":[],"steps":0,"turns":[],"calls":{"t0.0":{"intent_seq":1,"approval":null,"state":{"state":"ended","outcome":"done","text":{"head":"hi"},"data":{"n":1}}},"t0.1":{"intent_seq":null,"approval":null,"state":{"state":"ended","outcome":"failed","text":{"head":""},"data":null}}},"summary":null,"open_model":null,"cost":0,"unpriced":false,"tokens":0,"outcome":null}}
"#;

#[test]
fn a_journal_of_version_1_folds_to_the_same_history() {
    let lines = VERSION_1.trim().lines();
    let events: Vec<Event> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let output = ToolOutput::done("hi").with_data(json!({ "n": 1 }));
    let upgraded = ToolResult::new("echo", ToolOutcome::Done, output).with_millis(3);
    assert_eq!(events[2].event.body, EventBody::ToolResult(upgraded));
    let ended = |outcome, text: &str, data| CallState::Ended {
        outcome,
        text: Excerpt::of(text, usize::MAX),
        images: Vec::new(),
        data,
    };
    let record = |intent_seq, state| CallRecord {
        intent_seq,
        asked: None,
        approval: None,
        denial: None,
        questioned: false,
        deny_at: None,
        answer: None,
        is_copied: false,
        state,
    };
    let done = record(Some(1), ended(ToolOutcome::Done, "hi", Some(json!({ "n": 1 }))));
    let failed = record(None, ended(ToolOutcome::Failed, "", None));
    let expected = History {
        next_seq: 5,
        runs: 1,
        calls: [(call_id("t0.0"), done), (call_id("t0.1"), failed)].into(),
        ..History::default()
    };
    assert_eq!(fold(&events).unwrap(), expected);
    assert_eq!(fold(&events[4..]).unwrap(), expected, "from the snapshot on");
}

#[test]
fn written_events_are_read_back() {
    for event in one_of_each() {
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}

#[test]
fn the_fold_keeps_images_up_to_a_bound_and_names_the_others() {
    let large = "A".repeat(6 << 20);
    let output = ToolOutput::done("two pictures")
        .with_image("image/png", large.clone())
        .with_image("image/jpeg", large.clone());
    let result = ToolResult::new("draw", ToolOutcome::Done, output);
    let events = numbered([
        run_started("a"),
        NewEvent::about(call_id("t0.0"), EventBody::ToolResult(result)),
    ]);
    let history = fold(&events).unwrap();
    let Some(CallState::Ended { text, images, .. }) =
        history.call(&call_id("t0.0")).map(|record| &record.state)
    else {
        panic!("it has a result");
    };
    let kept: Vec<_> = images.iter().map(|i| (i.mime_type.as_str(), i.data.len())).collect();
    assert_eq!(kept, [("image/png", large.len())]);
    assert_eq!(text.render(), "two pictures\n[image image/jpeg, 4718592 bytes]");
}

#[test]
fn an_emitted_event_is_the_recorded_one_with_another_type_field() {
    let emitted = |kind| RunEvent::new(task_id("t"), at(0), kind);
    let mut recorded = one_of_each();
    recorded.retain(|event| !matches!(event.event.body, EventBody::Snapshot { .. }));
    for event in recorded {
        let mut expected = serde_json::to_value(&event).unwrap();
        let fields = expected.as_object_mut().unwrap();
        let name = fields.remove("type").unwrap();
        fields.insert("event".to_owned(), name);
        fields.remove("epoch");
        let event = RecordedEvent::new(event.seq, event.event);
        let event = emitted(RunEventKind::Recorded(Box::new(event)));
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<RunEvent>(json).unwrap(), event);
    }
    let call = call_id("t0.0");
    let progress = Progress::message("copying").with_count(1, Some(2));
    let event = emitted(RunEventKind::ToolProgress { call, tool: "cp".to_owned(), progress });
    let json = serde_json::to_value(&event).unwrap();
    let expected = json!({
        "task": "t", "at": "2026-01-05T00:00:00Z", "event": "tool_progress",
        "call": "t0.0", "tool": "cp", "message": "copying", "done": 1, "total": 2,
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<RunEvent>(json).unwrap(), event);
}
