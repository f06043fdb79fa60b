//! A lower bound of a text's tokens, to recognise counts that cannot be true.

use crate::chat::{ChatRequest, Message};

/// The most bytes of a token, on average over a text. The longest tokens of public vocabularies are
/// runs of one character, which are not counted; words in other scripts have up to 40 bytes.
const LONGEST_AVERAGE: u64 = 64;

/// Returns the least number of tokens that the texts of a request can have.
pub(crate) fn request_at_least(request: &ChatRequest) -> u64 {
    let texts = request.messages.iter().map(|message| match message {
        Message::System { text }
        | Message::User { text, .. }
        | Message::Summary { text, .. }
        | Message::Resumed { text } => text,
        Message::Tool(result) => &result.text,
        Message::Assistant { reply } => &reply.text,
    });
    texts.map(|text| text_at_least(text)).fold(0, u64::saturating_add)
}

/// Returns the least number of tokens that a text can have; 0 when it is short.
pub(crate) fn text_at_least(text: &str) -> u64 {
    let mut before = None;
    let mut bytes = 0_u64;
    for character in text.chars() {
        if before.replace(character) != Some(character) && !character.is_whitespace() {
            bytes = bytes.saturating_add(super::size(character.len_utf8()));
        }
    }
    bytes / LONGEST_AVERAGE
}

#[cfg(test)]
mod tests {
    use super::text_at_least;

    #[test]
    fn runs_and_blanks_do_not_count() {
        assert_eq!(text_at_least(&"-".repeat(10_000)), 0);
        assert_eq!(text_at_least(&" \n".repeat(10_000)), 0);
        assert_eq!(text_at_least(&"words ".repeat(640)), 50);
    }
}
