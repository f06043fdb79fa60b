//! The recorded pieces of streamed replies.

use serde::{Deserialize, Serialize};

use crate::chat::{Assembler, ChatEvent, Ending};

use super::format::Replied;

/// Pieces within this many milliseconds are merged, because the difference is not visible and
/// recordings stay small.
const MERGE_MILLIS: u64 = 40;

/// A piece, after the milliseconds between the start of the exchange and its arrival.
pub type Timed = (u64, Piece);

/// A piece of a reply: a [`ChatEvent`] with content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Piece {
    /// Text.
    Text(String),
    /// Reasoning.
    Reasoning(String),
    /// The start of a tool call.
    Call {
        /// The index of the call in the reply.
        index: usize,
        /// The provider's id of the call.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        id: String,
        /// The name of the tool.
        name: String,
    },
    /// Arguments of a call.
    Arguments {
        /// The index of the call in the reply.
        index: usize,
        /// The piece, of JSON text.
        text: String,
    },
}

impl Piece {
    /// Converts an event to a piece; `None` for reports of usage and the end of a reply.
    pub fn of(event: &ChatEvent) -> Option<Self> {
        Some(match event.clone() {
            ChatEvent::TextDelta { text } => Self::Text(text),
            ChatEvent::ReasoningDelta { text } => Self::Reasoning(text),
            ChatEvent::CallStarted { index, id, name } => Self::Call { index, id, name },
            ChatEvent::CallDelta { index, arguments } => Self::Arguments { index, text: arguments },
            ChatEvent::UsageReported { .. } | ChatEvent::Finished(_) => return None,
        })
    }

    /// Appends a piece that follows at once, if both belong to the same text.
    fn join(&mut self, next: &Self) -> bool {
        match (self, next) {
            (Self::Text(text), Self::Text(more))
            | (Self::Reasoning(text), Self::Reasoning(more)) => {
                text.push_str(more);
            }
            (Self::Arguments { index, text }, Self::Arguments { index: other, text: more })
                if index == other =>
            {
                text.push_str(more);
            }
            _ => return false,
        }
        true
    }
}

impl From<Piece> for ChatEvent {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Text(text) => Self::TextDelta { text },
            Piece::Reasoning(text) => Self::ReasoningDelta { text },
            Piece::Call { index, id, name } => Self::CallStarted { index, id, name },
            Piece::Arguments { index, text } => Self::CallDelta { index, arguments: text },
        }
    }
}

/// Adds a piece that arrived this many milliseconds after the start.
pub(super) fn add(pieces: &mut Vec<Timed>, millis: u64, piece: Piece) {
    if let Some((began, last)) = pieces.last_mut()
        && millis.saturating_sub(*began) < MERGE_MILLIS
        && last.join(&piece)
    {
        return;
    }
    pieces.push((millis, piece));
}

/// Whether the pieces add up to a reply, as far as they contain it.
pub(super) fn add_up(pieces: &[Timed], replied: &Replied) -> bool {
    let mut assembler = Assembler::default();
    for (_, piece) in pieces {
        assembler.add(&piece.clone().into());
    }
    let reply = &replied.reply;
    let ending = Ending { finish: reply.finish_reason(), ..Ending::default() };
    let sum = assembler.finish(ending).reply;
    (&sum.text, &sum.reasoning, &sum.calls) == (&reply.text, &reply.reasoning, &reply.calls)
}
