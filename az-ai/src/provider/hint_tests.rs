//! A conversation with a hint, for the tests of all wires.

use crate::chat::{ChatRequest, Message};

/// Returns a request with a hint, and one with a message of the user in its place.
pub(crate) fn hint_and_message(model: &str) -> [ChatRequest; 2] {
    let text = "be brief".to_owned();
    [Message::Hint { text: text.clone() }, Message::user(text)]
        .map(|last| ChatRequest::new(model, vec![Message::user("read a"), last]))
}
