//! An upper bound of a text's tokens, for holds.

/// Longer runs of letters are not counted as words.
const LONGEST_WORD: u64 = 12;

/// Returns an upper bound of a text's tokens.
///
/// A tokenizer's vocabulary consists of bytes, so a text has no more tokens than bytes. Digits,
/// punctuation, everything but ASCII, and letters in irregular upper and lower case count a token a
/// byte, because they may come near that; words count a token for two letters. Compared with a
/// public vocabulary (`cl100k_base`) the bound is twice too high for prose, and not too low for
/// tables of digits, hashes, base64, hexadecimal dumps, emoji and rare scripts; a third of the
/// bytes, as in [`tokens`](super::tokens), is a third of the real number there.
pub(super) fn text(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut rest = bytes;
    let mut sum = 0_u64;
    while let Some((first, more)) = rest.split_first() {
        let same = |like: fn(&u8) -> bool| rest.iter().take_while(|byte| like(byte)).count();
        let (taken, tokens) = match first {
            byte if byte.is_ascii_alphabetic() => {
                let letters = same(u8::is_ascii_alphabetic);
                (letters, word(rest.get(..letters).unwrap_or(rest)))
            }
            byte if byte.is_ascii_whitespace() => {
                let blanks = same(u8::is_ascii_whitespace);
                // A blank between words is part of the next token.
                let joins = *byte == b' ' && more.first().is_some_and(u8::is_ascii_alphabetic);
                (blanks, if joins { 0 } else { super::size(blanks).div_ceil(2) })
            }
            _ => (1, 1),
        };
        sum = sum.saturating_add(tokens);
        rest = rest.get(taken..).unwrap_or_default();
    }
    sum
}

fn word(letters: &[u8]) -> u64 {
    let many = super::size(letters.len());
    let tail = letters.get(1..).unwrap_or_default();
    let upper = letters.iter().all(u8::is_ascii_uppercase);
    let plain = tail.iter().all(u8::is_ascii_lowercase);
    match many {
        _ if !plain && !upper => many,
        ..=4 if plain => many.div_ceil(3),
        ..=LONGEST_WORD if plain => many.div_ceil(2),
        _ => many.saturating_mul(2).div_ceil(3),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    /// The expected figures are those of `cl100k_base`.
    #[test]
    fn rare_tokens_are_not_underestimated() {
        for (sample, truth) in [
            ("1 2 3 4 5 6 7 8 9 0 ".repeat(10), 200),
            ("17,4,99,60,8\n".repeat(20), 200),
            ("deadbeef0123456789abcdef".repeat(10), 122),
            ("SGVsbG8gd29ybGQh".repeat(10), 110),
            ("😀🎉🚀".repeat(10), 70),
            ("ሰላም ለዓለም ".repeat(10), 220),
            ("The quick brown fox jumps over the lazy dog. ".repeat(10), 101),
        ] {
            let most = text(&sample);
            assert!(most >= truth, "{most} < {truth}: {sample}");
            assert!(most <= 4 * truth, "{most} is far above {truth}: {sample}");
            assert!(most <= u64::try_from(sample.len()).unwrap(), "more tokens than bytes");
        }
        assert_eq!(text(""), 0);
    }
}
