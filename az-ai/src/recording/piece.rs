//! Pieces of replies, and when they came.

use serde::{Deserialize, Serialize};

use crate::chat::{Assembler, ChatEvent, Ending};

use super::format::Replied;

/// Pieces that come closer together than this are kept as one, in milliseconds: nobody sees the
/// difference, and a recording has a line for a reply, not a book.
const TOGETHER: u64 = 40;

/// A piece, after the milliseconds from the start of the exchange until it came.
pub type Timed = (u64, Piece);

/// A piece of a reply: a [`ChatEvent`] that is not its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Piece {
    /// Of what the model says.
    Text(String),
    /// Of what it thinks.
    Reasoning(String),
    /// The beginning of a call.
    Call {
        /// Which of the reply's calls.
        index: usize,
        /// The provider's id of it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        id: String,
        /// The tool.
        name: String,
    },
    /// Of a call's arguments.
    Arguments {
        /// Which of the reply's calls.
        index: usize,
        /// The piece, of JSON text.
        text: String,
    },
}

impl Piece {
    /// Returns the piece that an event is; nothing for the end of a reply.
    pub fn of(event: &ChatEvent) -> Option<Self> {
        Some(match event.clone() {
            ChatEvent::TextDelta { text } => Self::Text(text),
            ChatEvent::ReasoningDelta { text } => Self::Reasoning(text),
            ChatEvent::CallStarted { index, id, name } => Self::Call { index, id, name },
            ChatEvent::CallDelta { index, arguments } => Self::Arguments { index, text: arguments },
            ChatEvent::Finished(_) => return None,
        })
    }

    /// Adds a piece that follows at once, where both are of the same text.
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

/// Adds a piece that came so many milliseconds after the start.
pub(super) fn add(pieces: &mut Vec<Timed>, millis: u64, piece: Piece) {
    if let Some((began, last)) = pieces.last_mut()
        && millis.saturating_sub(*began) < TOGETHER
        && last.join(&piece)
    {
        return;
    }
    pieces.push((millis, piece));
}

/// Whether pieces add up to a reply, as far as they say it at all.
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
