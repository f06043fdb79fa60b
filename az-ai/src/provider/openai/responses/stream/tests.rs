use az_core::ErrorKind;
use az_core::cost::Usage;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Decoder;
use crate::chat::ChatReply;
use crate::error::{Error, Result};
use crate::provider::openai::responses::decode;
use crate::provider::stream_tests;
use crate::provider::trial::answered;
use crate::provider::wire::StreamDecoder;

fn decoder() -> Box<dyn StreamDecoder> {
    Box::new(Decoder::new(answered(Some("req"))))
}

fn reply(stream: &str) -> Result<ChatReply> {
    stream_tests::reply(decoder(), stream)
}

fn stream(events: &[Value]) -> String {
    let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"]);
    events.iter().map(event).collect()
}

/// Reasoning in two parts, text, and two calls.
fn items() -> [Value; 4] {
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    let call = |id: &str, path: &str| {
        json!({
            "type": "function_call", "id": format!("fc_{id}"), "call_id": id,
            "name": "filesystem_read", "arguments": json!({"path": path}).to_string(),
        })
    };
    [
        json!({"type": "reasoning", "id": "rs", "summary": [part("I räd"), part("two")], "encrypted_content": "xx"}),
        json!({"type": "message", "id": "msg", "content": [{"type": "output_text", "text": "Reading 😀 both."}]}),
        call("a", "ä"),
        call("b", "b"),
    ]
}

fn response() -> Value {
    json!({
        "id": "resp", "model": "m-1", "status": "completed", "output": items(),
        "usage": {"input_tokens": 7, "output_tokens": 5},
    })
}

/// The events of a server: every item started, in pieces, and complete.
fn events() -> Vec<Value> {
    let mut events =
        vec![json!({"type": "response.created", "response": {"status": "in_progress"}})];
    for (place, item) in items().iter().enumerate() {
        let mut begun = item.clone();
        begun["arguments"] = json!("");
        events.push(
            json!({"type": "response.output_item.added", "output_index": place, "item": begun}),
        );
        let mut piece = |sort: &str, more: Value| {
            let mut event = json!({"type": sort, "output_index": place});
            for (key, value) in more.as_object().unwrap() {
                event[key.as_str()] = value.clone();
            }
            events.push(event);
        };
        match item["type"].as_str().unwrap() {
            "reasoning" => {
                for (at, part) in item["summary"].as_array().unwrap().iter().enumerate() {
                    piece(
                        "response.reasoning_summary_text.delta",
                        json!({"summary_index": at, "delta": part["text"]}),
                    );
                }
            }
            "message" => {
                for text in ["Reading 😀", " both."] {
                    piece("response.output_text.delta", json!({"content_index": 0, "delta": text}));
                }
                piece("response.output_text.annotation.added", json!({"annotation": {}}));
            }
            _ => {
                for letter in item["arguments"].as_str().unwrap().chars() {
                    piece("response.function_call_arguments.delta", json!({"delta": letter}));
                }
            }
        }
        events.push(
            json!({"type": "response.output_item.done", "output_index": place, "item": item}),
        );
    }
    events.push(json!({"type": "response.completed", "response": response()}));
    events
}

fn whole() -> ChatReply {
    decode::reply(response().to_string().as_bytes(), answered(Some("req"))).unwrap()
}

#[track_caller]
fn check(sent: &[Value]) {
    assert_eq!(reply(&stream(sent)).unwrap(), whole());
    stream_tests::adds_up(decoder(), &stream(sent));
}

#[test]
fn a_streams_deltas_add_up_to_the_reply() {
    check(&events());
    assert_eq!(whole().usage, Some(Usage::tokens(7, 5)));
    assert_eq!(whole().reply.reasoning, "I räd\n\ntwo");
}

#[test]
fn content_without_deltas_is_taken_from_the_complete_item() {
    let without = |words: &[&str]| -> Vec<Value> {
        let sort = |event: &Value| event["type"].as_str().unwrap().to_owned();
        let kept = |event: &Value| !words.iter().any(|word| sort(event).contains(word));
        events().into_iter().filter(kept).collect()
    };
    check(&without(&["delta"]));
    check(&without(&["delta", "added"]));
    check(&without(&["delta", "added", "done"]));
    check(&without(&["done"]));
    check(&without(&["delta", "done"]));
    let mut half = events();
    let is_piece =
        |event: &Value| event["delta"].as_str().is_some_and(|d| d == " both." || d == "}");
    half.retain(|event| !is_piece(event));
    check(&half);
}

#[test]
fn pieces_before_their_call_are_kept() {
    let mut sent = events();
    let begun = sent.iter().position(|event| event["item"]["call_id"] == "a").unwrap();
    sent.swap(begun, begun + 1);
    check(&sent);
}

#[test]
fn items_without_an_index_are_found_by_id() {
    let mut sent = events();
    for event in &mut sent {
        let place = event["output_index"].take().as_u64();
        let id = place.map(|place| items()[usize::try_from(place).unwrap()]["id"].clone());
        if event["item"].is_null() {
            event["item_id"] = json!(id);
        }
    }
    check(&sent);
}

#[test]
fn a_stream_that_ends_anywhere_early_is_truncated() {
    stream_tests::is_cut_off_anywhere(decoder, &stream(&events()));
}

#[test]
fn a_closed_stream_without_its_final_event_is_truncated() {
    let mut sent = events();
    sent.pop();
    let error = reply(&(stream(&sent) + "data: [DONE]\n\n")).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

#[test]
fn an_error_in_the_stream_is_the_servers_error() {
    let said = json!({"code": "rate_limit_exceeded", "message": "slow down"});
    for event in [
        json!({"type": "response.failed", "response": {"status": "failed", "error": said}}),
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null}),
        json!({"type": "error", "error": said}),
        json!({"error": said}),
    ] {
        let error = reply(&stream(&[events()[0].clone(), event])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.to_string(), "p: slow down (request req)");
    }
    let nothing = json!({"type": "error"});
    let error = reply(&stream(&[nothing])).unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
}

#[test]
fn garbage_is_malformed() {
    let unfinished = json!({"type": "response.completed", "response": {"status": "in_progress"}});
    let empty = json!({"type": "response.completed"});
    for body in ["data: {\"type\": \n\n", "<xml>", &stream(&[unfinished]), &stream(&[empty])] {
        let error = reply(body).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{body:?}: {error}");
    }
}

proptest! {
    #[test]
    fn the_split_of_the_bytes_makes_no_difference(
        sizes in proptest::collection::vec(1_usize..40, 0..60),
    ) {
        let sent = stream(&events());
        let events = stream_tests::decode(decoder(), stream_tests::pieces(&sent, &sizes));
        let whole = stream_tests::decode(decoder(), [sent.as_bytes()]);
        prop_assert_eq!(events.unwrap(), whole.unwrap());
    }

    #[test]
    fn no_text_causes_a_panic(text in ".{0,200}") {
        reply(&format!("data: {text}\n\n")).ok();
    }
}
