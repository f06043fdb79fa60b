//! The position of a request in its task.

use super::message::Message;
use super::request::ChatRequest;

impl ChatRequest {
    /// Returns the number of model turns so far, including those in summaries.
    pub(crate) fn turns(&self) -> usize {
        let turns = self.messages.iter().map(|message| match message {
            Message::Assistant { .. } => 1,
            Message::Summary { turns, .. } => *turns,
            Message::System { .. }
            | Message::User { .. }
            | Message::Hint { .. }
            | Message::Resumed { .. }
            | Message::Tool(_) => 0,
        });
        turns.fold(0, usize::saturating_add)
    }

    /// Returns the first user message, which is the task.
    pub(crate) fn task(&self) -> &str {
        self.messages.iter().find_map(said).unwrap_or_default()
    }

    /// Returns the last user message.
    pub(crate) fn last_user_message(&self) -> Option<&str> {
        self.messages.iter().rev().find_map(said)
    }
}

fn said(message: &Message) -> Option<&str> {
    match message {
        Message::User { text, .. } | Message::Hint { text } => Some(text),
        Message::System { .. }
        | Message::Summary { .. }
        | Message::Resumed { .. }
        | Message::Assistant { .. }
        | Message::Tool(_) => None,
    }
}
