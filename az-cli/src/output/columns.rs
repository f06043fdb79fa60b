//! Fits text into columns of a terminal.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::humanize::printable;

/// Returns the first line of `text` in at most this many columns, with `…` if it was cut. Control
/// characters are escaped, and a tab is shown as spaces.
pub fn fit(text: &str, columns: usize) -> String {
    let mut lines = text.trim().lines();
    let mut line = printable(lines.next().unwrap_or_default().trim());
    if lines.next().is_some() {
        line.push('…');
    }
    cut(&line, columns).into_owned()
}

/// Returns a line in at most this many columns, with `…` at its end if it was cut.
pub(super) fn cut(line: &str, columns: usize) -> Cow<'_, str> {
    if most_columns_of(line) <= columns {
        return Cow::Borrowed(line);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(prefix(line, columns - 1).to_owned() + "…")
}

/// Returns the characters that fit. A sequence that is shown as one character, such as an emoji, is not
/// cut.
fn prefix(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        used += most_columns_of(grapheme);
        if used > columns {
            return text.get(..start).unwrap_or_default();
        }
    }
    text
}

/// Returns the columns that terminals use for a text: an emoji sequence is one picture, and letters that
/// a font joins, such as Arabic lam and alef, are as wide as alone.
pub(super) fn columns_of(text: &str) -> usize {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Returns the most columns that a terminal uses for a text.
///
/// Terminals differ: some show an emoji sequence as one picture, others as all of its parts. A line
/// that is a bit short is better than one that wraps.
fn most_columns_of(text: &str) -> usize {
    let parts: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
    parts.max(text.width())
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::fit;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(fit("日本語のコマンド", 10), "日本語の…");
        assert_eq!(fit("日本語のコマンド", 9), "日本語の…");
        assert_eq!(fit("日本語のコマンド", 16), "日本語のコマンド");
        assert_eq!(fit("日本", 1), "…");
        assert_eq!(fit("日本", 0), "");
    }

    #[test]
    fn emoji_sequences_and_combined_characters_are_not_cut() {
        // Up to four columns each: some terminals show the scientist as a woman and a microscope.
        assert_eq!(fit("👩‍🔬👩‍🔬👩‍🔬", 9), "👩‍🔬👩‍🔬…");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(fit("❤️❤️", 3), "❤️…");
    }

    #[test]
    fn tabs_and_escaped_characters_are_counted_as_they_are_shown() {
        assert_eq!(fit("a\tb", 6), "a    b");
        assert_eq!(fit("a\tb", 5), "a   …");
        assert_eq!(fit("a\u{200b}b", 8), "a\\u{200…");
        assert_eq!(fit("\x1b[2Jx", 4), "\\u{…");
    }

    #[test]
    fn only_the_first_line_is_shown() {
        assert_eq!(fit("  first\nsecond", 20), "first…");
        assert_eq!(fit("first\nsecond", 5), "firs…");
        assert_eq!(fit("fits", 4), "fits");
    }

    #[test]
    fn a_line_never_has_more_columns_than_asked_for() {
        let text = "a日👩‍🔬\t\u{301}e\u{301}❤️\u{202e}ﾊﾝｶｸ한국어🇩🇪x";
        for columns in 0..60 {
            assert!(fit(text, columns).width() <= columns, "{columns}");
        }
    }
}
