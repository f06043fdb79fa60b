//! Marks the ends of the prefixes that the provider caches.
//!
//! A request has at most four marks. For each, the provider looks for a cached prefix that ends there or
//! up to 20 blocks before. Prefixes contain the tools, the system text and the messages, in this order.
//! See <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>.

use serde_json::{Value, json};

use super::conversation::Conversation;
use crate::chat::{ChatRequest, Message};

/// The most marks of messages; one more is that of the tools and the system text.
const MOST_MARKS: usize = 3;

/// Marks the tools and the system text, and the messages at which the latest boundaries of the request
/// are.
///
/// A request without boundaries has a mark at each of its last two user turns: the second to last mark
/// finds the cached prefix even if more has been added since than the provider looks back.
pub(super) fn mark(request: &ChatRequest, tools: &mut [Value], conversation: &mut Conversation) {
    if !is_to_be_cached(request) {
        return;
    }
    let hints = &request.cache;
    // Writing for an hour costs 2 times the price of input instead of 1.25 times, and must come first.
    put(conversation.system.last_mut().or(tools.last_mut()), hints.expects_pause);
    if hints.boundaries.is_empty() {
        let ours = conversation.turns.iter_mut().rev().filter(|turn| turn.role == "user");
        for turn in ours.take(2) {
            put(turn.blocks.last_mut(), false);
        }
        return;
    }
    for boundary in hints.boundaries.iter().rev().take(MOST_MARKS) {
        put(conversation.last_block(*boundary), false);
    }
}

/// Whether the same prefix is likely to be sent again soon: there are tools whose results will
/// follow, or it was sent before. Writing to the cache costs a quarter more than sending, and
/// reading a tenth.
fn is_to_be_cached(request: &ChatRequest) -> bool {
    let spoken = |message: &Message| matches!(message, Message::Assistant { .. });
    !request.tools.is_empty() || request.messages.iter().any(spoken)
}

fn put(block: Option<&mut Value>, for_an_hour: bool) {
    if let Some(block) = block.and_then(Value::as_object_mut) {
        let mark = match for_an_hour {
            true => json!({"type": "ephemeral", "ttl": "1h"}),
            false => json!({"type": "ephemeral"}),
        };
        block.insert("cache_control".to_owned(), mark);
    }
}
