//! A text with its line ends as single characters, and the way back to its bytes.

use std::ops::Range;

use memchr::memchr_iter;

/// A text in which each CR LF is one LF. A CR alone stays.
#[derive(Debug)]
pub(super) struct NormalText {
    pub(super) text: String,
    /// Where the line ends are that were CR LF.
    pairs: Vec<usize>,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    Lf,
    CrLf,
}

impl NormalText {
    pub(super) fn of(original: &str) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut pairs = Vec::new();
        let mut parts = original.split("\r\n");
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            pairs.push(text.len());
            text.push('\n');
            text.push_str(part);
        }
        Self { text, pairs }
    }

    /// Returns the position in the original text of a position in this one.
    pub(super) fn original(&self, at: usize) -> usize {
        at + self.pairs.partition_point(|pair| *pair < at)
    }

    /// Returns how most lines of a part end, of the whole text if there is no line end in the part;
    /// `None` if there is none at all.
    pub(super) fn line_end(&self, part: Range<usize>) -> Option<LineEnd> {
        self.line_end_in(part).or_else(|| self.line_end_in(0..self.text.len()))
    }

    fn line_end_in(&self, part: Range<usize>) -> Option<LineEnd> {
        let bytes = self.text.as_bytes().get(part.clone()).unwrap_or_default();
        let all = count_lines(bytes);
        let before = |at: usize| self.pairs.partition_point(|pair| *pair < at);
        let pairs = before(part.end) - before(part.start);
        (all > 0).then_some(if 2 * pairs >= all { LineEnd::CrLf } else { LineEnd::Lf })
    }
}

/// Returns the number of line ends.
pub(super) fn count_lines(bytes: &[u8]) -> usize {
    memchr_iter(b'\n', bytes).count()
}
