//! An upper bound of a text's tokens, whatever vocabulary the model has.

use unicode_normalization::UnicodeNormalization;

/// Returns an upper bound of a text's tokens.
///
/// The bound is a token a byte of UTF-8. It holds for two kinds of vocabulary, and for every other
/// that satisfies the assumptions:
///
/// - Byte-level BPE (OpenAI, Llama 3, Qwen, `DeepSeek`, Mistral's Tekken): each of the 256 bytes is
///   a token, and every merge replaces two tokens by one. A text of n bytes starts as n tokens, and
///   never has more.
/// - `SentencePiece` with byte fallback (Llama 2, Gemma, Mistral's first models): a character that
///   is not in the vocabulary becomes a token a byte, and merges only reduce the number. A space is
///   written as `▁`, which is in every such vocabulary, so it is one token. The blank that some
///   models put before a text counts among the tokens of its message.
///
/// A tokenizer may normalise a text first, which can make it longer: NFKC turns the three bytes of
/// U+FDFA into 33. Each character therefore counts as many bytes as the longest of its forms: its
/// own, NFC and NFKC. A character that normalisation composes of several has no more bytes than they
/// have together (there is a test over all of Unicode).
///
/// Not covered: a vocabulary without one token a byte, or a tokenizer that adds tokens within a
/// text. None in use by a provider is known.
pub(super) fn text(text: &str) -> u64 {
    if text.is_ascii() {
        return super::size(text.len());
    }
    text.chars().map(longest_form).fold(0, u64::saturating_add)
}

/// Returns the bytes of the longest form that normalisation may give a character.
fn longest_form(character: char) -> u64 {
    let own = character.len_utf8();
    if character.is_ascii() {
        return super::size(own);
    }
    let alone = || std::iter::once(character);
    let nfc: usize = alone().nfc().map(char::len_utf8).sum();
    let nfkc: usize = alone().nfkc().map(char::len_utf8).sum();
    super::size(own.max(nfc).max(nfkc))
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;
    use unicode_normalization::char::{compose, decompose_canonical};

    use super::text;

    #[test]
    fn a_text_has_at_most_a_token_a_byte() {
        for (sample, bytes) in [
            ("", 0),
            ("abc", 3),
            ("é", 2),
            ("한국어", 9),
            ("😀", 4),
            ("\u{fdfa}", 33),
            ("\u{958}", 6),
        ] {
            assert_eq!(text(sample), bytes, "{sample}");
        }
    }

    #[test]
    fn composing_characters_never_adds_bytes() {
        for composed in '\0'..=char::MAX {
            let mut parts = Vec::new();
            decompose_canonical(composed, |part| parts.push(part));
            let [.., last] = parts.as_slice() else { continue };
            let before: String = parts.iter().copied().take(parts.len() - 1).nfc().collect();
            if let (Some(first), None) = (before.chars().next(), before.chars().nth(1))
                && compose(first, *last) == Some(composed)
            {
                let bytes = first.len_utf8() + last.len_utf8();
                assert!(composed.len_utf8() <= bytes, "{composed:?}");
            }
        }
    }
}
