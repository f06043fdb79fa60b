use az_core::ErrorKind;
use az_core::cost::Usage;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Decoder;
use crate::chat::ChatReply;
use crate::error::{Error, Result};
use crate::provider::stream_tests;
use crate::provider::trial::answered;
use crate::provider::wire::StreamDecoder;

fn decoder() -> Box<dyn StreamDecoder> {
    Box::new(Decoder::new(answered(Some("req"))))
}

fn reply(stream: &str) -> Result<ChatReply> {
    stream_tests::reply(decoder(), stream)
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

/// Reasoning, text and two calls, the second with the stop reason, and another chunk after it.
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
fn a_streams_deltas_add_up_to_the_reply() {
    let reply = reply(&stream(&chunks())).unwrap();
    let arguments: Vec<_> = reply.reply.calls.iter().map(|call| &call.arguments).collect();
    assert_eq!(arguments, [&json!({"path": "ä"}), &json!({"path": "b"})]);
    assert_eq!((reply.model.as_str(), reply.request_id.as_deref()), ("m-1", Some("req")));
    assert_eq!(reply.usage, Some(Usage::tokens(7, 6)), "the last chunk's");
    assert_eq!(reply.reply.stop, "STOP");
    let kept = reply.reply.replay.as_ref().unwrap();
    assert_eq!(kept["gemini"][0], json!({"text": "Reading 😀 both."}));
    assert_eq!(kept["gemini"][1]["thoughtSignature"], "s1");
    stream_tests::adds_up(decoder(), &stream(&chunks()));
}

#[test]
fn a_stream_that_ends_anywhere_early_is_truncated() {
    stream_tests::is_cut_off_anywhere(decoder, &stream(&chunks()[..6]));
    // The last chunk has only usage: the reply is complete without it, but not with a part of it.
    let (said, whole) = (stream(&chunks()[..6]), stream(&chunks()));
    for cut in said.len()..whole.len() {
        match reply(whole.get(..cut).unwrap()) {
            Ok(reply) => assert_eq!(reply.reply.calls.len(), 2),
            Err(error) => assert!(matches!(error, Error::Truncated { .. }), "{cut}: {error}"),
        }
    }
}

#[test]
fn a_stop_reason_with_more_content_after_it_is_not_the_end() {
    let run = chunk(&json!([{"executableCode": {"code": "1"}}]), Some("STOP"), 1);
    let ran = chunk(&json!([{"codeExecutionResult": {"output": "1"}}]), None, 1);
    let text = chunk(&json!([{"text": "one"}]), None, 2);
    let signed = json!([{"text": "", "thoughtSignature": "s"}]);
    let end = chunk(&signed, Some("STOP"), 3);
    let all = [run, ran, text.clone(), end, chunk(&signed, None, 4)];
    for kept in 0..3 {
        let error = reply(&stream(&all[..=kept])).unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "after {kept}: {error}");
    }
    for kept in 3..5 {
        assert_eq!(reply(&stream(&all[..=kept])).unwrap().reply.text, "one");
    }
    let capped = chunk(&json!([{"executableCode": {"code": "1"}}]), Some("MAX_TOKENS"), 1);
    assert_eq!(reply(&stream(&[capped])).unwrap().reply.stop, "MAX_TOKENS");
    let stopped = chunk(&json!([{"text": "a"}]), Some("STOP"), 1);
    let error = reply(&stream(&[stopped, text])).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

#[test]
fn an_error_in_the_stream_is_the_servers_error() {
    let text = chunk(&json!([{"text": "half"}]), None, 1);
    let error = json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}});
    let error = reply(&stream(&[text, error])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.to_string(), "p: overloaded (request req)");
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}});
    let error = reply(&stream(&[blocked])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ContentPolicy);
}

#[test]
fn garbage_is_malformed() {
    for body in ["data: {\"candidates\": \n\n", "<xml>no stream</xml>"] {
        let error = reply(body).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{body:?}: {error}");
    }
    let error = reply("data: {}\n\ndata: [DONE]\n\n").unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

proptest! {
    #[test]
    fn the_split_of_the_bytes_makes_no_difference(
        sizes in proptest::collection::vec(1_usize..40, 0..60),
    ) {
        let sent = stream(&chunks());
        let events = stream_tests::decode(decoder(), stream_tests::pieces(&sent, &sizes));
        let whole = stream_tests::decode(decoder(), [sent.as_bytes()]);
        prop_assert_eq!(events.unwrap(), whole.unwrap());
    }

    #[test]
    fn no_text_causes_a_panic(text in ".{0,200}") {
        reply(&format!("data: {text}\n\n")).ok();
    }
}
