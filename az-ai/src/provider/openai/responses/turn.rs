//! Keeps the items of the model's turns, and sends them back.

use crate::provider::tool_names::ToolNames;
use az_core::journal::ModelReply;
use serde_json::{Value, json};

use super::item::{CALL, MESSAGE, REASONING, sort};
use crate::provider::openai::chat::arguments;
use crate::provider::openai::replay::renamed;

/// The key of the replay data.
const KEPT: &str = "responses";

/// Returns the replay data of a turn; `None` when the reply contains everything.
pub(super) fn kept(items: Vec<Value>) -> Option<Box<Value>> {
    let mut items = items;
    // Reasoning that is not encrypted cannot be sent back, because the server does not store it.
    items.retain(|item| {
        sort(item) != REASONING || item.get("encrypted_content").is_some_and(Value::is_string)
    });
    let says_all = |item: &Value| match sort(item) {
        CALL => true,
        // A model that marks intermediate messages requires the marks.
        MESSAGE => item.get("phase").is_none_or(Value::is_null),
        _ => false,
    };
    if items.iter().all(says_all) {
        return None;
    }
    Some(Box::new(json!({ KEPT: items })))
}

/// Returns the items of a turn: the kept ones, or items made of the reply if none were kept or
/// another provider made the turn.
pub(super) fn items(reply: &ModelReply, names: &ToolNames) -> Vec<Value> {
    let kept = reply.replay.as_ref().and_then(|replay| replay.get(KEPT)?.as_array().cloned());
    let is_call = |item: &Value| sort(item) == CALL;
    let kept = kept.and_then(|mut items| {
        let calls = items.iter_mut().filter(|item| is_call(item)).collect();
        renamed(calls, reply, names).then_some(items)
    });
    kept.unwrap_or_else(|| made(reply, names))
}

fn made(reply: &ModelReply, names: &ToolNames) -> Vec<Value> {
    let said = json!({"type": MESSAGE, "role": "assistant", "content": reply.text});
    let said = (!reply.text.is_empty()).then_some(said);
    let calls = reply.calls.iter().map(|call| {
        json!({
            "type": CALL,
            "call_id": call.id,
            "name": names.outward(&call.name),
            "arguments": arguments(call),
        })
    });
    said.into_iter().chain(calls).collect()
}
