//! Builds the conversation: alternating roles, and results with the ids of their calls.

use std::collections::{BTreeSet, VecDeque};

use crate::provider::tool_names::ToolNames;
use az_core::journal::{ModelReply, ToolCall};
use serde_json::{Value, json};

use super::dialect::{Dialect, Thoughts};
use super::turn::{MODEL, REPLAY, is};
use crate::chat::{ChatRequest, Image, Message, ToolMessage};
use crate::provider::json::object;

/// The conversation in the provider's format.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The system prompt.
    pub(super) system: Vec<Value>,
    /// The messages, in alternating roles.
    pub(super) turns: Vec<ConversationTurn>,
    /// The turn in which each message of the request ends.
    ends: Vec<Option<usize>>,
}

/// A message: consecutive content of one role.
#[derive(Debug)]
pub(super) struct ConversationTurn {
    pub(super) role: &'static str,
    pub(super) blocks: Vec<Value>,
}

impl Conversation {
    /// Converts a request's conversation.
    pub(super) fn new(request: &ChatRequest, dialect: Dialect, names: &ToolNames) -> Self {
        let mut this = Self::default();
        // After a summary the conversation is another one than the one that the reasoning belongs
        // to.
        let summed_up = request.messages.iter().any(|m| matches!(m, Message::Summary { .. }));
        let are_free = |reply: &ModelReply| {
            let thinker = reply.replay.as_ref().and_then(|kept| kept.get(MODEL)?.as_str());
            let same = !summed_up && thinker == Some(request.model.as_str());
            dialect.thoughts == Thoughts::Free || same
        };
        let mut calls = Calls::default();
        for message in &request.messages {
            match message {
                Message::System { text } => this.system.extend(words(text)),
                Message::User { text, images } => {
                    let blocks = images.iter().map(picture).chain(words(text));
                    this.say(USER, blocks.collect());
                }
                Message::Hint { text }
                | Message::Summary { text, .. }
                | Message::Resumed { text } => {
                    this.say(USER, words(text).into_iter().collect());
                }
                Message::Assistant { reply } => {
                    let ids = calls.begin(&reply.calls);
                    let mut blocks = turn(reply, &ids, names);
                    blocks.retain(|block| !is_thought(block) || are_free(reply));
                    this.say(ASSISTANT, blocks);
                }
                Message::Tool(result) => {
                    let id = calls.answered(&result.call_id);
                    this.say(USER, answer(result, id).into_iter().collect());
                }
            }
            this.ends.push(this.turns.len().checked_sub(1));
        }
        for turn in &mut this.turns {
            turn.blocks.sort_by_key(|block| !is(block, RESULT));
        }
        this
    }

    /// Whether the model is within a sequence of tool calls that began without reasoning.
    pub(super) fn continues_without_thinking(&self) -> bool {
        let mut turns = self.turns.iter().rev();
        let answers = |turn: &ConversationTurn| turn.blocks.iter().any(|block| is(block, RESULT));
        if !turns.next().is_some_and(answers) {
            return false;
        }
        let first = turns.next().and_then(|turn| turn.blocks.first());
        !first.is_some_and(is_thought)
    }

    /// Returns the last block of the turn in which the first `messages` messages end, unless the model
    /// said it.
    pub(super) fn last_block(&mut self, messages: usize) -> Option<&mut Value> {
        let turn = (*self.ends.get(messages.checked_sub(1)?)?)?;
        let turn = self.turns.get_mut(turn).filter(|turn| turn.role == USER)?;
        turn.blocks.last_mut()
    }

    fn say(&mut self, role: &'static str, blocks: Vec<Value>) {
        if blocks.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.blocks.extend(blocks),
            _ => self.turns.push(ConversationTurn { role, blocks }),
        }
    }
}

const USER: &str = "user";
const ASSISTANT: &str = "assistant";
const RESULT: &str = "tool_result";

fn is_thought(block: &Value) -> bool {
    is(block, "thinking") || is(block, "redacted_thinking")
}

/// Empty text is refused.
fn words(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"type": "text", "text": text}))
}

fn picture(image: &Image) -> Value {
    let source = match image {
        Image::Inline { media_type, data } => {
            json!({"type": "base64", "media_type": media_type, "data": data})
        }
        Image::Url(url) => json!({"type": "url", "url": url}),
    };
    json!({"type": "image", "source": source})
}

/// Returns a tool result. A result whose call is missing is sent as text.
fn answer(result: &ToolMessage, id: Option<String>) -> Option<Value> {
    let Some(id) = id else {
        return words(&format!("{}: {}", result.tool, result.told()));
    };
    let content = match result.images.as_slice() {
        [] => json!(result.text),
        images => words(&result.text).into_iter().chain(images.iter().map(picture)).collect(),
    };
    let mut block = json!({"type": RESULT, "tool_use_id": id, "content": content});
    if let (true, Some(block)) = (result.is_error(), block.as_object_mut()) {
        block.insert("is_error".to_owned(), json!(true));
    }
    Some(block)
}

/// Returns a turn of the model: unchanged if it came from this provider, else its text and calls.
fn turn(reply: &ModelReply, ids: &[String], names: &ToolNames) -> Vec<Value> {
    let calls = reply.calls.iter().zip(ids).map(|(call, id)| {
        let name = names.outward(&call.name);
        json!({"type": "tool_use", "id": id, "name": name, "input": object(&call.arguments)})
    });
    let calls: Vec<Value> = calls.collect();
    let kept = reply.replay.as_ref().and_then(|replay| replay.get(REPLAY)?.as_array());
    let kept = kept.filter(|kept| {
        let asked = kept.iter().filter(|block| is(block, "tool_use"));
        asked.count() == calls.len()
    });
    let Some(kept) = kept else { return words(&reply.text).into_iter().chain(calls).collect() };
    // Tools may have other names on the wire now.
    let mut calls = calls.into_iter();
    let again = |block: &Value| match is(block, "tool_use") {
        true => calls.next(),
        false => Some(block.clone()),
    };
    kept.iter().filter_map(again).collect()
}

/// The ids of calls. On this wire they are unique and have a limited set of characters; other
/// providers' ids may repeat in every turn.
#[derive(Debug, Default)]
struct Calls {
    used: BTreeSet<String>,
    /// The unanswered calls of the last turn: our id and the id on the wire.
    open: VecDeque<(String, String)>,
}

impl Calls {
    /// Starts a turn with calls; returns their ids on the wire.
    fn begin(&mut self, calls: &[ToolCall]) -> Vec<String> {
        self.open.clear();
        for call in calls {
            let legal = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
            let wanted: String = match call.id.as_str() {
                "" => "call".to_owned(),
                id => id.chars().map(legal).collect(),
            };
            let mut id = wanted.clone();
            let mut copy = 1;
            while !self.used.insert(id.clone()) {
                copy += 1;
                id = format!("{wanted}_{copy}");
            }
            self.open.push_back((call.id.clone(), id));
        }
        self.open.iter().map(|(_, id)| id.clone()).collect()
    }

    /// Returns the id on the wire of an answered call.
    fn answered(&mut self, id: &str) -> Option<String> {
        let place = self.open.iter().position(|(ours, _)| ours == id)?;
        let (_, id) = self.open.remove(place)?;
        Some(id)
    }
}
