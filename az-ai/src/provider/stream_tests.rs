//! Shared tests of stream decoders.

use crate::chat::{Assembler, ChatEvent, ChatReply, Ending};
use crate::error::{Error, Result};
use crate::provider::wire::StreamDecoder;

/// Feeds pieces as the client does: to the end of the reply, or of the pieces.
pub(super) fn decode<'a>(
    mut decoder: Box<dyn StreamDecoder>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<ChatEvent>> {
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(decoder.feed(piece)?);
        if let Some(ChatEvent::Finished(_)) = events.last() {
            return Ok(events);
        }
    }
    events.extend(decoder.finish()?);
    Ok(events)
}

/// Returns the reply at the end of a stream.
pub(super) fn reply(decoder: Box<dyn StreamDecoder>, stream: &str) -> Result<ChatReply> {
    match decode(decoder, [stream.as_bytes()])?.into_iter().next_back() {
        Some(ChatEvent::Finished(reply)) => Ok(*reply),
        other => panic!("no end: {other:?}"),
    }
}

/// Checks that the pieces of a reply add up to it.
pub(super) fn adds_up(decoder: Box<dyn StreamDecoder>, stream: &str) {
    let events = decode(decoder, [stream.as_bytes()]).unwrap();
    let mut assembler = Assembler::default();
    events.iter().for_each(|event| assembler.add(event));
    let added_up = assembler.finish(Ending::default()).reply;
    let Some(ChatEvent::Finished(reply)) = events.last() else { panic!("no end") };
    assert_eq!(
        (&added_up.text, &added_up.reasoning, &added_up.calls),
        (&reply.reply.text, &reply.reply.reasoning, &reply.reply.calls)
    );
}

/// Checks that a stream is truncated if it ends anywhere before its finish reason, and complete
/// anywhere after it.
pub(super) fn is_complete_after_its_finish_reason(
    decoder: impl Fn() -> Box<dyn StreamDecoder>,
    stream: &str,
    finish: &str,
) {
    let reason = stream.find(finish).unwrap() + finish.len();
    // The event with the finish reason must be whole.
    let line = reason + stream[reason..].find('\n').unwrap();
    for cut in 0..=stream.len() {
        let result = decode(decoder(), [&stream.as_bytes()[..cut]]);
        let is_cut = matches!(result, Err(Error::Truncated { .. }));
        assert_eq!((is_cut, result.is_ok()), (cut < line, cut >= line), "cut at {cut}: {result:?}");
    }
}

/// Checks that a stream is truncated if it ends anywhere before its last line.
pub(super) fn is_cut_off_anywhere(decoder: impl Fn() -> Box<dyn StreamDecoder>, stream: &str) {
    let end = stream.trim_end().len();
    for cut in 0..end {
        let result = decode(decoder(), [&stream.as_bytes()[..cut]]);
        assert!(matches!(result, Err(Error::Truncated { .. })), "cut at {cut}: {result:?}");
    }
    for whole in end..=stream.len() {
        assert!(decode(decoder(), [&stream.as_bytes()[..whole]]).is_ok(), "whole at {whole}");
    }
}

/// Splits a stream into pieces of these sizes, and the rest.
pub(super) fn pieces<'a>(stream: &'a str, sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = stream.as_bytes();
    let mut pieces = Vec::new();
    for size in sizes {
        let (piece, after) = rest.split_at(*size.min(&rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}
