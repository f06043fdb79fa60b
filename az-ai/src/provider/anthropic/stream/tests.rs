use crate::provider::tool_names::ToolNames;
use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::FinishReason;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Decoder;
use crate::chat::{ChatEvent, ChatReply};
use crate::error::{Error, Result};
use crate::provider::stream_tests;
use crate::provider::wire::{Answered, StreamDecoder};

/// Every kind of block, and unknown events.
const STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",",
    "\"model\":\"m-1\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":9,",
    "\"output_tokens\":1,\"cache_read_input_tokens\":4,\"service_tier\":\"standard\"}}}   \n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n: comment\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":",
    "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":",
    "{\"type\":\"thinking_delta\",\"thinking\":\"h\u{e9}\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":",
    "{\"type\":\"thinking_delta\",\"thinking\":\"?\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":",
    "{\"type\":\"signature_delta\",\"signature\":\"s==\"}}\n\n",
    "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "data: {\"type\":\"never_heard_of\",\"index\":\"x\"}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":",
    "{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":",
    "{\"type\":\"text_delta\",\"text\":\"I look.\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":",
    "{\"type\":\"citations_delta\",\"citation\":{\"url\":\"u\"}}}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":",
    "{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{}}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":",
    "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\":1}\"}}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":3,\"content_block\":",
    "{\"type\":\"new_sort\",\"x\":[]}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"new_delta\"}}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":4,\"content_block\":",
    "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"filesystem_read\",\"input\":{}}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":4,\"delta\":",
    "{\"type\":\"input_json_delta\",\"partial_json\":\"\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":4,\"delta\":",
    "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"path\\\":\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":4,\"delta\":",
    "{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"x\\\"}\"}}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":5,\"content_block\":",
    "{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"nope\",\"input\":{}}}\n\n",
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},",
    "\"usage\":{\"output_tokens\":5,\"input_tokens\":null}}\n\n",
    "data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":7}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
);

fn answered() -> Answered {
    Answered {
        provider: "p".to_owned(),
        model: "asked".to_owned(),
        request_id: Some("req_1".to_owned()),
        names: ToolNames::new(["filesystem.read"]),
    }
}

fn decoder() -> Box<dyn StreamDecoder> {
    Box::new(Decoder::new(answered()))
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<ChatEvent>> {
    stream_tests::decode(decoder(), pieces)
}

fn reply(stream: &str) -> Result<ChatReply> {
    stream_tests::reply(decoder(), stream)
}

fn event(json: &Value) -> String {
    format!("data: {json}\n\n")
}

const START: &str = "data: {\"type\":\"message_start\",\"message\":{}}\n\n";
const STOP: &str = "data: {\"type\":\"message_stop\"}\n\n";

#[test]
fn every_kind_of_event_is_decoded() {
    let reply = reply(STREAM).unwrap();
    let said = &reply.reply;
    assert_eq!((said.text.as_str(), said.reasoning.as_str()), ("I look.", "h\u{e9}?"));
    let calls: Vec<_> = said.calls.iter().map(|c| (c.id.as_str(), c.name.as_str())).collect();
    assert_eq!(calls, [("a", "filesystem.read"), ("b", "nope")]);
    assert_eq!(
        (&said.calls[0].arguments, &said.calls[1].arguments),
        (&json!({"path": "x"}), &json!({}))
    );
    assert_eq!(said.stop, "tool_use");
    let kept = json!({"anthropic": [
        {"type": "thinking", "thinking": "h\u{e9}?", "signature": "s=="},
        {"type": "text", "text": "I look.", "citations": [{"url": "u"}]},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
        {"type": "tool_use", "id": "a", "name": "filesystem_read", "input": {"path": "x"}},
        {"type": "tool_use", "id": "b", "name": "nope", "input": {}},
    ], "model": "asked"});
    assert_eq!(said.replay.as_deref(), Some(&kept), "all but what we cannot put together");
    let usage =
        Usage { cache_read: 4, service_tier: Some("standard".to_owned()), ..Usage::tokens(9, 7) };
    assert_eq!(reply.usage, Some(usage), "snapshots, not sums");
    assert_eq!((reply.model.as_str(), reply.request_id.as_deref()), ("m-1", Some("req_1")));
}

#[test]
fn the_pieces_add_up_to_the_reply() {
    stream_tests::adds_up(decoder(), STREAM);
}

#[test]
fn a_stream_that_ends_before_its_stop_reason_is_truncated_and_complete_after_it() {
    let finish = "\"stop_reason\":\"tool_use\"";
    stream_tests::is_complete_after_its_finish_reason(decoder, STREAM, finish);
}

#[test]
fn an_error_in_the_stream_is_an_error() {
    let overloaded = json!({
        "type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"},
    });
    let begun = STREAM.split_inclusive("\n\n").take(6).collect::<String>();
    let error = reply(&(begun + &event(&overloaded))).unwrap_err();
    assert_eq!(error.to_string(), "p: Overloaded (request req_1)");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn invalid_events_are_malformed() {
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}});
    let placeless = json!({"type": "content_block_start", "content_block": {"type": "text"}});
    for stream in [
        event(&delta),
        STOP.to_owned(),
        START.to_owned() + &event(&delta),
        START.to_owned() + &event(&placeless),
        START.to_owned() + "data: {\"type\"\n\n",
        "<xml>no</xml>".to_owned(),
    ] {
        let result = reply(&stream);
        assert!(matches!(result, Err(Error::Malformed { .. })), "{stream}: {result:?}");
    }
}

