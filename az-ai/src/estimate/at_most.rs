//! An upper bound of a request's tokens, for holds.

use serde_json::Value;

use super::{Vocabulary, size};
use crate::chat::{ChatRequest, Message, ToolDefinition};

/// Tokens that a provider adds to every request: the template's own words, a date, and a short
/// system prompt of its own (about 100 tokens with gpt-oss, the longest that is documented).
const PER_REQUEST: u64 = 256;
/// Tokens of a message besides its content: markers of its beginning and end, its role, the blank
/// before the text.
const PER_MESSAGE: u64 = 16;
/// Tokens of a tool or a call besides its name, text and JSON.
const PER_TOOL: u64 = 32;
/// Tokens that a provider adds when there are tools: up to 568 are documented.
const FOR_TOOLS: u64 = 640;
/// The most tokens of an image: gpt-4o-mini charges 2,833 and 5,667 a tile, of which there are at
/// most eight. Anthropic's formula gives at most 4,784, Gemini's 258 a tile.
const PER_IMAGE: u64 = 2_833 + 8 * 5_667;

/// Returns an upper bound of a request's tokens, for holds: the messages, the tools, and what the
/// provider adds to them.
pub fn at_most(request: &ChatRequest, vocabulary: Vocabulary) -> u64 {
    let messages = request.messages.iter().map(|message| of_message(message, vocabulary));
    let tools = request.tools.iter().map(|tool| of_tool(tool, vocabulary));
    let for_tools = if request.tools.is_empty() { 0 } else { FOR_TOOLS };
    let format = request.format.as_ref().map_or(0, |format| {
        let texts = [&format.name, &indented(&format.schema)].map(|text| vocabulary.text(text));
        texts.into_iter().fold(PER_TOOL, u64::saturating_add)
    });
    let fixed = PER_REQUEST.saturating_add(for_tools).saturating_add(format);
    messages.chain(tools).fold(fixed, u64::saturating_add)
}

/// Returns an upper bound of a text's tokens.
pub fn text_at_most(text: &str, vocabulary: Vocabulary) -> u64 {
    vocabulary.text(text)
}

/// Returns an upper bound of the tokens of a reply that has these parts.
pub(crate) fn reply_at_most(reply: &az_core::journal::ModelReply, vocabulary: Vocabulary) -> u64 {
    let calls = reply.calls.iter().map(|call| {
        let arguments = call.arguments.to_string();
        let texts = [&call.name, &call.id, &arguments].map(|text| vocabulary.text(text));
        texts.into_iter().fold(PER_TOOL, u64::saturating_add)
    });
    let said = vocabulary.text(&reply.text).saturating_add(vocabulary.text(&reply.reasoning));
    calls.fold(said, u64::saturating_add)
}

fn of_message(message: &Message, vocabulary: Vocabulary) -> u64 {
    let tokens = match message {
        Message::System { text }
        | Message::User { text, .. }
        | Message::Hint { text }
        | Message::Summary { text, .. }
        | Message::Resumed { text } => vocabulary.text(text),
        Message::Tool(result) => {
            vocabulary.text(&result.text).saturating_add(vocabulary.text(&result.call_id))
        }
        Message::Assistant { reply } => {
            let replayed =
                reply.replay.as_ref().map_or(0, |kept| vocabulary.text(&kept.to_string()));
            reply_at_most(reply, vocabulary).saturating_add(replayed)
        }
    };
    let images = size(message.images().len()).saturating_mul(PER_IMAGE);
    tokens.saturating_add(images).saturating_add(PER_MESSAGE)
}

fn of_tool(tool: &ToolDefinition, vocabulary: Vocabulary) -> u64 {
    let texts = [&tool.name, &tool.description, &indented(&tool.schema)];
    texts.map(|text| vocabulary.text(text)).into_iter().fold(PER_TOOL, u64::saturating_add)
}

/// Returns a schema as indented JSON: providers render it in forms of their own, and those that are
/// known are shorter.
fn indented(schema: &Value) -> String {
    // The alternate form of a JSON value is indented, and cannot fail.
    format!("{schema:#}")
}
