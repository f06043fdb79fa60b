use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Decoder;
use crate::chat::{ChatEvent, ChatReply};
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

fn delta(delta: impl Into<Value>) -> Value {
    json!({"choices": [{"index": 0, "delta": delta.into(), "finish_reason": null}]})
}

fn stream(chunks: &[Value]) -> String {
    let lines = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    lines.collect::<String>() + "data: [DONE]\n\n"
}

/// Text, reasoning and two calls with interleaved pieces, as servers send them.
fn recorded() -> String {
    let call = |index: u64, id: &str, name: &str| {
        let function = json!({"name": name, "arguments": ""});
        json!({"index": index, "id": id, "type": "function", "function": function})
    };
    let more = |index: u64, text: &str| json!({"index": index, "function": {"arguments": text}});
    let mut chunks = vec![
        delta(json!({"role": "assistant", "content": null})),
        delta(json!({"reasoning_content": "I räd ", "content": null})),
        delta(json!({"reasoning_content": "two"})),
        delta(json!({"content": "Reading 😀"})),
        delta(json!({"content": " both."})),
        delta(json!({"tool_calls": [call(0, "a", "filesystem_read")]})),
        delta(json!({"tool_calls": [more(0, "{\"path\"")]})),
        delta(json!({"tool_calls": [more(0, ":\"ä\"}"), call(1, "b", "filesystem_read")]})),
        delta(json!({"tool_calls": [more(1, "{}")]})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}),
    ];
    for chunk in &mut chunks {
        chunk["model"] = json!("m-1");
    }
    format!(": keep-alive\r\n\r\n{}", stream(&chunks))
}

fn expected() -> ChatReply {
    let mut reply = ModelReply {
        text: "Reading 😀 both.".to_owned(),
        reasoning: "I räd two".to_owned(),
        finish: FinishReason::ToolCalls,
        stop: "tool_calls".to_owned(),
        ..ModelReply::default()
    }
    .with_call("filesystem.read", json!({"path": "ä"}))
    .with_call("filesystem.read", json!({}));
    reply.calls[0].id = "a".to_owned();
    reply.calls[1].id = "b".to_owned();
    ChatReply {
        reply,
        usage: Some(Usage::tokens(7, 5)),
        model: "m-1".to_owned(),
        request_id: Some("req".to_owned()),
        ..ChatReply::default()
    }
}

#[test]
fn a_streams_deltas_add_up_to_the_reply() {
    assert_eq!(reply(&recorded()).unwrap(), expected());
    stream_tests::adds_up(decoder(), &recorded());
}

#[test]
fn a_stream_that_ends_before_its_finish_reason_is_truncated_and_complete_after_it() {
    let finish = "\"finish_reason\":\"tool_calls\"";
    stream_tests::is_complete_after_its_finish_reason(decoder, &recorded(), finish);
}

/// An empty finish reason is none.
#[test]
fn a_stream_without_a_finish_reason_needs_the_end_marker() {
    let end = json!({"choices": [{"delta": {"content": "x"}, "finish_reason": ""}]});
    let error = reply(&format!("data: {end}\n\n")).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

/// As Perplexity ends a stream: the last event repeats the reply and has the usage.
#[test]
fn an_event_that_says_that_it_is_the_last_ends_a_stream() {
    let piece = json!({
        "object": "chat.completion.chunk",
        "choices": [{"delta": {"content": "Paris"}, "message": {"content": "Paris"}}],
    });
    let last = json!({
        "object": "chat.completion.done",
        "choices": [{
            "delta": {"role": "assistant", "content": ""}, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Paris"},
        }],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5},
    });
    let events = |chunks: &[&Value]| {
        chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect::<String>()
    };
    for chunks in [&[&piece, &last][..], &[&last]] {
        let mut decoder = decoder();
        let last = decoder.feed(events(chunks).as_bytes()).unwrap().pop();
        let Some(ChatEvent::Finished(reply)) = last else { panic!("{last:?}") };
        assert_eq!((reply.reply.text.as_str(), reply.usage), ("Paris", Some(Usage::tokens(7, 5))));
    }
}

