//! Decodes responses and the pieces of streams, which have the same form.

use serde_json::Value;

use super::error;
use super::usage::usage;
use crate::chat::{Assembler, ChatEvent, ChatReply, Ending};
use crate::error::Result;
use crate::provider::finish::OLLAMA;
use crate::provider::wire::Answered;

/// Decodes a complete response.
pub(super) fn reply(body: &[u8], answered: Answered) -> Result<ChatReply> {
    let json = answered.json(body)?;
    let mut reply = Reply::default();
    reply.take(&json, &answered)?;
    if !is_done(&json) {
        return Err(answered.cut());
    }
    reply.finish(&json, answered)
}

/// Whether a piece is the last one.
pub(super) fn is_done(json: &Value) -> bool {
    json.get("done").and_then(Value::as_bool) == Some(true)
}

/// A reply in progress.
#[derive(Debug, Default)]
pub(super) struct Reply {
    assembler: Assembler,
    has_message: bool,
}

impl Reply {
    /// Adds a piece; returns its events.
    pub(super) fn take(&mut self, json: &Value, answered: &Answered) -> Result<Vec<ChatEvent>> {
        if let Some(refusal) = error::inside(&answered.provider, json) {
            return Err(answered.refused(refusal));
        }
        let message = json.get("message").unwrap_or(&Value::Null);
        self.has_message |= message.is_object();
        let text_of = |name: &str| {
            let text = message.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let thought = text_of("thinking").map(|text| ChatEvent::ReasoningDelta { text });
        let said = text_of("content").map(|text| ChatEvent::TextDelta { text });
        let mut events: Vec<ChatEvent> = thought.into_iter().chain(said).collect();
        let calls = message.get("tool_calls").and_then(Value::as_array);
        for (index, call) in (self.assembler.calls()..).zip(calls.into_iter().flatten()) {
            events.extend(begun(call, index, answered)?);
        }
        events.iter().for_each(|event| self.assembler.add(event));
        Ok(events)
    }

    /// Returns the complete reply.
    pub(super) fn finish(self, last: &Value, answered: Answered) -> Result<ChatReply> {
        if !self.has_message {
            return Err(answered.malformed("it has no message"));
        }
        let text = |name: &str| last.get(name).and_then(Value::as_str).map(str::to_owned);
        let stop = text("done_reason").unwrap_or_default();
        Ok(self.assembler.finish(Ending {
            finish: OLLAMA.reason(&stop),
            stop,
            usage: usage(last),
            model: text("model").unwrap_or(answered.model),
            request_id: answered.request_id,
            ..Ending::default()
        }))
    }
}

/// Returns the events of a call, which arrives complete. The id is made of the call's index if the
/// server gives none.
fn begun(call: &Value, index: usize, answered: &Answered) -> Result<[ChatEvent; 2]> {
    let text = |path: &str| {
        let text = call.pointer(path).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let name = text("/function/name").ok_or_else(|| answered.malformed("a call has no name"))?;
    let arguments = match call.pointer("/function/arguments") {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(arguments) => arguments.to_string(),
    };
    let id = text("/id").map_or_else(|| format!("call_{index}"), str::to_owned);
    let name = answered.names.inward(name);
    Ok([ChatEvent::CallStarted { index, id, name }, ChatEvent::CallDelta { index, arguments }])
}

#[cfg(test)]
mod tests;