#[test]
fn a_call_without_a_stop_reason_is_truncated() {
    let call = json!({"type": "tool_use", "id": "a", "name": "t", "input": {}});
    let begun = json!({"type": "content_block_start", "index": 0, "content_block": call});
    let cut = reply(&[START, &event(&begun), STOP].concat());
    assert!(matches!(cut, Err(Error::Truncated { .. })), "{cut:?}");
    assert_eq!(reply(&[START, STOP].concat()).unwrap().reply, Default::default());
}

#[test]
fn arguments_cut_at_the_limit_are_kept_as_text() {
    let call = json!({"type": "tool_use", "id": "a", "name": "t", "input": {}});
    let begun = json!({"type": "content_block_start", "index": 0, "content_block": call});
    let half = json!({"type": "input_json_delta", "partial_json": "{\"path"});
    let piece = json!({"type": "content_block_delta", "index": 0, "delta": half});
    let end = json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}});
    let reply = reply(&[START, &event(&begun), &event(&piece), &event(&end), STOP].concat());
    let reply = reply.unwrap().reply;
    assert_eq!((&reply.calls[0].arguments, reply.replay), (&json!("{\"path"), None));
}

#[test]
fn structured_output_by_a_call_streams_as_text() {
    let call = json!({"type": "tool_use", "id": "a", "name": "_answer", "input": {}});
    let begun = json!({"type": "content_block_start", "index": 0, "content_block": call});
    let input = json!({"type": "input_json_delta", "partial_json": "{\"x\": 1}"});
    let piece = json!({"type": "content_block_delta", "index": 0, "delta": input});
    let end = json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}});
    let stream = [START, &event(&begun), &event(&piece), &event(&end), STOP].concat();
    let events = decode([stream.as_bytes()]).unwrap();
    assert_eq!(events[0], ChatEvent::TextDelta { text: "{\"x\": 1}".to_owned() });
    let reply = reply(&stream).unwrap().reply;
    assert_eq!((reply.text.as_str(), reply.finish), ("{\"x\": 1}", FinishReason::Stop));
    assert!(reply.calls.is_empty() && reply.replay.is_none());
}

proptest! {
    #[test]
    fn the_split_of_the_bytes_makes_no_difference(sizes in proptest::collection::vec(1..90_usize, 90)) {
        let pieces = stream_tests::pieces(STREAM, &sizes);
        prop_assert_eq!(decode(pieces).unwrap(), decode([STREAM.as_bytes()]).unwrap());
    }

    #[test]
    fn no_wrong_byte_causes_a_panic(place in 0..STREAM.len(), byte: u8) {
        let mut bytes = STREAM.as_bytes().to_vec();
        bytes[place] = byte;
        decode([bytes.as_slice()]).err();
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
        decode([bytes.as_slice()]).err();
    }
}
