//! Separates thoughts in tags from the text of a reply.

use az_core::journal::ModelReply;

use crate::chat::ChatEvent;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Turns text in `<think>` tags at the beginning of a streamed reply into reasoning. Models behind
/// servers that do not separate the two write it so.
#[derive(Debug, Default)]
pub(super) struct ThoughtSplitter {
    place: Place,
    /// Text that may be the beginning of a tag.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Thought,
    /// After a thought, before the first character of the text.
    Between,
    Text,
}

impl ThoughtSplitter {
    /// Returns the events for an event.
    pub(super) fn split(&mut self, event: ChatEvent) -> Vec<ChatEvent> {
        match event {
            ChatEvent::TextDelta { text } if self.place == Place::Text => {
                vec![ChatEvent::TextDelta { text }]
            }
            ChatEvent::TextDelta { text } => {
                self.held.push_str(&text);
                self.take()
            }
            ChatEvent::CallStarted { .. } => self.rest().into_iter().chain([event]).collect(),
            ChatEvent::Finished(mut reply) => {
                reply.reply = without_thoughts(reply.reply);
                self.rest().into_iter().chain([ChatEvent::Finished(reply)]).collect()
            }
            event => vec![event],
        }
    }

    /// Returns the events of the text that is held, as far as its meaning is clear.
    fn take(&mut self) -> Vec<ChatEvent> {
        let mut events = Vec::new();
        loop {
            let place = self.place;
            match place {
                Place::Start => self.begin(),
                Place::Thought => events.extend(self.thought()),
                Place::Between => {
                    self.held = self.held.trim_start().to_owned();
                    if !self.held.is_empty() {
                        self.place = Place::Text;
                    }
                }
                Place::Text => events.extend(text(std::mem::take(&mut self.held))),
            }
            if self.place == place {
                return events;
            }
        }
    }

    fn begin(&mut self) {
        let trimmed = self.held.trim_start();
        if let Some(rest) = trimmed.strip_prefix(OPEN) {
            self.held = rest.to_owned();
            self.place = Place::Thought;
        } else if !OPEN.starts_with(trimmed) {
            self.place = Place::Text;
        }
    }

    fn thought(&mut self) -> Option<ChatEvent> {
        if let Some((thought, rest)) = self.held.split_once(CLOSE) {
            let (thought, rest) = (thought.to_owned(), rest.to_owned());
            self.held = rest;
            self.place = Place::Between;
            return reasoning(thought);
        }
        // The end may be the beginning of the tag.
        let is_open =
            |length: &usize| self.held.ends_with(CLOSE.get(..*length).unwrap_or_default());
        let open = (1..CLOSE.len()).rev().find(is_open).unwrap_or_default();
        let open = self.held.split_off(self.held.len() - open);
        reasoning(std::mem::replace(&mut self.held, open))
    }

    /// Returns the text that is still held, at the end of the text.
    fn rest(&mut self) -> Option<ChatEvent> {
        let held = std::mem::take(&mut self.held);
        match std::mem::replace(&mut self.place, Place::Text) {
            Place::Thought => reasoning(held),
            Place::Start | Place::Between | Place::Text => text(held),
        }
    }
}

/// Returns a reply with text in `<think>` tags at its beginning as reasoning.
pub(super) fn without_thoughts(mut reply: ModelReply) -> ModelReply {
    if !reply.text.trim_start().starts_with(OPEN) {
        return reply;
    }
    let mut splitter = ThoughtSplitter::default();
    let mut events = splitter.split(ChatEvent::TextDelta { text: std::mem::take(&mut reply.text) });
    events.extend(splitter.rest());
    for event in events {
        match event {
            ChatEvent::ReasoningDelta { text } => reply.reasoning.push_str(&text),
            ChatEvent::TextDelta { text } => reply.text.push_str(&text),
            _ => {}
        }
    }
    reply
}

fn text(text: String) -> Option<ChatEvent> {
    (!text.is_empty()).then_some(ChatEvent::TextDelta { text })
}

fn reasoning(text: String) -> Option<ChatEvent> {
    (!text.is_empty()).then_some(ChatEvent::ReasoningDelta { text })
}

#[cfg(test)]
mod tests {
    use az_core::journal::ModelReply;

    use super::{ThoughtSplitter, without_thoughts};
    use crate::chat::{Assembler, ChatEvent, ChatReply, Ending};

    #[test]
    fn thoughts_in_tags_are_reasoning_however_the_text_is_split() {
        for (written, reasoning, text) in [
            ("<think>hm</think>\n\nyes", "hm", "yes"),
            (
                "\n<think>\na < b </thi\n</think>yes <think>no</think>",
                "\na < b </thi\n",
                "yes <think>no</think>",
            ),
            ("<think>hm", "hm", ""),
            ("<think>hm</thin", "hm</thin", ""),
            ("<thi", "", "<thi"),
            ("  yes <think>", "", "  yes <think>"),
            ("", "", ""),
        ] {
            let whole = without_thoughts(ModelReply::text(written));
            assert_eq!((whole.reasoning.as_str(), whole.text.as_str()), (reasoning, text));
            for size in 1..=written.len().max(1) {
                let mut splitter = ThoughtSplitter::default();
                let mut assembler = Assembler::default();
                let bytes = written.as_bytes().chunks(size);
                let pieces = bytes.map(|piece| String::from_utf8(piece.to_vec()).unwrap());
                let deltas = pieces.map(|text| ChatEvent::TextDelta { text });
                let reply = ChatReply { reply: ModelReply::text(written), ..ChatReply::default() };
                let end = ChatEvent::Finished(Box::new(reply));
                let mut last = None;
                for event in deltas.chain([end]).flat_map(|event| splitter.split(event)) {
                    assembler.add(&event);
                    last = Some(event);
                }
                let Some(ChatEvent::Finished(finished)) = last else { panic!("{last:?}") };
                assert_eq!(finished.reply, whole, "{written:?} in pieces of {size}");
                assert_eq!(assembler.finish(Ending::default()).reply, whole);
            }
        }
    }
}
