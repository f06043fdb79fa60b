//! Collects a turn of the model, block by block, from a complete or a streamed response.

use az_core::ErrorKind;
use az_core::journal::FinishReason;
use serde_json::{Map, Value, json};

use super::usage::{update, usage};
use crate::chat::{Assembler, ChatEvent, ChatReply, Ending};
use crate::error::{Refusal, Result};
use crate::provider::finish;
use crate::provider::json::with_received;
use crate::provider::wire::Answered;

/// The key of the replay data.
pub(super) const REPLAY: &str = "anthropic";
/// The key of the model in the replay data, by the name in the request.
pub(super) const MODEL: &str = "model";
/// The tool whose input is the structured output, for models without another form. Our tools cannot
/// have this name, because theirs begin with letters.
pub(super) const ANSWER: &str = "_answer";

/// Whether a block has a type.
pub(super) fn is(block: &Value, sort: &str) -> bool {
    block.get("type").and_then(Value::as_str) == Some(sort)
}

/// A turn in progress.
#[derive(Debug, Default)]
pub(super) struct ReplyTurn {
    assembler: Assembler,
    blocks: Vec<Block>,
    model: Option<String>,
    id: Option<String>,
    stop: Option<String>,
    explanation: Option<String>,
    usage: Map<String, Value>,
}

#[derive(Debug)]
struct Block {
    index: u64,
    json: Value,
    /// The input of a tool call, as far as it was received.
    input: String,
    part: Part,
    /// Received in pieces of an unknown type.
    unknown: bool,
}

/// The kind of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Text,
    Thought,
    Call(usize),
    Answer,
    Other,
}

impl ReplyTurn {
    /// Records fields of the turn: id, model, stop reason, usage. Later values replace earlier
    /// ones.
    pub(super) fn note(&mut self, json: &Value) {
        let text = |json: &Value, path: &str| {
            json.pointer(path).and_then(Value::as_str).map(str::to_owned)
        };
        self.model = text(json, "/model").filter(|model| !model.is_empty()).or(self.model.take());
        self.id = text(json, "/id").or(self.id.take());
        self.stop = text(json, "/stop_reason").or(self.stop.take());
        self.explanation = text(json, "/stop_details/explanation").or(self.explanation.take());
        self.note_usage(json);
    }

    /// Whether the stop reason is known.
    pub(super) fn has_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| !stop.is_empty())
    }

    /// Records usage.
    pub(super) fn note_usage(&mut self, json: &Value) {
        if let Some(snapshot) = json.get("usage").and_then(Value::as_object) {
            update(&mut self.usage, snapshot);
        }
    }

    /// Starts a block, which may be complete.
    pub(super) fn begin(
        &mut self,
        index: u64,
        json: &Value,
        answered: &Answered,
    ) -> Result<Vec<ChatEvent>> {
        let text_of = |name: &str| {
            let text = json.get(name).and_then(Value::as_str).unwrap_or_default();
            text.to_owned()
        };
        let whole_input =
            json.get("input").filter(|i| i.as_object().is_some_and(|i| !i.is_empty()));
        let whole_input = whole_input.map(Value::to_string).unwrap_or_default();
        let mut events = Vec::new();
        let part = match json.get("type").and_then(Value::as_str) {
            Some("text") => {
                events.push(ChatEvent::TextDelta { text: text_of("text") });
                Part::Text
            }
            Some("thinking") => {
                events.push(ChatEvent::ReasoningDelta { text: text_of("thinking") });
                Part::Thought
            }
            Some("tool_use") if text_of("name") == ANSWER => {
                events.push(ChatEvent::TextDelta { text: whole_input });
                Part::Answer
            }
            Some("tool_use") if text_of("name").is_empty() => {
                return Err(answered.malformed("a tool call has no name"));
            }
            Some("tool_use") => {
                let index = self.assembler.calls();
                let name = answered.names.inward(&text_of("name"));
                events.push(ChatEvent::CallStarted { index, id: text_of("id"), name });
                events.push(ChatEvent::CallDelta { index, arguments: whole_input });
                Part::Call(index)
            }
            Some(_) => Part::Other,
            None => return Err(answered.malformed("a block has no type")),
        };
        let json = json.clone();
        self.blocks.push(Block { index, json, input: String::new(), part, unknown: false });
        Ok(self.say(events))
    }

    /// Adds a delta to a block.
    pub(super) fn add(
        &mut self,
        index: u64,
        delta: &Value,
        answered: &Answered,
    ) -> Result<Vec<ChatEvent>> {
        let block = self.blocks.iter_mut().rfind(|block| block.index == index);
        let block = block.ok_or_else(|| answered.malformed("a delta has no block"))?;
        let piece = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut events = Vec::new();
        match delta.get("type").and_then(Value::as_str) {
            Some("text_delta") => {
                let text = piece("text").to_owned();
                append(&mut block.json, "text", &text);
                if block.part == Part::Text {
                    events.push(ChatEvent::TextDelta { text });
                }
            }
            Some("thinking_delta") => {
                let text = piece("thinking").to_owned();
                append(&mut block.json, "thinking", &text);
                if block.part == Part::Thought {
                    events.push(ChatEvent::ReasoningDelta { text });
                }
            }
            Some("signature_delta") => append(&mut block.json, "signature", piece("signature")),
            Some("input_json_delta") => {
                let arguments = piece("partial_json").to_owned();
                block.input.push_str(&arguments);
                match block.part {
                    Part::Call(index) => events.push(ChatEvent::CallDelta { index, arguments }),
                    Part::Answer => events.push(ChatEvent::TextDelta { text: arguments }),
                    Part::Text | Part::Thought | Part::Other => {}
                }
            }
            Some("citations_delta") => cite(&mut block.json, delta.get("citation")),
            _ => block.unknown = true,
        }
        Ok(self.say(events))
    }

    /// Drops empty deltas, and records the others.
    fn say(&mut self, mut events: Vec<ChatEvent>) -> Vec<ChatEvent> {
        events.retain(|event| match event {
            ChatEvent::TextDelta { text } | ChatEvent::ReasoningDelta { text } => !text.is_empty(),
            ChatEvent::CallDelta { arguments, .. } => !arguments.is_empty(),
            ChatEvent::CallStarted { .. }
            | ChatEvent::UsageReported { .. }
            | ChatEvent::Finished(_) => true,
        });
        events.iter().for_each(|event| self.assembler.add(event));
        events
    }

    /// Returns the complete reply.
    pub(super) fn finish(self, answered: Answered) -> Result<ChatReply> {
        let calls = self.assembler.calls();
        let stop = match self.stop {
            Some(stop) => stop,
            // A proxy may end a stream properly that was cut off behind it; text is accepted, a
            // call is not.
            None if calls > 0 => return Err(answered.cut()),
            None => String::new(),
        };
        let finish = finish::ANTHROPIC.reason(&stop);
        if let Some((kind, message)) = refused(finish, &self.assembler) {
            let message = self.explanation.unwrap_or_else(|| message.to_owned());
            let message = with_received(&message, self.assembler.text());
            let refusal = Refusal::new(answered.provider.as_str(), kind, message);
            return Err(answered.refused(Refusal { code: Some(stop), ..refusal }));
        }
        let answers = self.blocks.iter().any(|block| block.part == Part::Answer);
        let finish = match finish {
            // The call is not one of ours: it is the structured output.
            FinishReason::ToolCalls if answers && calls == 0 => FinishReason::Stop,
            finish => finish,
        };
        let replay = replay(self.blocks, finish, &answered.model);
        Ok(self.assembler.finish(Ending {
            finish,
            stop,
            replay,
            usage: usage(&Value::Object(self.usage)),
            cost: None,
            model: self.model.unwrap_or(answered.model),
            request_id: answered.request_id.or(self.id),
        }))
    }
}

