//! Decodes streamed responses.

use serde_json::{Value, json};

use super::decode::Reading;
use super::item::{CALL, MESSAGE, REASONING};
use crate::chat::ChatEvent;
use crate::error::Result;
use crate::provider::json::error_of;
use crate::provider::openai::{chat, error};
use crate::provider::reported::ReportedUsage;
use crate::provider::sse::EventReader;
use crate::provider::wire::{Answered, StreamDecoder};

/// Decodes a stream. Only the event with the whole response finishes it.
#[derive(Debug)]
pub(crate) struct Decoder {
    events: EventReader,
    /// Taken at the end of the reply.
    reading: Option<Reading>,
    answered: Answered,
    reported: ReportedUsage,
}

impl Decoder {
    pub(crate) fn new(answered: Answered) -> Self {
        let reading = Some(Reading::new(answered.clone()));
        Self { events: EventReader::new(), reading, answered, reported: ReportedUsage::default() }
    }

    fn take(&mut self, event: &Value) -> Result<Vec<ChatEvent>> {
        chat::note(event, &mut self.reported);
        // Events after the end are ignored.
        let Some(reading) = &mut self.reading else { return Ok(Vec::new()) };
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let item = event.get("item").unwrap_or(&Value::Null);
        let response = event.get("response").unwrap_or(&Value::Null);
        let key = key(event, item);
        let part = |name: &str| format!("{name}{}", event.get(name).unwrap_or(&Value::Null));
        match text("type") {
            "response.output_item.added" => reading.begin(&key, item),
            "response.output_item.done" => reading.item(&key, item),
            "response.output_text.delta" | "response.refusal.delta" => {
                Ok(reading.piece(MESSAGE, &key, "", text("delta")))
            }
            "response.reasoning_summary_text.delta" => {
                Ok(reading.piece(REASONING, &key, &part("summary_index"), text("delta")))
            }
            "response.reasoning_text.delta" => {
                Ok(reading.piece(REASONING, &key, &part("content_index"), text("delta")))
            }
            "response.function_call_arguments.delta" => {
                Ok(reading.piece(CALL, &key, "", text("delta")))
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                reading.check(response)?;
                let mut events = reading.rest(response)?;
                if let Some(reading) = self.reading.take() {
                    events.push(ChatEvent::Finished(Box::new(reading.finish(response)?)));
                }
                Ok(events)
            }
            "error" => Err(reading.answered.refused(said(&self.answered.provider, event))),
            _ => match error::inside(&self.answered.provider, event) {
                Some(refusal) => Err(reading.answered.refused(refusal)),
                None => Ok(Vec::new()),
            },
        }
    }
}

impl StreamDecoder for Decoder {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>> {
        let mut said = Vec::new();
        for event in self.events.feed(bytes, &self.answered)? {
            match event.data.trim() {
                // The end marker of compatible servers.
                "" | "[DONE]" => {}
                data => {
                    let taken = self.take(&self.answered.json(data.as_bytes())?)?;
                    self.reported.receive(&taken);
                    said.extend(taken);
                }
            }
        }
        Ok(said)
    }

    fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        let rest = self.events.rest();
        let rest = rest.and_then(|event| self.answered.json(event.data.as_bytes()).ok());
        let said = rest.map_or(Ok(Vec::new()), |event| self.take(&event))?;
        match &self.reading {
            None => Ok(said),
            Some(_) => Err(self.events.truncated(&self.answered)),
        }
    }

    /// The event with the whole response has the reason and everything else.
    fn is_ending(&self) -> bool {
        false
    }

    fn reported(&self) -> &ReportedUsage {
        &self.reported
    }
}

/// Returns the key of an item in its events: its index, or its id if the server omits the index.
fn key(event: &Value, item: &Value) -> String {
    let place = event.get("output_index").and_then(Value::as_u64);
    let id = event.get("item_id").or_else(|| item.get("id")).and_then(Value::as_str);
    place.map_or_else(|| id.unwrap_or_default().to_owned(), |place| place.to_string())
}

/// Decodes an error event: the error is in a field of its own, or is the event itself.
fn said(provider: &str, event: &Value) -> crate::error::Refusal {
    let flat = || json!({"error": {"message": event.get("message"), "code": event.get("code")}});
    let body = if error_of(event).is_some() { event.clone() } else { flat() };
    error::inside(provider, &body).unwrap_or_else(|| error::refusal(provider, None, b""))
}

#[cfg(test)]
mod tests;
