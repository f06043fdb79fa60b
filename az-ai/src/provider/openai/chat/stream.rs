//! Decodes streamed responses.

use serde_json::{Map, Value};

use super::decode::{DETAILS, Facts, WireCall, choices, id_or_place, said, tool_calls};
use super::usage;
use crate::chat::{Assembler, ChatEvent};
use crate::error::Result;
use crate::provider::openai::error;
use crate::provider::reported::ReportedUsage;
use crate::provider::sse::{EventReader, SseEvent};
use crate::provider::wire::{Answered, StreamDecoder};

/// The end marker of a stream.
const DONE: &str = "[DONE]";

/// The object of an event that ends a stream and repeats the reply, as Perplexity sends it.
const DONE_OBJECT: &str = "chat.completion.done";

/// Decodes a stream. It is finished by `[DONE]`, by an event that says so, or by its end after a
/// finish reason.
#[derive(Debug)]
pub(crate) struct Decoder {
    events: EventReader,
    answered: Answered,
    assembler: Assembler,
    facts: Facts,
    /// The index of each call on the wire, by its index in the reply.
    places: Vec<Place>,
    has_choice: bool,
    finished: bool,
    reported: ReportedUsage,
}

#[derive(Debug)]
struct Place {
    index: Option<u64>,
    id: Option<String>,
}

impl StreamDecoder for Decoder {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>> {
        let mut events = Vec::new();
        for event in self.events.feed(bytes, &self.answered)? {
            if !self.finished {
                self.take(&event, &mut events)?;
            }
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        let mut events = Vec::new();
        // The last event may lack its empty line, but a partial event is not valid JSON.
        let rest = self.events.rest().filter(|_| !self.finished);
        let is_whole = |data: &str| data == DONE || self.answered.json(data.as_bytes()).is_ok();
        if let Some(rest) = rest.filter(|rest| is_whole(rest.data.trim())) {
            self.take(&rest, &mut events)?;
        }
        if !self.finished && self.is_ending() {
            events.push(self.end()?);
        }
        if self.finished { Ok(events) } else { Err(self.events.truncated(&self.answered)) }
    }

    fn is_ending(&self) -> bool {
        self.facts.ended.as_ref().is_some_and(|(_, term)| !term.is_empty())
    }

    fn reported(&self) -> &ReportedUsage {
        &self.reported
    }
}

impl Decoder {
    pub(crate) fn new(answered: Answered) -> Self {
        Self {
            events: EventReader::new(),
            answered,
            assembler: Assembler::default(),
            facts: Facts::default(),
            places: Vec::new(),
            has_choice: false,
            finished: false,
            reported: ReportedUsage::default(),
        }
    }

    fn take(&mut self, event: &SseEvent, events: &mut Vec<ChatEvent>) -> Result<()> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(());
        }
        if data == DONE {
            events.push(self.end()?);
            return Ok(());
        }
        let json = self.answered.json(data.as_bytes())?;
        usage::note(&json, &mut self.reported);
        if let Some(refusal) = error::inside(&self.answered.provider, &json) {
            return Err(self.answered.refused(refusal));
        }
        self.facts.note(&json);
        let before = events.len();
        for choice in choices(&json) {
            self.has_choice = true;
            self.facts.note_choice(choice);
            let delta = self.content(choice);
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
        self.reported.receive(events.get(before..).unwrap_or_default());
        if json.get("object").and_then(Value::as_str) == Some(DONE_OBJECT) {
            events.push(self.end()?);
        }
        Ok(())
    }

    /// Returns the content of a choice: its delta; or its message, if it has no delta, or only the
    /// message has content and none was streamed before.
    fn content<'a>(&self, choice: &'a Value) -> &'a Value {
        let [delta, message] =
            ["delta", "message"].map(|part| choice.get(part).filter(|part| !part.is_null()));
        let has_content = |part: &&Value| !said(part).is_empty() || tool_calls(part).count() > 0;
        let message = message.filter(|_| self.assembler.is_empty());
        delta.filter(has_content).or(message).or(delta).unwrap_or(&Value::Null)
    }

    /// Adds a piece of a call, which may start the call.
    fn call(&mut self, call: WireCall<'_>, events: &mut Vec<ChatEvent>) -> Result<()> {
        let name = call.name.filter(|name| !name.is_empty());
        let index = match (self.place(&call), name) {
            (Some(index), _) => index,
            // Some servers continue a call at another index, without its id.
            (None, None) if call.id.is_none() && !self.places.is_empty() => self.places.len() - 1,
            (None, None) => return Err(self.answered.malformed("a tool call has no name")),
            (None, Some(name)) => {
                let index = self.places.len();
                self.places.push(Place { index: call.index, id: call.id.map(str::to_owned) });
                events.push(ChatEvent::CallStarted {
                    index,
                    id: id_or_place(call.id, index),
                    name: self.answered.names.inward(name),
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

    /// Returns the call that a piece belongs to. Some servers give all calls the same index, or
    /// none: a piece with a name and another id then starts another call.
    fn place(&self, call: &WireCall<'_>) -> Option<usize> {
        let begins = call.name.is_some_and(|name| !name.is_empty());
        let same = |place: &Place| {
            let index = call.index.is_none() || place.index == call.index;
            let id = !begins || call.id.is_none() || place.id.as_deref() == call.id;
            index && id
        };
        self.places.iter().rposition(same)
    }

    /// Merges the pieces of reasoning that is sent back.
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
        self.finished = true;
        if !self.has_choice {
            return Err(self.answered.malformed("it has no choices"));
        }
        // A proxy may end a stream properly that was cut off behind it; text is accepted, a call is
        // not.
        if self.facts.ended.is_none() && self.assembler.calls() > 0 {
            return Err(self.answered.cut());
        }
        let facts = std::mem::take(&mut self.facts);
        let assembler = std::mem::take(&mut self.assembler);
        let reply = facts.finish(assembler, self.answered.clone())?;
        Ok(ChatEvent::Finished(Box::new(reply)))
    }
}

/// Merges a piece of reasoning: text is appended, other values are replaced.
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