/// Returns the error of a turn that is not a reply.
fn refused(finish: FinishReason, said: &Assembler) -> Option<(ErrorKind, &'static str)> {
    match finish {
        // Also in the middle of a reply: earlier text is discarded, and its calls are not executed.
        FinishReason::Refusal => Some((ErrorKind::ContentPolicy, "the model declined to answer")),
        // A call that filled the window may not be complete.
        FinishReason::ContextWindow if said.is_empty() || said.calls() > 0 => {
            Some((ErrorKind::ContextWindow, "the context window is full"))
        }
        _ => None,
    }
}

fn append(block: &mut Value, field: &str, piece: &str) {
    let Some(block) = block.as_object_mut() else { return };
    match block.get_mut(field) {
        Some(Value::String(text)) => text.push_str(piece),
        _ => {
            block.insert(field.to_owned(), json!(piece));
        }
    }
}

fn cite(block: &mut Value, citation: Option<&Value>) {
    let (Some(block), Some(citation)) = (block.as_object_mut(), citation) else { return };
    match block.get_mut("citations") {
        Some(Value::Array(citations)) => citations.push(citation.clone()),
        _ => {
            block.insert("citations".to_owned(), json!([citation]));
        }
    }
}

/// Returns the replay data of a turn whose text and calls are not all of it: signed reasoning, the
/// results of the provider's own tools, and the order of blocks. A paused turn always has replay
/// data.
fn replay(blocks: Vec<Block>, finish: FinishReason, model: &str) -> Option<Box<Value>> {
    let order = blocks.iter().map(|block| matches!(block.part, Part::Call(_)));
    let plain = |block: &Block| matches!(block.part, Part::Text | Part::Call(_));
    let cited = |block: &Block| block.json.get("citations").is_some_and(|c| !c.is_null());
    let all = blocks.iter().all(|block| plain(block) && !cited(block)) && order.is_sorted();
    let answers = blocks.iter().any(|block| block.part == Part::Answer);
    if answers || (all && finish != FinishReason::Pause) {
        return None;
    }
    let blocks = blocks.into_iter().filter(|block| !block.unknown && !is_blank(&block.json));
    let blocks: Vec<Value> = blocks.map(Block::complete).collect();
    Some(Box::new(json!({ REPLAY: blocks, MODEL: model })))
}

/// Empty text is refused when it is sent back.
fn is_blank(block: &Value) -> bool {
    let text = block.get("text").and_then(Value::as_str);
    is(block, "text") && text.is_none_or(|text| text.trim().is_empty())
}

impl Block {
    fn complete(self) -> Value {
        let mut json = self.json;
        let input = serde_json::from_str(&self.input).ok().filter(Value::is_object);
        if let (Some(input), Some(json)) = (input, json.as_object_mut()) {
            json.insert("input".to_owned(), input);
        }
        json
    }
}

#[cfg(test)]
mod tests;
