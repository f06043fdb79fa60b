//! Decodes server-sent events incrementally.

use std::mem;

use super::json::quote;
use super::wire::Answered;
use crate::error::Error;

/// The maximum size of an event, in bytes.
const LARGEST: usize = 16 << 20;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SseEvent {
    /// The type; empty when it has none.
    pub event: String,
    /// The data.
    pub data: String,
}

/// The error of an event that exceeds the maximum size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {LARGEST} bytes")]
pub struct TooLarge;

/// A decoder of server-sent events. The split of the bytes into pieces makes no difference, even
/// within a character or a line end.
#[derive(Debug, Default)]
pub struct SseDecoder {
    line: Vec<u8>,
    event: SseEvent,
    has_data: bool,
    // The last byte was a CR: a following LF belongs to it.
    after_cr: bool,
    begun: bool,
}

impl SseDecoder {
    /// Adds bytes; returns the completed events.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when an event exceeds the maximum; the stream cannot be read further.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<Vec<SseEvent>, TooLarge> {
        let mut events = Vec::new();
        if !bytes.is_empty() && mem::take(&mut self.after_cr) {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            let (line, rest) = bytes.split_at(end);
            self.line.extend_from_slice(line);
            bytes = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [_, rest @ ..] => rest,
                [] => &[],
            };
            events.extend(self.end_line());
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() + self.event.data.len() > LARGEST {
            return Err(TooLarge);
        }
        Ok(events)
    }

    /// Returns an event at the end of the stream that lacks its empty line. The specification says
    /// to drop it; the caller must be able to distinguish a complete event from a partial one.
    pub fn finish(mut self) -> Option<SseEvent> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.has_data.then_some(self.event)
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let line = mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            let event = mem::take(&mut self.event);
            return mem::take(&mut self.has_data).then_some(event);
        }
        let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let (field, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match field {
            b"data" => {
                if mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(&value);
            }
            b"event" => self.event.event = value.into_owned(),
            // Comments, and fields for reconnecting, which a reply does not support.
            _ => {}
        }
        None
    }
}

/// Reads the events of a reply, and classifies an early end.
#[derive(Debug)]
pub(super) struct EventReader {
    sse: SseDecoder,
    /// The beginning of the body, to distinguish a stream that was cut off from a body that is not
    /// a stream.
    head: Vec<u8>,
}

/// The maximum size of that beginning.
const HEAD: usize = 512;

impl EventReader {
    pub(super) fn new() -> Self {
        Self { sse: SseDecoder::default(), head: Vec::new() }
    }

    /// Adds bytes; returns the completed events.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        answered: &Answered,
    ) -> Result<Vec<SseEvent>, Error> {
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(room));
        self.sse.feed(bytes).map_err(|error| answered.too_large(&error.to_string()))
    }

    /// Returns the last event if it lacks its empty line, as some servers leave it.
    pub(super) fn rest(&mut self) -> Option<SseEvent> {
        mem::take(&mut self.sse).finish()
    }

    /// Returns the error of a body that ended before its reply.
    pub(super) fn truncated(&self, answered: &Answered) -> Error {
        if begins_like_events(&self.head) {
            return answered.cut();
        }
        answered.web_page(&self.head).unwrap_or_else(|| {
            answered.malformed(format!("not a stream of events: {}", quote(&self.head)))
        })
    }
}

/// Whether a body begins like a stream of events, with a field or a comment.
fn begins_like_events(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches(['\u{feff}', '\r', '\n', ' ']);
    let fields = ["data:", "event:", "id:", "retry:", ":"];
    fields.iter().any(|field| field.starts_with(head) || head.starts_with(field))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LARGEST, SseDecoder, SseEvent, TooLarge};

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<SseEvent>, Option<SseEvent>) {
        let mut decoder = SseDecoder::default();
        let pieces = pieces.into_iter();
        let events = pieces.flat_map(|piece| decoder.feed(piece).unwrap()).collect();
        (events, decoder.finish())
    }

    fn event(event: &str, data: &str) -> SseEvent {
        SseEvent { event: event.to_owned(), data: data.to_owned() }
    }

    const STREAM: &str = "\u{feff}: hello\r\nevent: a\r\ndata: 1\r\n\r\ndata:2\ndata: é€😀\n\n\
        id: 7\nretry: 5\n\ndata\n\nevent: b\rdata:  x \r\r: bye\n\ndata: half";

    #[test]
    fn fields_comments_line_ends_and_the_byte_order_mark_are_decoded() {
        let (events, rest) = decode([STREAM.as_bytes()]);
        let expected = [event("a", "1"), event("", "2\né€😀"), event("", ""), event("b", " x ")];
        assert_eq!(events, expected);
        assert_eq!(rest, Some(event("", "half")));
    }

    #[test]
    fn an_oversized_event_is_refused() {
        let mut decoder = SseDecoder::default();
        let mut result = Ok(Vec::new());
        for _ in 0..=(LARGEST >> 20) {
            result = decoder.feed(&[b'x'; 1 << 20]);
        }
        assert_eq!(result, Err(TooLarge));
    }

    proptest! {
        #[test]
        fn the_split_of_the_bytes_makes_no_difference(
            cuts in proptest::collection::vec(0..STREAM.len(), 0..12),
        ) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut rest = STREAM.as_bytes();
            let mut at = 0;
            for cut in cuts {
                let (piece, after) = rest.split_at(cut - at);
                pieces.push(piece);
                (rest, at) = (after, cut);
            }
            pieces.push(rest);
            prop_assert_eq!(decode(pieces), decode([STREAM.as_bytes()]));
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes: Vec<u8>) {
            decode([bytes.as_slice()]);
        }
    }
}
