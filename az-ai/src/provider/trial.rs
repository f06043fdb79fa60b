//! What the tests of all decoders do alike.

use az_core::naming::NameMap;

use super::wire::{Answered, StreamDecoder};
use crate::chat::{Assembler, ChatEvent, ChatReply, Ending};
use crate::error::Result;

/// Returns what is known of an answer of `p` to a request with the tool `filesystem.read`.
pub(super) fn answered(request_id: Option<&str>) -> Answered {
    Answered {
        provider: "p".to_owned(),
        model: "asked".to_owned(),
        request_id: request_id.map(str::to_owned),
        names: NameMap::new(["filesystem.read"]),
    }
}

/// Feeds a decoder pieces until the reply is finished or there are no more.
pub(super) fn decode<'a>(
    mut decoder: Box<dyn StreamDecoder>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<ChatEvent>> {
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(decoder.feed(piece)?);
        if matches!(events.last(), Some(ChatEvent::Finished(_))) {
            return Ok(events);
        }
    }
    events.extend(decoder.finish()?);
    Ok(events)
}

/// Returns the reply that events end with, and with nothing else.
#[track_caller]
pub(super) fn finished(events: &[ChatEvent]) -> &ChatReply {
    let finished = events.iter().filter(|e| matches!(e, ChatEvent::Finished(_)));
    assert_eq!(finished.count(), 1);
    let Some(ChatEvent::Finished(reply)) = events.last() else {
        panic!("the end is not last: {events:?}");
    };
    reply
}

/// Checks that what came in pieces is what the reply at their end says.
#[track_caller]
pub(super) fn check_sum(events: &[ChatEvent]) {
    let reply = &finished(events).reply;
    let mut assembler = Assembler::default();
    events.iter().for_each(|event| assembler.add(event));
    let (stop, replay) = (reply.stop.clone(), reply.replay.clone());
    let ending = Ending { stop, replay, ..Ending::default() };
    assert_eq!(assembler.finish(ending).reply, *reply);
}
