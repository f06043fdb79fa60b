//! Keeps the parts of the model's turns, and sends them back.
//!
//! Gemini signs parts of a turn, and refuses a conversation in which the signature of a call is
//! missing or is on another part. So signed turns are kept part by part and sent back unchanged.
//! See <https://ai.google.dev/gemini-api/docs/thought-signatures>.

use std::collections::BTreeSet;

use crate::provider::tool_names::ToolNames;
use az_core::journal::ModelReply;
use serde_json::{Map, Value, json};

use super::model::is_third_generation;
use crate::provider::json::object;
use crate::provider::openai::renamed;

/// The key of the replay data.
const KEPT: &str = "gemini";
const SIGNATURE: &str = "thoughtSignature";
const CALL: &str = "functionCall";
/// The placeholder for the signature of a call that another provider made, as Google documents it.
const NOT_SIGNED: &str = "skip_thought_signature_validator";

/// The parts of a turn in progress.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<Map<String, Value>>);

impl Parts {
    /// Adds a part, or appends text to the previous one. Thoughts are left out: they are in the
    /// reply, and are not sent back.
    pub(super) fn add(&mut self, part: &Map<String, Value>) {
        let is_plain = plain(part).is_some();
        if is_plain && is_thought(part) {
            return;
        }
        let more = plain(part);
        let known = self.0.last_mut().filter(|known| plain(known).is_some());
        let known = known.and_then(|known| known.get_mut("text"));
        match (known, more) {
            (Some(Value::String(text)), Some(more)) => text.push_str(more),
            _ => self.0.push(part.clone()),
        }
    }

    /// Returns the replay data; `None` when the reply contains everything.
    pub(super) fn kept(self) -> Option<Box<Value>> {
        let says_all = |part: &Map<String, Value>| {
            let call = part.get(CALL).and_then(Value::as_object);
            let bare = call.is_some_and(|call| call.get("id").is_none()) && part.len() == 1;
            bare || plain(part).is_some()
        };
        if self.0.iter().all(says_all) {
            return None;
        }
        Some(Box::new(json!({ KEPT: self.0 })))
    }
}

/// Returns the text of a part that has nothing but text.
fn plain(part: &Map<String, Value>) -> Option<&str> {
    let only = part.keys().all(|key| key == "text" || key == "thought");
    part.get("text").and_then(Value::as_str).filter(|_| only)
}

/// Whether a part is a thought.
pub(super) fn is_thought(part: &Map<String, Value>) -> bool {
    part.get("thought") == Some(&Value::Bool(true))
}

/// Returns the parts of a turn: the kept ones, or parts made of the reply if none were kept or
/// another provider made the turn.
pub(super) fn parts(reply: &ModelReply, names: &ToolNames, model: &str) -> Vec<Value> {
    let mut parts = kept(reply, names).unwrap_or_else(|| made(reply, names));
    let first = parts.iter_mut().find(|part| part.get(CALL).is_some());
    if let Some(first) = first.and_then(Value::as_object_mut).filter(|_| is_third_generation(model))
    {
        first.entry(SIGNATURE).or_insert_with(|| json!(NOT_SIGNED));
    }
    parts
}

fn kept(reply: &ModelReply, names: &ToolNames) -> Option<Vec<Value>> {
    let mut parts = reply.replay.as_ref()?.get(KEPT)?.as_array()?.clone();
    let calls = parts.iter_mut().filter_map(|part| part.get_mut(CALL)).collect();
    renamed(calls, reply, names).then_some(parts)
}

fn made(reply: &ModelReply, names: &ToolNames) -> Vec<Value> {
    let text = (!reply.text.is_empty()).then(|| json!({"text": reply.text}));
    let calls = reply.calls.iter().map(|call| {
        let args = object(&call.arguments);
        json!({CALL: {"name": names.outward(&call.name), "args": args}})
    });
    text.into_iter().chain(calls).collect()
}

/// Returns the ids of the calls in a turn's parts.
pub(super) fn ids(parts: &[Value]) -> BTreeSet<String> {
    let ids = parts.iter().filter_map(|part| part.get(CALL)?.get("id")?.as_str());
    ids.map(str::to_owned).collect()
}
