use crate::provider::tool_names::ToolNames;
use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use serde_json::{Value, json};

use super::reply;
use crate::chat::ChatReply;
use crate::error::{Error, Result};
use crate::provider::wire::Answered;

fn decode(json: &Value) -> Result<ChatReply> {
    let answered = Answered {
        provider: "p".to_owned(),
        model: "asked".to_owned(),
        request_id: Some("r1".to_owned()),
        names: ToolNames::new(["filesystem.read"]),
    };
    reply(json.to_string().as_bytes(), answered)
}

#[test]
fn a_reply_is_decoded_completely() {
    let call =
        |arguments: Value| json!({"function": {"name": "filesystem_read", "arguments": arguments}});
    let mut named = call(json!("{\"path\":\"y\"}"));
    named["id"] = json!("mine");
    let json = json!({
        "model": "m-1", "created_at": "2026-10-21T07:28:00Z",
        "message": {
            "role": "assistant", "content": "I look.", "thinking": "hm",
            "tool_calls": [call(json!({"path": "x"})), named, call(Value::Null)],
        },
        "done": true, "done_reason": "stop", "prompt_eval_count": 10, "eval_count": 3,
    });
    let mut expected = ModelReply {
        text: "I look.".to_owned(),
        reasoning: "hm".to_owned(),
        finish: FinishReason::Stop,
        stop: "stop".to_owned(),
        ..ModelReply::default()
    }
    .with_call("filesystem.read", json!({"path": "x"}))
    .with_call("filesystem.read", json!({"path": "y"}))
    .with_call("filesystem.read", json!({}));
    expected.calls[1].id = "mine".to_owned();
    assert_eq!(
        decode(&json).unwrap(),
        ChatReply {
            reply: expected,
            usage: Some(Usage::tokens(10, 3)),
            model: "m-1".to_owned(),
            request_id: Some("r1".to_owned()),
            ..ChatReply::default()
        }
    );
}

#[test]
fn an_invalid_reply_is_an_error() {
    let kind = |json| decode(&json).unwrap_err().kind();
    assert_eq!(kind(json!({"done": true})), ErrorKind::Protocol);
    assert_eq!(kind(json!({"error": "the runner has stopped"})), ErrorKind::Unavailable);
    let nameless = json!({"tool_calls": [{"function": {"arguments": {}}}]});
    assert_eq!(kind(json!({"message": nameless, "done": true})), ErrorKind::Protocol);
    for done in [json!(false), json!(null), json!("true")] {
        let half = decode(&json!({"message": {"content": "half"}, "done": done}));
        assert!(matches!(half, Err(Error::Truncated { .. })), "{half:?}");
    }
    let garbage = reply(b"{\"message\"", Answered::default());
    assert!(matches!(garbage, Err(Error::Malformed { .. })));
}
