//! Decodes complete responses.

use serde_json::Value;

use super::error;
use super::turn::ReplyTurn;
use crate::chat::ChatReply;
use crate::error::Result;
use crate::provider::wire::Answered;

/// Decodes a reply.
pub(super) fn reply(body: &[u8], answered: Answered) -> Result<ChatReply> {
    let json = answered.json(body)?;
    if let Some(refusal) = error::inside(&answered.provider, &json) {
        return Err(answered.refused(refusal));
    }
    let content = json.get("content").and_then(Value::as_array);
    let content = content.ok_or_else(|| answered.malformed("it has no content"))?;
    let mut turn = ReplyTurn::default();
    turn.note(&json);
    for (index, block) in (0..).zip(content) {
        turn.begin(index, block, &answered)?;
    }
    turn.finish(answered)
}
