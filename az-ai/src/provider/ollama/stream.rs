//! Decodes streamed responses, one JSON object a line.

use std::mem;

use super::decode::{Reply, is_done};
use super::usage;
use crate::chat::ChatEvent;
use crate::error::Result;
use crate::provider::reported::ReportedUsage;
use crate::provider::wire::{Answered, StreamDecoder};

/// The maximum size of a line, in bytes.
const LARGEST: usize = 16 << 20;

/// Decodes a stream. Only a piece with `done` finishes it.
#[derive(Debug)]
pub(super) struct Decoder {
    answered: Answered,
    line: Vec<u8>,
    reply: Reply,
    finished: bool,
    reported: ReportedUsage,
}

impl StreamDecoder for Decoder {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>> {
        let mut events = Vec::new();
        let mut lines = bytes.split(|byte| *byte == b'\n');
        // The bytes after the last line end are an incomplete line.
        let rest = lines.next_back().unwrap_or_default();
        for line in lines {
            self.line.extend_from_slice(line);
            let line = mem::take(&mut self.line);
            let taken = self.take(&line)?;
            self.reported.receive(&taken);
            events.extend(taken);
        }
        self.line.extend_from_slice(rest);
        if self.line.len() > LARGEST {
            return Err(self.answered.too_large(&format!("a line is larger than {LARGEST} bytes")));
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        let rest = mem::take(&mut self.line);
        let half = rest.trim_ascii_start().first().is_none_or(|byte| *byte == b'{');
        // The last line may lack its line end, but a partial line is not valid JSON.
        if half && self.answered.json(&rest).is_err() {
            return Err(self.answered.cut());
        }
        let events = self.take(&rest)?;
        if self.finished { Ok(events) } else { Err(self.answered.cut()) }
    }

    /// The last piece has the reason and everything else.
    fn is_ending(&self) -> bool {
        false
    }

    fn reported(&self) -> &ReportedUsage {
        &self.reported
    }
}

impl Decoder {
    pub(super) fn new(answered: Answered) -> Self {
        Self {
            answered,
            line: Vec::new(),
            reply: Reply::default(),
            finished: false,
            reported: ReportedUsage::default(),
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<Vec<ChatEvent>> {
        if self.finished || line.trim_ascii().is_empty() {
            return Ok(Vec::new());
        }
        let json = self.answered.json(line)?;
        usage::note(&json, &mut self.reported);
        let mut events = self.reply.take(&json, &self.answered)?;
        if is_done(&json) {
            self.finished = true;
            let reply = mem::take(&mut self.reply).finish(&json, self.answered.clone())?;
            events.push(ChatEvent::Finished(Box::new(reply)));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests;
