use crate::provider::tool_names::ToolNames;
use az_core::ErrorKind;
use az_core::cost::Usage;
use proptest::prelude::*;
use serde_json::json;

use super::Decoder;
use crate::chat::{ChatEvent, ChatReply};
use crate::error::{Error, Result};
use crate::provider::stream_tests;
use crate::provider::wire::{Answered, StreamDecoder};

const STREAM: &str = concat!(
    "{\"model\":\"m-1\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"h\u{e9}\"},\"done\":false}\n",
    "{\"message\":{\"content\":\"I \"},\"done\":false}\r\n",
    "\n",
    "{\"message\":{\"content\":\"look.\"},\"done\":false}\n",
    "{\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"filesystem_read\",",
    "\"arguments\":{\"path\":\"x\"}}}]},\"done\":false}\n",
    "{\"message\":{\"tool_calls\":[{\"function\":{\"name\":\"nope\"}}]},\"done\":false}\n",
    "{\"never_heard_of\":1,\"done\":false}\n",
    "{\"model\":\"m-1\",\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",",
    "\"prompt_eval_count\":9,\"eval_count\":7}\n"
);

fn decoder() -> Box<dyn StreamDecoder> {
    let names = ToolNames::new(["filesystem.read"]);
    let answered = Answered { provider: "p".to_owned(), names, ..Answered::default() };
    Box::new(Decoder::new(answered))
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<ChatEvent>> {
    stream_tests::decode(decoder(), pieces)
}

fn reply(stream: &str) -> Result<ChatReply> {
    stream_tests::reply(decoder(), stream)
}

#[test]
fn every_piece_is_decoded() {
    let reply = reply(STREAM).unwrap();
    let said = &reply.reply;
    assert_eq!((said.text.as_str(), said.reasoning.as_str()), ("I look.", "h\u{e9}"));
    let calls: Vec<_> = said.calls.iter().map(|c| (c.id.as_str(), c.name.as_str())).collect();
    assert_eq!(calls, [("call_0", "filesystem.read"), ("call_1", "nope")]);
    assert_eq!(
        (&said.calls[0].arguments, &said.calls[1].arguments),
        (&json!({"path": "x"}), &json!({}))
    );
    assert_eq!((said.stop.as_str(), reply.model.as_str()), ("stop", "m-1"));
    assert_eq!(reply.usage, Some(Usage::tokens(9, 7)));
}

#[test]
fn the_pieces_add_up_to_the_reply() {
    stream_tests::adds_up(decoder(), STREAM);
}

#[test]
fn a_stream_that_ends_early_is_truncated() {
    stream_tests::is_cut_off_anywhere(decoder, STREAM);
}

#[test]
fn an_error_in_the_stream_is_an_error() {
    let begun = STREAM.lines().next().unwrap();
    for end in ["", "\n"] {
        let error = reply(&format!("{begun}\n{{\"error\":\"out of memory\"}}{end}")).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Unavailable, "p: out of memory".to_owned())
        );
    }
}

#[test]
fn an_invalid_stream_is_malformed() {
    for stream in ["<xml>\nno</xml>", "bad gateway", "[1]\n{}x\n", "{\"done\":true}"] {
        let result = reply(stream);
        assert!(matches!(result, Err(Error::Malformed { .. })), "{stream}: {result:?}");
    }
}

proptest! {
    #[test]
    fn the_split_of_the_bytes_makes_no_difference(sizes in proptest::collection::vec(1..40_usize, 40)) {
        let pieces = stream_tests::pieces(STREAM, &sizes);
        prop_assert_eq!(decode(pieces).unwrap(), decode([STREAM.as_bytes()]).unwrap());
    }

    #[test]
    fn no_wrong_byte_causes_a_panic(place in 0..STREAM.len(), byte: u8) {
        let mut bytes = STREAM.as_bytes().to_vec();
        bytes[place] = byte;
        decode([bytes.as_slice()]).err();
    }
}
