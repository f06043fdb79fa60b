//! Decodes streamed responses.

use super::decode::Reading;
use crate::chat::ChatEvent;
use crate::error::Result;
use crate::provider::sse::EventReader;
use crate::provider::wire::{Answered, StreamDecoder};

/// Decodes a stream. There is no final event: the reply is complete when there was a stop reason,
/// nothing followed it, and the body ends.
#[derive(Debug)]
pub(super) struct Decoder {
    events: EventReader,
    reading: Reading,
}

impl Decoder {
    pub(super) fn new(answered: Answered) -> Self {
        Self { events: EventReader::new(), reading: Reading::new(answered) }
    }

    fn take(&mut self, data: &str) -> Result<Vec<ChatEvent>> {
        match data.trim() {
            // The end marker of compatible servers.
            "" | "[DONE]" => Ok(Vec::new()),
            data => self.reading.take(&self.reading.answered.json(data.as_bytes())?),
        }
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

    fn finish(mut self: Box<Self>) -> Result<Vec<ChatEvent>> {
        let mut said = Vec::new();
        if let Some(rest) = self.events.rest() {
            // A partial chunk is not valid JSON.
            let Ok(json) = self.reading.answered.json(rest.data.as_bytes()) else {
                return Err(self.reading.answered.cut());
            };
            said.extend(self.reading.take(&json)?);
        }
        if !self.reading.is_complete {
            return Err(self.events.truncated(&self.reading.answered));
        }
        said.push(ChatEvent::Finished(Box::new(self.reading.finish()?)));
        Ok(said)
    }
}

#[cfg(test)]
mod tests;
