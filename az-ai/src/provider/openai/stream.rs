//! Replies that come in as they are made.

use serde_json::{Map, Value};

use super::decode::{Answered, Facts, WireCall, choices, id_or_place, said, tool_calls};
use super::{decode::DETAILS, error};
use crate::chat::{Assembler, ChatEvent};
use crate::error::{Error, Result};
use crate::provider::sse::{SseDecoder, SseEvent};
use az_core::naming::NameMap;

/// What ends a stream.
const DONE: &str = "[DONE]";

/// Decodes a stream. It is finished by the server's `[DONE]` and by nothing else: a connection
/// that ends before it was cut, whatever has come.
#[derive(Debug)]
pub(super) struct StreamDecoder {
    sse: SseDecoder,
    answered: Answered,
    names: NameMap,
    assembler: Assembler,
    facts: Facts,
    /// Where on the wire each call stands, by the place it has here.
    places: Vec<Place>,
    has_choice: bool,
    finished: bool,
    /// How the body begins, to tell a stream that was cut from what never was one.
    head: Vec<u8>,
}

/// How much of the beginning is kept.
const HEAD: usize = 80;

#[derive(Debug)]
struct Place {
    index: Option<u64>,
    id: Option<String>,
}

/// Whether a body begins, as far as it goes, like a stream of events: with a field or a comment.
fn begins_like_events(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches(['\u{feff}', '\r', '\n', ' ']);
    let fields = ["data:", "event:", "id:", "retry:", ":"];
    fields.iter().any(|field| field.starts_with(head) || head.starts_with(field))
}

impl StreamDecoder {
    pub(super) fn new(answered: Answered, names: NameMap) -> Self {
        Self {
            sse: SseDecoder::default(),
            answered,
            names,
            assembler: Assembler::default(),
            facts: Facts::default(),
            places: Vec::new(),
            has_choice: false,
            finished: false,
            head: Vec::new(),
        }
    }

    /// Adds bytes; returns the events that they complete. Nothing comes after the end.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>> {
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(room));
        let mut events = Vec::new();
        let decoded = self.sse.feed(bytes);
        for event in decoded.map_err(|error| self.answered.malformed(error.to_string()))? {
            if !self.finished {
                self.take(&event, &mut events)?;
            }
        }
        Ok(events)
    }

    /// Says what the end of the body means.
    pub(super) fn finish(mut self) -> Result<Vec<ChatEvent>> {
        let rest = std::mem::take(&mut self.sse).finish();
        // Some servers leave out the empty line after their last event.
        if rest.is_some_and(|event| event.data.trim() == DONE) {
            return Ok(vec![self.end()?]);
        }
        if !begins_like_events(&self.head) {
            let head = String::from_utf8_lossy(&self.head);
            return Err(self.answered.malformed(format!("it is no stream: {}", head.trim())));
        }
        Err(self.cut())
    }

    fn cut(&self) -> Error {
        Error::Truncated { provider: self.answered.provider.clone() }
    }

    fn take(&mut self, event: &SseEvent, events: &mut Vec<ChatEvent>) -> Result<()> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(());
        }
        if data == DONE {
            self.finished = true;
            events.push(self.end()?);
            return Ok(());
        }
        let json: Value = serde_json::from_str(data)
            .map_err(|error| self.answered.malformed(error.to_string()))?;
        if let Some(mut refusal) = error::inside(&self.answered.provider, &json) {
            refusal.request_id = self.answered.request_id.clone();
            return Err(refusal.into());
        }
        self.facts.note(&json);
        for choice in choices(&json) {
            self.has_choice = true;
            self.facts.note_choice(choice);
            let delta = choice.get("delta").or_else(|| choice.get("message"));
            let delta = delta.unwrap_or(&Value::Null);
            let begun = events.len();
            events.extend(said(delta));
            for call in tool_calls(delta) {
                self.call(call, events)?;
            }
            for event in events.iter().skip(begun) {
                self.assembler.add(event);
            }
            self.details(delta);
        }
        Ok(())
    }

    /// Adds a piece of a call: a new one, or more of one that was begun.
    fn call(&mut self, call: WireCall<'_>, events: &mut Vec<ChatEvent>) -> Result<()> {
        let name = call.name.filter(|name| !name.is_empty());
        let index = match (self.place(&call), name) {
            (Some(index), _) => index,
            (None, None) => return Err(self.answered.malformed("a tool call has no name")),
            (None, Some(name)) => {
                let index = self.places.len();
                self.places.push(Place { index: call.index, id: call.id.map(str::to_owned) });
                events.push(ChatEvent::CallStarted {
                    index,
                    id: id_or_place(call.id, index),
                    name: self.names.inward(name),
                });
                index
            }
        };
        if !call.arguments.is_empty() {
            let arguments = call.arguments;
            events.push(ChatEvent::CallDelta { index, arguments });
        }
        Ok(())
    }

    /// Returns which call a piece belongs to. Some servers give every call the same index, or
    /// none: a piece with a name and another id begins another call then.
    fn place(&self, call: &WireCall<'_>) -> Option<usize> {
        let begins = call.name.is_some_and(|name| !name.is_empty());
        let same = |place: &Place| {
            let index = call.index.is_none() || place.index == call.index;
            let id = !begins || call.id.is_none() || place.id.as_deref() == call.id;
            index && id
        };
        self.places.iter().rposition(same)
    }

    /// Puts the pieces of thoughts that are to be sent back together again.
    fn details(&mut self, delta: &Value) {
        let pieces = delta.get(DETAILS).and_then(Value::as_array);
        for piece in pieces.into_iter().flatten().filter_map(Value::as_object) {
            let details = self.facts.details.get_or_insert_default();
            let same = |known: &&mut Value| {
                ["index", "type"].iter().all(|key| known.get(*key) == piece.get(*key))
            };
            match details.iter_mut().rev().find(same).and_then(Value::as_object_mut) {
                Some(known) => merge(known, piece),
                None => details.push(Value::Object(piece.clone())),
            }
        }
    }

    fn end(&mut self) -> Result<ChatEvent> {
        if !self.has_choice {
            return Err(self.answered.malformed("it has no choices"));
        }
        // A proxy may end politely what was cut behind it; text is taken, a call is not.
        if self.facts.stop.is_none() && self.assembler.calls() > 0 {
            return Err(self.cut());
        }
        let facts = std::mem::take(&mut self.facts);
        let assembler = std::mem::take(&mut self.assembler);
        let reply = facts.finish(assembler, self.answered.clone())?;
        Ok(ChatEvent::Finished(Box::new(reply)))
    }
}

/// Adds a piece of a thought: text goes on, anything else is replaced.
fn merge(known: &mut Map<String, Value>, piece: &Map<String, Value>) {
    for (key, value) in piece.iter().filter(|(_, value)| !value.is_null()) {
        match (known.get_mut(key), value) {
            (Some(Value::String(text)), Value::String(more)) if goes_on(key) => text.push_str(more),
            _ => {
                known.insert(key.clone(), value.clone());
            }
        }
    }
}

fn goes_on(key: &str) -> bool {
    matches!(key, "text" | "summary" | "data")
}

#[cfg(test)]
mod tests;
