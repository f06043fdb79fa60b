//! Shared test data with images in tool results.

use az_core::journal::ModelReply;
use serde_json::json;

use crate::chat::{Image, Message};

/// Returns a turn with two calls, of which the first returned an image.
pub(in crate::provider) fn drawn_and_seen() -> Vec<Message> {
    let png = Image::Inline { media_type: "image/png".to_owned(), data: "aGk=".to_owned() };
    let asked = ModelReply::default().with_call("draw", json!({})).with_call("look", json!({}));
    vec![
        Message::assistant(asked),
        Message::tool_with_images("call_0", "draw", "drawn", vec![png]),
        Message::tool("call_1", "look", "seen"),
    ]
}
