//! Estimates the tokens of a request: [`tokens`] the likely number, [`at_most`](at_most()) an upper bound.
//!
//! The two are kept apart. The likely number chooses models, fits conversations into windows and is
//! displayed; holds use the upper bound and nothing else does, because for prose it may be four
//! times the true number.
//!
//! [`tokens`] is a rule of thumb over bytes that errs upwards: of 449 recorded requests to six
//! providers it was too low once (87 for 89), and for a long prompt about twice too high.

mod at_least;
mod at_most;
mod bound;
#[cfg(feature = "vocabularies")]
mod count;
#[cfg(not(feature = "vocabularies"))]
#[path = "estimate/no_count.rs"]
mod count;
#[cfg(test)]
#[cfg(feature = "vocabularies")]
mod tests_against_vocabularies;
mod vocabulary;

pub(crate) use at_least::{Least, reply_at_least, request_at_least};
pub(crate) use at_most::reply_at_most;
pub use at_most::{at_most, text_at_most};
pub use vocabulary::Vocabulary;

use az_core::text::json_size;

use crate::chat::{ChatRequest, Message, ToolDefinition, ToolMessage};

/// Bytes per token. Prose has four, code and JSON about three, other scripts fewer characters but
/// more bytes; three errs on the side of too many tokens.
pub(crate) const BYTES_PER_TOKEN: u64 = 3;
/// Tokens that a provider adds to every request.
const PER_REQUEST: u64 = 64;
/// Tokens of a message besides its content.
const PER_MESSAGE: u64 = 8;
/// Tokens of an image: providers scale large ones down to about this.
const PER_IMAGE: u64 = 1600;
/// Tokens of a tool besides its name, description and schema.
const PER_TOOL: u64 = 16;
/// Tokens that a provider adds when there are tools: between 184 and 568.
const FOR_TOOLS: u64 = 512;

/// Returns the estimated tokens of a request: its messages and its tools.
pub fn tokens(request: &ChatRequest) -> u64 {
    let said = messages(&request.messages).saturating_add(tools(&request.tools));
    said.saturating_add(PER_REQUEST)
}

/// Returns the estimated tokens of messages.
pub fn messages(messages: &[Message]) -> u64 {
    messages.iter().map(message).sum()
}

/// Returns the estimated tokens of tool definitions.
pub fn tools(tools: &[ToolDefinition]) -> u64 {
    if tools.is_empty() {
        return 0;
    }
    let each = tools.iter().map(|tool| {
        let bytes = size(tool.name.len() + tool.description.len()) + json_size(&*tool.schema);
        bytes / BYTES_PER_TOKEN + PER_TOOL
    });
    each.sum::<u64>() + FOR_TOOLS
}

/// Returns the estimated tokens of a text.
pub fn text(text: &str) -> u64 {
    size(text.len()).div_ceil(BYTES_PER_TOKEN)
}

/// Returns the estimated tokens of a tool result.
pub(crate) fn tool_result(result: &ToolMessage) -> u64 {
    let images = size(result.images.len()).saturating_mul(PER_IMAGE);
    size(result.text.len() + result.call_id.len()) / BYTES_PER_TOKEN + images
}

fn message(message: &Message) -> u64 {
    let bytes = match message {
        Message::System { text }
        | Message::User { text, .. }
        | Message::Hint { text }
        | Message::Summary { text, .. }
        | Message::Resumed { text } => size(text.len()),
        Message::Tool(result) => size(result.text.len() + result.call_id.len()),
        Message::Assistant { reply } => {
            let calls = reply
                .calls
                .iter()
                .map(|call| size(call.name.len() + call.id.len()) + json_size(&call.arguments));
            let replayed = reply.replay.as_ref().map_or(0, json_size);
            size(reply.text.len() + reply.reasoning.len()) + calls.sum::<u64>() + replayed
        }
    };
    let images = size(message.images().len()).saturating_mul(PER_IMAGE);
    bytes.div_ceil(BYTES_PER_TOKEN) + images + PER_MESSAGE
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::chat::{ChatRequest, ToolDefinition};

    #[test]
    fn messages_and_tools_both_count() {
        let bare = ChatRequest::prompt("m", "x".repeat(300));
        assert_eq!(super::tokens(&bare), 172);
        let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
        let tool = ToolDefinition::new("filesystem.read", "Reads a file", schema);
        assert_eq!(super::tokens(&bare.with_tools(vec![tool])), 728);
    }
}
