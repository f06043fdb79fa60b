//! Decodes streamed responses.

use std::mem;

use serde_json::Value;

use super::decode::Reading;
use super::usage;
use crate::chat::ChatEvent;
use crate::error::Result;
use crate::provider::reported::ReportedUsage;
use crate::provider::sse::EventReader;
use crate::provider::wire::{Answered, StreamDecoder};

/// Decodes a stream. There is no final event: the reply is complete when there was a stop reason,
/// nothing followed it, and the body ends.
#[derive(Debug)]
pub(super) struct Decoder {
    events: EventReader,
    reading: Reading,
    reported: ReportedUsage,
}

impl Decoder {
    pub(super) fn new(answered: Answered) -> Self {
        let reading = Reading::new(answered);
        Self { events: EventReader::new(), reading, reported: ReportedUsage::default() }
    }

    fn take(&mut self, data: &str) -> Result<Vec<ChatEvent>> {
        match data.trim() {
            // The end marker of compatible servers.
            "" | "[DONE]" => Ok(Vec::new()),
            data => {
                let json = self.reading.answered.json(data.as_bytes())?;
                self.chunk(&json)
            }
        }
    }

    fn chunk(&mut self, json: &Value) -> Result<Vec<ChatEvent>> {
        usage::note(json, &mut self.reported);
        let taken = self.reading.take(json)?;
        self.reported.receive(&taken);
        Ok(taken)
    }
}

impl StreamDecoder for Decoder {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>> {
        let mut said = Vec::new();
        for event in self.events.feed(bytes, &self.reading.answered)? {
            said.extend(self.take(&event.data)?);
        }
        Ok(said)
    }

    fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        let mut said = Vec::new();
        if let Some(rest) = self.events.rest() {
            // A partial chunk is not valid JSON.
            let Ok(json) = self.reading.answered.json(rest.data.as_bytes()) else {
                return Err(self.reading.answered.cut());
            };
            said.extend(self.chunk(&json)?);
        }
        if !self.reading.is_complete {
            return Err(self.events.truncated(&self.reading.answered));
        }
        let next = Reading::new(self.reading.answered.clone());
        let reading = mem::replace(&mut self.reading, next);
        said.push(ChatEvent::Finished(Box::new(reading.finish()?)));
        Ok(said)
    }

    fn is_ending(&self) -> bool {
        self.reading.is_complete
    }

    fn reported(&self) -> &ReportedUsage {
        &self.reported
    }
}

#[cfg(test)]
mod tests;
