//! Joins characters that are split between the pieces of a stream.

use crate::chat::ChatEvent;
use crate::surrogates::{mend_string, take_open_end};

/// Holds back the first half of a character until the second half comes with the next piece of the
/// same text.
#[derive(Debug, Default)]
pub(super) struct PieceJoiner {
    /// The half, and an empty piece of its text.
    open: Option<(String, ChatEvent)>,
}

impl PieceJoiner {
    /// Returns the events for an event.
    pub(super) fn join(&mut self, mut event: ChatEvent) -> Vec<ChatEvent> {
        let mut ready = Vec::new();
        if let Some((half, mut before)) = self.open.take() {
            let is_same = before == emptied(&event);
            match text(&mut event) {
                Some(piece) if is_same => piece.insert_str(0, &half),
                _ => {
                    text(&mut before).into_iter().for_each(|piece| piece.push_str(&half));
                    ready.push(before);
                }
            }
        }
        let half = text(&mut event).and_then(take_open_end);
        self.open = half.map(|half| (half, emptied(&event)));
        let is_empty = text(&mut event).is_some_and(|piece| piece.is_empty());
        if !(is_empty && self.open.is_some()) {
            ready.push(event);
        }
        ready.iter_mut().filter_map(text).for_each(mend_string);
        ready
    }
}

fn text(event: &mut ChatEvent) -> Option<&mut String> {
    match event {
        ChatEvent::TextDelta { text } | ChatEvent::ReasoningDelta { text } => Some(text),
        ChatEvent::CallDelta { arguments, .. } => Some(arguments),
        ChatEvent::CallStarted { .. }
        | ChatEvent::UsageReported { .. }
        | ChatEvent::Finished(_) => None,
    }
}

/// Returns an empty piece of the same text.
fn emptied(event: &ChatEvent) -> ChatEvent {
    let mut event = event.clone();
    text(&mut event).into_iter().for_each(String::clear);
    event
}
