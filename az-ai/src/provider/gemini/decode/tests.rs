use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use serde_json::{Value, json};

use super::reply;
use crate::chat::ChatReply;
use crate::error::{Error, Result, Sent};
use crate::provider::trial::answered;

fn decode(json: &Value) -> Result<ChatReply> {
    reply(json.to_string().as_bytes(), answered(None))
}

fn saying(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}]})
}

#[test]
fn a_reply_is_decoded_completely() {
    let call = json!({"name": "filesystem_read", "args": {"path": "x"}, "id": "c7"});
    let parts = json!([
        {"text": "which?", "thought": true},
        {"text": "Both", "thoughtSignature": "s0"},
        {"text": "."},
        {"text": ".."},
        {"functionCall": call, "thoughtSignature": "s1"},
        {"functionCall": {"name": "filesystem_read"}},
        {"videoMetadata": {"new": true}},
    ]);
    let mut json = saying(&parts);
    json["modelVersion"] = json!("m-1");
    json["responseId"] = json!("r1");
    json["usageMetadata"] = json!({"promptTokenCount": 7, "candidatesTokenCount": 5});
    let mut expected = ModelReply {
        text: "Both...".to_owned(),
        reasoning: "which?".to_owned(),
        finish: FinishReason::Stop,
        stop: "STOP".to_owned(),
        replay: Some(Box::new(json!({"gemini": [
            {"text": "Both", "thoughtSignature": "s0"},
            {"text": "..."},
            {"functionCall": call, "thoughtSignature": "s1"},
            {"functionCall": {"name": "filesystem_read"}},
            {"videoMetadata": {"new": true}},
        ]}))),
        ..ModelReply::default()
    }
    .with_call("filesystem.read", json!({"path": "x"}))
    .with_call("filesystem.read", json!({}));
    expected.calls[0].id = "c7".to_owned();
    assert_eq!(
        decode(&json).unwrap(),
        ChatReply {
            reply: expected,
            usage: Some(Usage::tokens(7, 5)),
            model: "m-1".to_owned(),
            request_id: Some("r1".to_owned()),
            ..ChatReply::default()
        }
    );
}

#[test]
fn a_reply_that_contains_everything_has_no_replay_data() {
    let plain = saying(&json!([
        {"text": "hm", "thought": true},
        {"text": "yes"},
        {"functionCall": {"name": "filesystem_read", "args": {}}},
    ]));
    let reply = decode(&plain).unwrap();
    assert_eq!((reply.reply.replay, reply.model.as_str(), reply.usage), (None, "asked", None));
}

#[test]
fn a_stream_in_one_response_is_decoded() {
    let chunks = json!([saying(&json!([{"text": "a"}])), saying(&json!([{"text": "b"}]))]);
    assert_eq!(decode(&chunks).unwrap().reply.text, "ab");
}

#[test]
fn only_the_first_candidate_is_read() {
    let candidate = |index: u64, text: &str| json!({"index": index, "content": {"parts": [{"text": text}]}, "finishReason": "STOP"});
    let json = json!({"candidates": [candidate(1, "not mine"), candidate(0, "mine")]});
    assert_eq!(decode(&json).unwrap().reply.text, "mine");
}

#[test]
fn a_reply_at_the_limit_is_a_reply_with_complete_calls() {
    let mut json = saying(&json!([{"functionCall": {"name": "filesystem_read", "args": null}}]));
    json["candidates"][0]["finishReason"] = json!("MAX_TOKENS");
    let reply = decode(&json).unwrap().reply;
    assert_eq!((reply.calls[0].arguments.clone(), reply.stop.as_str()), (json!({}), "MAX_TOKENS"));
    let empty = json!({"candidates": [{"finishReason": "MAX_TOKENS"}]});
    assert_eq!(decode(&empty).unwrap().reply.text, "");
}

/// Checks `Wire` 3.
#[test]
fn a_withheld_reply_is_a_refusal() {
    let kind = |json: &Value| {
        let error = decode(json).unwrap_err();
        (error.kind(), error.to_string(), error.sent())
    };
    let policy = |message: &str| (ErrorKind::ContentPolicy, format!("p: {message}"), Sent::Maybe);
    assert_eq!(
        kind(&json!({"promptFeedback": {"blockReason": "SAFETY"}})),
        policy("its content filter refused the request (SAFETY)")
    );
    assert_eq!(
        kind(&json!({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "no"}})),
        policy("no")
    );
    assert_eq!(
        kind(&json!({"candidates": [{"finishReason": "RECITATION"}]})),
        policy("its content filter withheld the reply (RECITATION)")
    );
    let mut said = saying(&json!([{"text": "half"}]));
    said["candidates"][0]["finishReason"] = json!("SAFETY");
    assert_eq!(
        kind(&said),
        policy("its content filter withheld the reply (SAFETY); the reply began with: half")
    );
}

/// Checks `Wire` 2.
#[test]
fn an_invalid_reply_is_malformed() {
    let check = |json: Value, reason: &str| {
        let error = decode(&json).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }) && error.is_retryable(), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    };
    for json in [json!({}), json!([]), json!(null), json!({"candidates": []})] {
        check(json, "no candidates");
    }
    let malformed = json!({
        "finishReason": "MALFORMED_FUNCTION_CALL",
        "finishMessage": "Malformed function call: print(x)",
    });
    check(json!({"candidates": [malformed]}), "print(x)");
    check(json!({"candidates": [{"finishReason": "UNEXPECTED_TOOL_CALL"}]}), "UNEXPECTED");
    check(saying(&json!([{"functionCall": {"args": {}}}])), "no name");
    let error = decode(&json!({"error": {"code": 503, "message": "overloaded"}})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
