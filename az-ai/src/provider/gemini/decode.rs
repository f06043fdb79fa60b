//! Decodes responses: a single chunk, or a stream of chunks of the same form.

use std::slice;

use az_core::ErrorKind;
use az_core::cost::Usage;
use az_core::journal::FinishReason;
use serde_json::{Map, Value};

use super::turn::{Parts, is_thought};
use super::{error, usage::usage};
use crate::chat::{Assembler, ChatEvent, ChatReply, Ending};
use crate::error::{Refusal, Result};
use crate::provider::finish;
use crate::provider::json::with_received;
use crate::provider::openai::id_or_place;
use crate::provider::wire::Answered;

/// Decodes a complete response.
pub(super) fn reply(body: &[u8], answered: Answered) -> Result<ChatReply> {
    let json = answered.json(body)?;
    let mut reading = Reading::new(answered);
    // A stream in one response is a list of its chunks.
    for chunk in json.as_array().map_or(slice::from_ref(&json), Vec::as_slice) {
        reading.take(chunk)?;
    }
    if !reading.has_candidate {
        return Err(reading.answered.malformed("it has no candidates"));
    }
    reading.finish()
}

/// A reply in progress.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) answered: Answered,
    assembler: Assembler,
    parts: Parts,
    stop: Option<String>,
    stop_message: Option<String>,
    usage: Option<Usage>,
    model: Option<String>,
    id: Option<String>,
    has_candidate: bool,
    /// Whether the reply may be complete.
    pub(super) is_complete: bool,
}

impl Reading {
    pub(super) fn new(answered: Answered) -> Self {
        Self {
            answered,
            assembler: Assembler::default(),
            parts: Parts::default(),
            stop: None,
            stop_message: None,
            usage: None,
            model: None,
            id: None,
            has_candidate: false,
            is_complete: false,
        }
    }

    /// Adds a chunk; returns its events.
    pub(super) fn take(&mut self, json: &Value) -> Result<Vec<ChatEvent>> {
        if let Some(refusal) = error::inside(&self.answered.provider, json) {
            return Err(self.answered.refused(refusal));
        }
        self.model = word(json, "modelVersion").or(self.model.take());
        self.id = word(json, "responseId").or(self.id.take());
        self.usage = json.get("usageMetadata").and_then(usage).or(self.usage.take());
        let Some(candidate) = first(json) else {
            return self.blocked(json).map_or(Ok(Vec::new()), Err);
        };
        self.has_candidate = true;
        self.candidate(candidate)
    }

    /// Returns the error of a prompt that was blocked before it reached the model.
    fn blocked(&self, json: &Value) -> Option<crate::error::Error> {
        let feedback = json.get("promptFeedback")?;
        let reason = word(feedback, "blockReason")?;
        let message = word(feedback, "blockReasonMessage");
        let message =
            message.unwrap_or_else(|| format!("its content filter refused the request ({reason})"));
        Some(self.withheld(reason, message))
    }

    fn candidate(&mut self, candidate: &Value) -> Result<Vec<ChatEvent>> {
        let parts = candidate.pointer("/content/parts").and_then(Value::as_array);
        let mut events = Vec::new();
        // While Google executes code for the model, a chunk may have a stop reason and more chunks
        // follow: a chunk with executable code, or one that continues it, does not end the reply.
        let mut is_running = false;
        for part in parts.into_iter().flatten().filter_map(Value::as_object) {
            events.extend(self.part(part)?);
            is_running = part.contains_key("executableCode");
            self.is_complete = self.is_complete && is_empty(part);
        }
        if let Some(stop) = word(candidate, "finishReason") {
            self.is_complete = !is_running || finish::GEMINI.reason(&stop) != FinishReason::Stop;
            self.stop = Some(stop);
        }
        self.stop_message = word(candidate, "finishMessage").or(self.stop_message.take());
        Ok(events)
    }

    fn part(&mut self, part: &Map<String, Value>) -> Result<Vec<ChatEvent>> {
        let mut events = Vec::new();
        let text = part.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !text.is_empty() {
            events.push(match is_thought(part) {
                true => ChatEvent::ReasoningDelta { text },
                false => ChatEvent::TextDelta { text },
            });
        }
        if let Some(call) = part.get("functionCall") {
            let name = word(call, "name");
            let name = name.ok_or_else(|| self.answered.malformed("a tool call has no name"))?;
            let index = self.assembler.calls();
            let id = id_or_place(word(call, "id").as_deref(), index);
            events.push(ChatEvent::CallStarted {
                index,
                id,
                name: self.answered.names.inward(&name),
            });
            // Calls arrive complete, so one without arguments has none.
            let arguments = call.get("args").filter(|args| !args.is_null());
            let arguments = arguments.map_or_else(|| "{}".to_owned(), Value::to_string);
            events.push(ChatEvent::CallDelta { index, arguments });
        }
        events.iter().for_each(|event| self.assembler.add(event));
        self.parts.add(part);
        Ok(events)
    }

    /// Returns the complete reply.
    pub(super) fn finish(self) -> Result<ChatReply> {
        let stop = self.stop.clone().unwrap_or_default();
        let finish = finish::GEMINI.reason(&stop);
        if finish == FinishReason::Error {
            let message = self.stop_message.unwrap_or_else(|| format!("a tool call ({stop})"));
            return Err(self.answered.malformed(message));
        }
        // Also in the middle: a partial reply is an error, and its calls are not executed.
        if finish == FinishReason::ContentFilter {
            let message = self.stop_message.clone();
            let message = message
                .unwrap_or_else(|| format!("its content filter withheld the reply ({stop})"));
            let message = with_received(&message, self.assembler.text());
            return Err(self.withheld(stop, message));
        }
        Ok(self.assembler.finish(Ending {
            finish,
            stop,
            replay: self.parts.kept(),
            usage: self.usage,
            cost: None,
            model: self.model.unwrap_or(self.answered.model),
            request_id: self.answered.request_id.or(self.id),
        }))
    }

    fn withheld(&self, code: String, message: String) -> crate::error::Error {
        let provider = &self.answered.provider;
        let refusal = Refusal::new(provider, ErrorKind::ContentPolicy, message);
        self.answered.refused(Refusal { code: Some(code), request_id: self.id.clone(), ..refusal })
    }
}

/// Returns the first candidate, if any; others are ignored.
fn first(json: &Value) -> Option<&Value> {
    let mut candidates = json.get("candidates").and_then(Value::as_array)?.iter();
    candidates.find(|candidate| candidate.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
}

/// Whether a part is empty, as the last parts of a stream are, which may have a signature.
fn is_empty(part: &Map<String, Value>) -> bool {
    let silent =
        part.keys().all(|key| matches!(key.as_str(), "text" | "thought" | "thoughtSignature"));
    silent && part.get("text").and_then(Value::as_str).is_none_or(str::is_empty)
}

fn word(json: &Value, name: &str) -> Option<String> {
    let text = json.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
