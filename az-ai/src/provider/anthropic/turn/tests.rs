use crate::provider::tool_names::ToolNames;
use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use serde_json::{Value, json};

use crate::chat::ChatReply;
use crate::error::{Error, Result};
use crate::provider::anthropic::decode::reply;
use crate::provider::wire::Answered;

fn answered() -> Answered {
    Answered {
        provider: "p".to_owned(),
        model: "asked".to_owned(),
        request_id: None,
        names: ToolNames::new(["filesystem.read"]),
    }
}

fn decode(json: &Value) -> Result<ChatReply> {
    reply(json.to_string().as_bytes(), answered())
}

fn message(content: &Value, stop: &str) -> Value {
    json!({"type": "message", "content": content, "stop_reason": stop})
}

fn said(content: &Value, stop: &str) -> ModelReply {
    decode(&message(content, stop)).unwrap().reply
}

fn call(id: &str, input: &Value) -> Value {
    json!({"type": "tool_use", "id": id, "name": "filesystem_read", "input": input})
}

#[test]
fn a_reply_is_decoded_completely() {
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "s=="});
    let words = json!({"type": "text", "text": "I look."});
    let content = json!([thought, words, call("a", &json!({"path": "x"})), call("b", &json!({}))]);
    let json = json!({
        "type": "message", "id": "msg_1", "role": "assistant", "model": "m-1",
        "content": content, "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 10, "output_tokens": 3, "service_tier": "standard"},
        "never_heard_of": [1],
    });
    let mut expected = ModelReply {
        text: "I look.".to_owned(),
        reasoning: "hm".to_owned(),
        finish: FinishReason::ToolCalls,
        stop: "tool_use".to_owned(),
        replay: Some(Box::new(json!({"anthropic": content, "model": "asked"}))),
        ..ModelReply::default()
    }
    .with_call("filesystem.read", json!({"path": "x"}))
    .with_call("filesystem.read", json!({}));
    expected.calls[0].id = "a".to_owned();
    expected.calls[1].id = "b".to_owned();
    let usage = Usage { service_tier: Some("standard".to_owned()), ..Usage::tokens(10, 3) };
    assert_eq!(
        decode(&json).unwrap(),
        ChatReply {
            reply: expected,
            usage: Some(usage),
            model: "m-1".to_owned(),
            request_id: Some("msg_1".to_owned()),
            ..ChatReply::default()
        }
    );
}

#[test]
fn replay_data_is_kept_only_when_the_reply_lacks_something() {
    let text = || json!({"type": "text", "text": "so"});
    let kept = |content: Value, stop: &str| said(&content, stop).replay.map(|replay| *replay);
    let end = "end_turn";
    assert_eq!(kept(json!([]), end), None);
    assert_eq!(kept(json!([text(), text()]), end), None);
    assert_eq!(kept(json!([text(), call("a", &json!({}))]), "tool_use"), None);
    let uncited = json!([{"type": "text", "text": "so", "citations": null}]);
    assert_eq!(kept(uncited, end), None);

    let paused = json!([text()]);
    assert_eq!(
        kept(paused.clone(), "pause_turn"),
        Some(json!({"anthropic": paused, "model": "asked"}))
    );
    for other in [
        json!({"type": "redacted_thinking", "data": "x"}),
        json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}}),
        json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"x": [1]}]}),
        json!({"type": "text", "text": "so", "citations": [{"url": "u"}]}),
        json!({"type": "never_heard_of", "x": {"y": null}}),
    ] {
        let content = json!([other, text()]);
        assert_eq!(
            kept(content.clone(), end),
            Some(json!({"anthropic": content, "model": "asked"}))
        );
    }
    let afterwards = json!([call("a", &json!({})), text()]);
    assert_eq!(
        kept(afterwards.clone(), "tool_use"),
        Some(json!({"anthropic": afterwards, "model": "asked"}))
    );
    let blank = json!([{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": " "}]);
    let only = json!({"anthropic": [{"type": "redacted_thinking", "data": "x"}], "model": "asked"});
    assert_eq!(kept(blank, end), Some(only), "blank text is refused when it comes back");
}

#[test]
fn the_call_with_structured_output_becomes_the_text() {
    let answer = json!({"type": "tool_use", "id": "a", "name": "_answer", "input": {"x": 1}});
    let expected = ModelReply {
        finish: FinishReason::Stop,
        stop: "tool_use".to_owned(),
        ..ModelReply::text(r#"{"x":1}"#)
    };
    assert_eq!(said(&json!([answer]), "tool_use"), expected);
    let both = said(&json!([answer, call("b", &json!({}))]), "tool_use");
    assert_eq!((both.calls.len(), both.stop.as_str()), (1, "tool_use"));
}

/// Checks `Wire` 3.
#[test]
fn failed_turns_are_errors_of_their_kind() {
    let error = |content: Value, stop: &str| {
        let error = decode(&message(&content, stop)).err()?;
        Some((error.kind(), error.to_string()))
    };
    let words = || json!([{"type": "text", "text": "No."}]);
    let declined = "p: the model declined to answer".to_owned();
    assert_eq!(error(json!([]), "refusal"), Some((ErrorKind::ContentPolicy, declined)));
    let declined = "p: the model declined to answer; the reply began with: No.".to_owned();
    assert_eq!(error(words(), "refusal"), Some((ErrorKind::ContentPolicy, declined)));
    let acting = json!([call("a", &json!({}))]);
    assert!(error(acting, "refusal").is_some(), "what it asked for is not done");
    let mut explained = message(&json!([]), "refusal");
    explained["stop_details"] = json!({"type": "refusal", "explanation": "too risky"});
    assert_eq!(decode(&explained).unwrap_err().to_string(), "p: too risky");

    let full = "model_context_window_exceeded";
    let kind = |content| error(content, full).map(|(kind, _)| kind);
    assert_eq!(kind(json!([])), Some(ErrorKind::ContextWindow));
    assert_eq!(kind(json!([call("a", &json!({"x": 1}))])), Some(ErrorKind::ContextWindow));
    assert_eq!(kind(words()), None);
}

/// Checks `Wire` 2.
#[test]
fn an_invalid_reply_is_an_error() {
    let kind = |json| decode(&json).unwrap_err().kind();
    assert_eq!(kind(json!({})), ErrorKind::Protocol);
    assert_eq!(kind(json!({"content": "text"})), ErrorKind::Protocol);
    assert_eq!(kind(message(&json!(["text"]), "end_turn")), ErrorKind::Protocol);
    let nameless = json!([{"type": "tool_use", "id": "x"}]);
    assert_eq!(kind(message(&nameless, "tool_use")), ErrorKind::Protocol);
    let overloaded = json!({"error": {"type": "overloaded_error", "message": "m"}});
    assert_eq!(kind(overloaded), ErrorKind::Unavailable);
    let garbage = reply(b"{\"content\"", Answered::default());
    assert!(matches!(garbage, Err(Error::Malformed { .. })));
    let unended = json!({"content": [call("a", &json!({}))]});
    assert!(matches!(decode(&unended), Err(Error::Truncated { .. })));
}
