//! Decodes streamed responses.

use serde_json::Value;

use super::error;
use super::turn::ReplyTurn;
use super::usage;
use crate::chat::ChatEvent;
use crate::error::Result;
use crate::provider::reported::ReportedUsage;
use crate::provider::sse::{EventReader, SseEvent};
use crate::provider::wire::{Answered, StreamDecoder};

/// Decodes a stream. It is finished by `message_stop`, or by its end after a stop reason.
#[derive(Debug)]
pub(super) struct Decoder {
    events: EventReader,
    answered: Answered,
    /// The turn, from its start until it is finished.
    turn: Option<ReplyTurn>,
    finished: bool,
    reported: ReportedUsage,
}

impl StreamDecoder for Decoder {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>> {
        let mut events = Vec::new();
        for event in self.events.feed(bytes, &self.answered)? {
            let taken = self.take(&event)?;
            self.reported.receive(&taken);
            events.extend(taken);
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        // The last event may lack its empty line, but a partial event is not valid JSON.
        let rest = self.events.rest();
        let mut events = Vec::new();
        if let Some(rest) = rest.filter(|rest| self.answered.json(rest.data.as_bytes()).is_ok()) {
            events = self.take(&rest)?;
        }
        if self.is_ending() {
            events.push(self.end()?);
        }
        if self.finished { Ok(events) } else { Err(self.events.truncated(&self.answered)) }
    }

    fn is_ending(&self) -> bool {
        self.turn.as_ref().is_some_and(ReplyTurn::has_stopped)
    }

    fn reported(&self) -> &ReportedUsage {
        &self.reported
    }
}

impl Decoder {
    pub(super) fn new(answered: Answered) -> Self {
        Self {
            events: EventReader::new(),
            answered,
            turn: None,
            finished: false,
            reported: ReportedUsage::default(),
        }
    }

    fn end(&mut self) -> Result<ChatEvent> {
        self.finished = true;
        let reply = self.turn.take().unwrap_or_default().finish(self.answered.clone())?;
        Ok(ChatEvent::Finished(Box::new(reply)))
    }

    fn take(&mut self, event: &SseEvent) -> Result<Vec<ChatEvent>> {
        let data = event.data.trim();
        if data.is_empty() || self.finished {
            return Ok(Vec::new());
        }
        let json = self.answered.json(data.as_bytes())?;
        usage::note(&json, &mut self.reported);
        if let Some(refusal) = error::inside(&self.answered.provider, &json) {
            return Err(self.answered.refused(refusal));
        }
        let sort = json.get("type").and_then(Value::as_str).unwrap_or_default();
        if sort == "message_start" {
            let message = json.get("message").unwrap_or(&Value::Null);
            self.turn.get_or_insert_default().note(message);
            return Ok(Vec::new());
        }
        let index = json.get("index").and_then(Value::as_u64);
        let index = || index.ok_or_else(|| self.answered.malformed("a block has no index"));
        let part = |name: &str| json.get(name).unwrap_or(&Value::Null);
        let begun = self.turn.as_mut();
        let begun = || begun.ok_or_else(|| self.answered.malformed("there is no message_start"));
        match sort {
            "content_block_start" => {
                begun()?.begin(index()?, part("content_block"), &self.answered)
            }
            "content_block_delta" => begun()?.add(index()?, part("delta"), &self.answered),
            "message_delta" => {
                let turn = begun()?;
                turn.note(part("delta"));
                turn.note_usage(&json);
                Ok(Vec::new())
            }
            "message_stop" => {
                begun()?;
                Ok(vec![self.end()?])
            }
            // Pings, ends of blocks, and unknown events.
            _ => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests;
