//! Decodes responses as items: complete ones, or items in pieces.

use std::collections::BTreeMap;

use az_core::journal::FinishReason;
use serde_json::Value;

use super::item::{BETWEEN, CALL, MESSAGE, REASONING, sort, text};
use super::turn;
use crate::chat::{Assembler, ChatEvent, ChatReply, Ending};
use crate::error::{Refusal, Result};
use crate::provider::finish::RESPONSES;
use crate::provider::openai::chat::{cost, id_or_place, usage};
use crate::provider::openai::error;
use crate::provider::wire::Answered;

/// Decodes a complete response.
pub(crate) fn reply(body: &[u8], answered: Answered) -> Result<ChatReply> {
    let json = answered.json(body)?;
    let mut reading = Reading::new(answered);
    reading.check(&json)?;
    reading.rest(&json)?;
    reading.finish(&json)
}

/// A reply in progress.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) answered: Answered,
    assembler: Assembler,
    items: Vec<Value>,
    open: BTreeMap<String, Open>,
    has_thought: bool,
    has_text: bool,
}

/// An item in progress.
#[derive(Debug, Default)]
struct Open {
    /// The index of its call in the reply, if it is a call.
    call: Option<usize>,
    /// The content so far.
    received: String,
    /// The index of the latest part.
    part: String,
}

impl Reading {
    pub(super) fn new(answered: Answered) -> Self {
        Self {
            answered,
            assembler: Assembler::default(),
            items: Vec::new(),
            open: BTreeMap::new(),
            has_thought: false,
            has_text: false,
        }
    }

    /// Checks that a response has not failed.
    pub(super) fn check(&self, response: &Value) -> Result<()> {
        if let Some(refusal) = error::inside(&self.answered.provider, response) {
            return Err(self.answered.refused(refusal));
        }
        match word(response, "status").as_str() {
            status @ ("failed" | "cancelled" | "queued" | "in_progress") => {
                Err(self.answered.malformed(format!("it is {status}")))
            }
            _ => Ok(()),
        }
    }

    /// Adds the items of a complete response: all of them, or those that were not streamed.
    pub(super) fn rest(&mut self, response: &Value) -> Result<Vec<ChatEvent>> {
        let nothing_came = self.items.is_empty() && self.open.is_empty();
        let Some(items) = response.get("output").and_then(Value::as_array) else {
            let missing = self.answered.malformed("it has no output");
            return if nothing_came { Err(missing) } else { Ok(Vec::new()) };
        };
        let mut events = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let keys = [place.to_string(), word(item, "id")];
            let [place, _] = &keys;
            let known = keys.iter().find(|key| self.open.contains_key(*key));
            if let Some(key) = known.or_else(|| nothing_came.then_some(place)) {
                events.extend(self.missing(key, item)?);
            }
        }
        if items.len() >= self.items.len() {
            self.items.clone_from(items);
        }
        Ok(events)
    }

    /// Starts an item. Only calls have content then: their name.
    pub(super) fn begin(&mut self, key: &str, item: &Value) -> Result<Vec<ChatEvent>> {
        if self.opened(key).call.is_some() || sort(item) != CALL {
            return Ok(Vec::new());
        }
        let name = word(item, "name");
        if name.is_empty() {
            return Err(self.answered.malformed("a tool call has no name"));
        }
        let index = self.assembler.calls();
        let id = Some(word(item, "call_id")).filter(|id| !id.is_empty());
        let begun = ChatEvent::CallStarted {
            index,
            id: id_or_place(id.as_deref(), index),
            name: self.answered.names.inward(&name),
        };
        let open = self.opened(key);
        open.call = Some(index);
        // Pieces that arrived before their call are added now.
        let arguments = open.received.clone();
        let waiting = (!arguments.is_empty()).then_some(ChatEvent::CallDelta { index, arguments });
        let events: Vec<_> = [begun].into_iter().chain(waiting).collect();
        events.iter().for_each(|event| self.assembler.add(event));
        Ok(events)
    }

    /// Adds a piece of an item.
    pub(super) fn piece(
        &mut self,
        sort: &str,
        key: &str,
        part: &str,
        piece: &str,
    ) -> Vec<ChatEvent> {
        let (has_text, has_thought) = (self.has_text, self.has_thought);
        let open = self.opened(key);
        let begins = open.received.is_empty();
        let apart = match sort {
            MESSAGE => begins && has_text,
            REASONING => has_thought && (begins || open.part != part),
            _ => false,
        };
        let text = if apart { BETWEEN.to_owned() + piece } else { piece.to_owned() };
        // A separator belongs to neither of two items.
        open.received.push_str(if begins { piece } else { &text });
        part.clone_into(&mut open.part);
        let event = match (sort, open.call) {
            _ if piece.is_empty() => None,
            (MESSAGE, _) => Some(ChatEvent::TextDelta { text }),
            (REASONING, _) => Some(ChatEvent::ReasoningDelta { text }),
            (CALL, Some(index)) => Some(ChatEvent::CallDelta { index, arguments: text }),
            _ => None,
        };
        if let Some(event) = &event {
            self.has_text |= sort == MESSAGE;
            self.has_thought |= sort == REASONING;
            self.assembler.add(event);
        }
        event.into_iter().collect()
    }

    /// Adds a finished item.
    pub(super) fn item(&mut self, key: &str, item: &Value) -> Result<Vec<ChatEvent>> {
        self.items.push(item.clone());
        self.missing(key, item)
    }

    /// Returns the rest of a finished item that was not streamed.
    fn missing(&mut self, key: &str, item: &Value) -> Result<Vec<ChatEvent>> {
        let mut events = self.begin(key, item)?;
        let whole = text(item);
        let open = self.opened(key);
        let rest = whole.strip_prefix(&open.received).unwrap_or_default().to_owned();
        if !rest.is_empty() {
            let part = open.part.clone();
            events.extend(self.piece(sort(item), key, &part, &rest));
        }
        Ok(events)
    }

    fn opened(&mut self, key: &str) -> &mut Open {
        self.open.entry(key.to_owned()).or_default()
    }

    /// Returns the complete reply.
    pub(super) fn finish(self, response: &Value) -> Result<ChatReply> {
        let details = response.get("incomplete_details");
        let stop = match details.map(|details| word(details, "reason")) {
            Some(reason) if !reason.is_empty() => reason,
            _ => word(response, "status"),
        };
        let own = |name: &str| Some(word(response, name)).filter(|word| !word.is_empty());
        let request_id = self.answered.request_id.clone().or_else(|| own("id"));
        // Also in the middle: a partial reply is an error, and its calls are not executed.
        let finish = RESPONSES.reason_or_cut(&stop);
        if finish == FinishReason::ContentFilter {
            let refusal = error::withheld(&self.answered.provider, self.assembler.text());
            return Err(Refusal { request_id, ..refusal }.into());
        }
        let used = response.get("usage");
        let mut usage = used.and_then(usage);
        if let Some(usage) = &mut usage {
            usage.service_tier = usage.service_tier.take().or_else(|| own("service_tier"));
        }
        Ok(self.assembler.finish(Ending {
            finish,
            stop,
            replay: turn::kept(self.items),
            usage,
            cost: used.and_then(cost),
            model: own("model").unwrap_or(self.answered.model),
            request_id,
        }))
    }
}

fn word(json: &Value, name: &str) -> String {
    json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