#[test]
fn an_error_in_the_stream_is_the_servers_error() {
    let text = delta(json!({"content": "half"}));
    let error = json!({"error": {"message": "overloaded, slow down", "code": 429}});
    let error = reply(&stream(&[text, error])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.to_string(), "p: overloaded, slow down (request req)");
}

#[test]
fn garbage_is_malformed() {
    for body in ["data: {\"choices\": \n\n", "data: [DONE]\n\n", "data: {}\n\ndata: [DONE]\n\n"] {
        let error = reply(body).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{body:?}: {error}");
    }
}

#[test]
fn calls_without_a_finish_reason_are_truncated() {
    let function = json!({"name": "x", "arguments": "{}"});
    let call = delta(json!({"tool_calls": [{"index": 0, "id": "a", "function": function}]}));
    let error = reply(&stream(&[call])).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

#[test]
fn any_finish_reason_is_accepted_and_usage_may_be_missing() {
    for stop in ["", "stop", "eos", "length"] {
        let end = json!({"choices": [{"delta": {"content": "x"}, "finish_reason": stop}]});
        let reply = reply(&stream(&[end])).unwrap();
        assert_eq!((reply.reply.stop.as_str(), reply.usage.as_ref()), (stop, None));
    }
}

#[test]
fn calls_with_the_same_index_are_distinguished_by_id() {
    let call = |index: Option<u64>, id: &str, arguments: &str| json!({"index": index, "id": id, "function": {"name": "x", "arguments": arguments}});
    for index in [Some(0), None] {
        let calls = json!([call(index, "a", "{\"n\":1}"), call(index, "b", "{\"n\":2}")]);
        let mut end = delta(json!({"tool_calls": calls}));
        end["choices"][0]["finish_reason"] = json!("tool_calls");
        let calls = reply(&stream(&[end])).unwrap().reply.calls;
        let arguments: Vec<_> = calls.iter().map(|call| call.arguments.clone()).collect();
        assert_eq!(arguments, [json!({"n": 1}), json!({"n": 2})], "index {index:?}");
    }
}

#[test]
fn arguments_without_id_at_another_index_continue_the_last_call() {
    let begun = json!({"index": 0, "id": "a", "function": {"name": "x", "arguments": "{\"y\":"}});
    let more = json!({"index": 1, "function": {"arguments": " 1}"}});
    let end = json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]});
    let chunks = [delta(json!({"tool_calls": [begun]})), delta(json!({"tool_calls": [more]})), end];
    let calls = reply(&stream(&chunks)).unwrap().reply.calls;
    assert_eq!((calls.len(), &calls[0].arguments), (1, &json!({"y": 1})));
}

#[test]
fn pieces_of_reasoning_are_merged_for_replay() {
    let piece = |text: &str, signature: Value| {
        let piece =
            json!({"type": "reasoning.text", "index": 0, "text": text, "signature": signature});
        delta(json!({"reasoning": text, "reasoning_details": [piece]}))
    };
    let chunks = [piece("a", Value::Null), piece("b", json!("sig"))];
    let reply = reply(&stream(&chunks)).unwrap().reply;
    let whole = json!({"type": "reasoning.text", "index": 0, "text": "ab", "signature": "sig"});
    assert_eq!(reply.reasoning, "ab");
    assert_eq!(reply.replay, Some(Box::new(json!({"reasoning_details": [whole]}))));
}

proptest! {
    #[test]
    fn the_split_of_the_bytes_makes_no_difference(
        sizes in proptest::collection::vec(1_usize..40, 0..60),
    ) {
        let sent = recorded();
        let events = stream_tests::decode(decoder(), stream_tests::pieces(&sent, &sizes));
        let whole = stream_tests::decode(decoder(), [sent.as_bytes()]);
        prop_assert_eq!(events.unwrap(), whole.unwrap());
    }

    #[test]
    fn no_text_causes_a_panic(text in ".{0,200}") {
        reply(&format!("data: {text}\n\n")).ok();
    }
}
