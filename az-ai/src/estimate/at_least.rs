//! A lower bound of a text's tokens, to recognise counts that are too small to be true.

use az_core::journal::ModelReply;
use serde_json::Value;

use super::Vocabulary;
use super::count::count;
use crate::chat::{ChatRequest, Message};

/// The most bytes of a token, on average over a text; of ASCII, half as many. The longest tokens of
/// public vocabularies are runs of one character, which are not counted; words in other scripts have up
/// to 40 bytes.
const LONGEST_AVERAGE: u64 = 64;

/// A model may write a text in fewer tokens than its tokenizer: of 160 recorded replies of OpenAI's
/// models two had 3 % and 6 % fewer. One in this many is allowed for.
const FEWER: u64 = 8;

/// Returns the least number of tokens that the texts of a request can have.
pub(crate) fn request_at_least(request: &ChatRequest, vocabulary: Vocabulary) -> u64 {
    let texts = request.messages.iter().map(|message| match message {
        Message::System { text }
        | Message::User { text, .. }
        | Message::Hint { text }
        | Message::Summary { text, .. }
        | Message::Resumed { text } => text_at_least(text, vocabulary),
        Message::Tool(result) => text_at_least(&result.text, vocabulary),
        Message::Assistant { reply } => reply_at_least(reply, vocabulary),
    });
    texts.fold(0, u64::saturating_add)
}

/// Returns the least number of tokens that the text and the calls of a reply can have. A reply that is
/// not empty has at least one. Visible reasoning may be a summary, so it is not counted.
pub(crate) fn reply_at_least(reply: &ModelReply, vocabulary: Vocabulary) -> u64 {
    let calls = reply.calls.iter().map(|call| value_at_least(&call.arguments).max(1));
    let text = count(vocabulary, &reply.text).map_or(0, |tokens| tokens - tokens / FEWER);
    calls.fold(text.max(Least::of(&reply.text).tokens()), u64::saturating_add)
}

/// Returns the least number of tokens of JSON, in whatever form the model wrote it.
fn value_at_least(value: &Value) -> u64 {
    match value {
        Value::String(text) => Least::of(text).tokens(),
        Value::Array(items) => items.iter().map(value_at_least).fold(0, u64::saturating_add),
        Value::Object(fields) => fields.values().map(value_at_least).fold(0, u64::saturating_add),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Returns the least number of tokens of a text: their number where the vocabulary is public, else
/// what [`Least`] proves for all vocabularies.
fn text_at_least(text: &str, vocabulary: Vocabulary) -> u64 {
    count(vocabulary, text).unwrap_or_else(|| Least::of(text).tokens())
}

/// A lower bound of the tokens of a text in any vocabulary, for text that arrives in pieces.
///
/// Two things are counted, and the larger number applies:
///
/// * Words: letters with a blank between them are in different tokens. It holds for every tokenizer that
///   splits a text at blanks first, as those of OpenAI, Llama, Qwen, `DeepSeek`, Mistral and Gemma do; a
///   token then has at most one word, with the blank before it.
/// * Bytes, at most [`LONGEST_AVERAGE`] of them a token, without blanks and repetitions; those of ASCII
///   count twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Least {
    words: u64,
    bytes: u64,
    before: Option<char>,
    /// Whether the word that is being read has a letter.
    in_word: bool,
}

impl Least {
    fn of(text: &str) -> Self {
        let mut least = Self::default();
        least.add(text);
        least
    }

    /// Adds the next piece of the text.
    pub(crate) fn add(&mut self, text: &str) {
        for character in text.chars() {
            let is_repeated = self.before.replace(character) == Some(character);
            if character.is_ascii_whitespace() {
                self.in_word = false;
            } else if !self.in_word && character.is_alphabetic() {
                self.in_word = true;
                self.words = self.words.saturating_add(1);
            }
            if !is_repeated && !character.is_whitespace() {
                let weight = if character.is_ascii() { 2 } else { 1 };
                self.bytes = self.bytes.saturating_add(weight * super::size(character.len_utf8()));
            }
        }
    }

    /// Returns the least number of tokens so far.
    pub(crate) fn tokens(&self) -> u64 {
        self.words.max(self.bytes / LONGEST_AVERAGE)
    }
}

#[cfg(test)]
mod tests {
    use az_core::journal::ModelReply;
    use serde_json::json;

    use super::{Least, reply_at_least, request_at_least};
    use crate::estimate::Vocabulary;

    #[test]
    fn runs_and_blanks_do_not_count() {
        for (text, tokens) in [
            ("-".repeat(10_000), 0),
            (" \n".repeat(10_000), 0),
            ("words ".repeat(640), 640),
            ("a1b2 c-d 3 4".to_owned(), 2),
            ("ab".repeat(64), 4),
        ] {
            assert_eq!(Least::of(&text).tokens(), tokens, "{text:.40}");
        }
    }

    #[cfg(feature = "vocabularies")]
    #[test]
    fn a_reply_may_have_a_few_tokens_fewer_than_its_text_and_a_request_may_not() {
        let text = "words ".repeat(799) + "!";
        let request = crate::chat::ChatRequest::prompt("m", text.clone());
        let vocabulary = Vocabulary::O200k;
        let counted = request_at_least(&request, vocabulary);
        assert!(counted >= 800, "{counted}");
        let digits = ModelReply::text("7 ".repeat(800));
        let least = reply_at_least(&digits, vocabulary);
        assert!((1_390..1_500).contains(&least), "{least} of about 1,600");
    }

    #[test]
    fn pieces_of_a_text_count_as_the_whole() {
        let text = "the quick brown fox, über 9 lazy dogs";
        for (at, _) in text.char_indices() {
            let (head, tail) = text.split_at(at);
            let mut least = Least::default();
            least.add(head);
            least.add(tail);
            assert_eq!(least, Least::of(text), "split at {at}");
        }
    }

    #[test]
    fn the_words_in_the_arguments_of_a_call_count() {
        let mut reply = ModelReply::text("two words");
        let arguments = json!({"content": "three more words", "lines": ["one", 5], "append": true});
        reply.calls = vec![az_core::journal::ToolCall {
            id: "a".to_owned(),
            name: "write".to_owned(),
            arguments,
        }];
        assert_eq!(reply_at_least(&reply, Vocabulary::Unknown), 2 + 4);
    }
}
