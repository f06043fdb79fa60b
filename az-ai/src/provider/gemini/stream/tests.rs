use az_core::ErrorKind;
use az_core::cost::Usage;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Decoder;
use crate::chat::ChatEvent;
use crate::error::{Error, Result};
use crate::provider::trial::{self, answered, check_sum, finished};

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<ChatEvent>> {
    trial::decode(Box::new(Decoder::new(answered(Some("req")))), pieces)
}

fn chunk(parts: &Value, stop: Option<&str>, tokens: u64) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(stop) = stop {
        candidate["finishReason"] = json!(stop);
    }
    let usage = json!({"promptTokenCount": 7, "candidatesTokenCount": tokens});
    json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m-1"})
}

fn stream(chunks: &[Value]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
}

/// Thoughts, text and two calls, the second of which comes with the end, and an end after the end.
fn chunks() -> Vec<Value> {
    let call = |path: &str| json!({"name": "filesystem_read", "args": {"path": path}});
    vec![
        chunk(&json!([{"text": "I räd ", "thought": true}]), None, 0),
        chunk(&json!([{"text": "two", "thought": true}]), None, 0),
        chunk(&json!([{"text": "Reading 😀"}]), None, 2),
        chunk(&json!([{"text": " both."}]), None, 3),
        chunk(&json!([{"functionCall": call("ä"), "thoughtSignature": "s1"}]), None, 4),
        chunk(&json!([{"functionCall": call("b")}]), Some("STOP"), 5),
        json!({"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 6}}),
    ]
}

#[test]
fn a_stream_is_read_in_full_and_its_deltas_add_up() {
    let events = decode([stream(&chunks()).as_bytes()]).unwrap();
    let reply = finished(&events);
    let arguments: Vec<_> = reply.reply.calls.iter().map(|call| &call.arguments).collect();
    assert_eq!(arguments, [&json!({"path": "ä"}), &json!({"path": "b"})]);
    assert_eq!((reply.model.as_str(), reply.request_id.as_deref()), ("m-1", Some("req")));
    assert_eq!(reply.usage, Some(Usage::tokens(7, 6)), "the last chunk's");
    assert_eq!(reply.reply.stop, "STOP");
    let kept = reply.reply.replay.as_ref().unwrap();
    assert_eq!(kept["gemini"][0], json!({"text": "Reading 😀 both."}));
    assert_eq!(kept["gemini"][1]["thoughtSignature"], "s1");
    check_sum(&events);
}

#[test]
fn a_stream_cut_anywhere_is_cut_off_and_never_a_reply() {
    let whole = stream(&chunks());
    let end = stream(&chunks()[..6]).len() - "\r\n\r\n".len();
    for cut in 0..end {
        let error = decode([&whole.as_bytes()[..cut]]).unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "cut at {cut}: {error}");
    }
    // What follows says only what was used: without it the reply is whole, but not half of it.
    for cut in end..=whole.len() {
        match decode([&whole.as_bytes()[..cut]]) {
            Ok(events) => assert_eq!(finished(&events).reply.calls.len(), 2),
            Err(error) => assert!(matches!(error, Error::Truncated { .. }), "{cut}: {error}"),
        }
    }
}

#[test]
fn an_end_that_is_gone_beyond_was_none() {
    let run = chunk(&json!([{"executableCode": {"code": "1"}}]), Some("STOP"), 1);
    let ran = chunk(&json!([{"codeExecutionResult": {"output": "1"}}]), None, 1);
    let text = chunk(&json!([{"text": "one"}]), None, 2);
    let signed = json!([{"text": "", "thoughtSignature": "s"}]);
    let end = chunk(&signed, Some("STOP"), 3);
    let all = [run, ran, text.clone(), end, chunk(&signed, None, 4)];
    for kept in 0..3 {
        let error = decode([stream(&all[..=kept]).as_bytes()]).unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "after {kept}: {error}");
    }
    for kept in 3..5 {
        let events = decode([stream(&all[..=kept]).as_bytes()]).unwrap();
        assert_eq!(finished(&events).reply.text, "one");
    }
    let stopped = chunk(&json!([{"text": "a"}]), Some("STOP"), 1);
    let error = decode([stream(&[stopped, text]).as_bytes()]).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

#[test]
fn an_error_in_the_stream_is_the_servers_error() {
    let text = chunk(&json!([{"text": "half"}]), None, 1);
    let error = json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}});
    let error = decode([stream(&[text, error]).as_bytes()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.to_string(), "p: overloaded (request req)");
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}});
    let error = decode([stream(&[blocked]).as_bytes()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContentPolicy);
}

#[test]
fn garbage_is_malformed() {
    for body in ["data: {\"candidates\": \n\n", "<html>no stream</html>"] {
        let error = decode([body.as_bytes()]).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{body:?}: {error}");
    }
    let error = decode(["data: {}\n\ndata: [DONE]\n\n".as_bytes()]).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

proptest! {
    #[test]
    fn cutting_the_bytes_anywhere_makes_no_difference(size in 1_usize..40) {
        let whole = stream(&chunks());
        let events = decode(whole.as_bytes().chunks(size)).unwrap();
        prop_assert_eq!(events, decode([whole.as_bytes()]).unwrap());
    }

    #[test]
    fn any_text_is_survived(text in ".{0,200}") {
        decode([format!("data: {text}\n\n").as_bytes()]).ok();
    }
}
