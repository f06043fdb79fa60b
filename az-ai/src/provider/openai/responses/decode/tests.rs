use az_core::ErrorKind;
use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use serde_json::{Value, json};

use super::reply;
use crate::chat::ChatReply;
use crate::error::{Error, Result};
use crate::provider::trial::answered;

fn decode(json: &Value) -> Result<ChatReply> {
    reply(json.to_string().as_bytes(), answered(None))
}

fn message(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

#[test]
fn a_reply_is_decoded_completely() {
    let call = |id: &str, arguments: Value| json!({"type": "function_call", "call_id": id, "name": "filesystem_read", "arguments": arguments});
    let summary =
        json!([{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]);
    let thought =
        json!({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "x"});
    let output = json!([
        thought,
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "c"}]},
        message("one"),
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "message", "content": [{"type": "refusal", "refusal": "two"}, {"type": "new"}]},
        call("c1", json!("{\"path\":\"x\"}")),
        call("c2", json!("{\"pa")),
    ]);
    let json = json!({
        "id": "resp_1", "model": "m-1", "status": "completed", "error": null,
        "service_tier": "flex", "output": output,
        "usage": {"input_tokens": 7, "output_tokens": 5, "cost": 0.5},
    });
    let mut kept = output;
    kept.as_array_mut().unwrap().remove(1);
    let mut expected = ModelReply {
        text: "one\n\ntwo".to_owned(),
        reasoning: "a\n\nb\n\nc".to_owned(),
        finish: FinishReason::Stop,
        stop: "completed".to_owned(),
        replay: Some(Box::new(json!({"responses": kept}))),
        ..ModelReply::default()
    }
    .with_call("filesystem.read", json!({"path": "x"}))
    .with_call("filesystem.read", json!("{\"pa"));
    expected.calls[0].id = "c1".to_owned();
    expected.calls[1].id = "c2".to_owned();
    let usage = Usage { service_tier: Some("flex".to_owned()), ..Usage::tokens(7, 5) };
    assert_eq!(
        decode(&json).unwrap(),
        ChatReply {
            reply: expected,
            usage: Some(usage),
            cost: Some(Usd::from_nanos(500_000_000)),
            model: "m-1".to_owned(),
            request_id: Some("resp_1".to_owned()),
            ..ChatReply::default()
        }
    );
}

#[test]
fn a_reply_that_contains_everything_has_no_replay_data() {
    let thought = json!({"type": "reasoning", "summary": [{"text": "hm"}]});
    let reply = decode(&json!({"output": [thought, message("yes")]})).unwrap();
    assert_eq!((reply.reply.replay, reply.reply.reasoning.as_str()), (None, "hm"));
    assert_eq!((reply.model.as_str(), reply.usage), ("asked", None));
}

#[test]
fn an_incomplete_reply_has_the_reason() {
    let ended = |reason: &str, output: Value| {
        decode(&json!({
            "status": "incomplete", "incomplete_details": {"reason": reason}, "output": output,
        }))
    };
    let call = json!({"type": "function_call", "call_id": "c", "name": "x", "arguments": ""});
    let reply = ended("max_output_tokens", json!([call])).unwrap().reply;
    assert_eq!(reply.stop, "max_output_tokens");
    assert_eq!(reply.calls[0].arguments, json!(""), "which is not taken for no arguments");
    for output in [json!([]), json!([message("half")])] {
        let error = ended("content_filter", output).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ContentPolicy);
    }
}

#[test]
fn an_invalid_reply_is_an_error() {
    for json in
        [json!({}), json!([]), json!({"output": 1}), json!({"status": "queued", "output": []})]
    {
        let error = decode(&json).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{json}: {error}");
    }
    let nameless = json!({"output": [{"type": "function_call", "arguments": "{}"}]});
    assert_eq!(decode(&nameless).unwrap_err().kind(), ErrorKind::Protocol);
    let failed = json!({
        "status": "failed", "output": [],
        "error": {"code": "rate_limit_exceeded", "message": "slow down"},
    });
    let error = decode(&failed).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::RateLimited, "p: slow down")
    );
}
