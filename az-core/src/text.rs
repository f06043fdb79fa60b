//! Sizes of text, and its shortening, with a mark where text was omitted.

mod hidden;

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

pub use hidden::is_hidden;

/// The head and the tail of a text, and the number of bytes omitted between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The first part, or the whole text.
    pub head: String,
    /// The last part; empty if nothing was omitted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
    /// The number of omitted bytes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Excerpt {
    /// Keeps at most `limit` bytes of `text`: two thirds from its head and one third from its tail,
    /// where commands print their results and errors.
    pub fn of(text: &str, limit: usize) -> Self {
        if text.len() <= limit {
            return Self { head: text.to_owned(), tail: String::new(), omitted: 0 };
        }
        let head = text.get(..floor(text, limit / 3 * 2)).unwrap_or_default();
        let tail = text.get(ceil(text, text.len() - limit / 3)..).unwrap_or_default();
        let omitted = text.len() - head.len() - tail.len();
        Self { head: head.to_owned(), tail: tail.to_owned(), omitted }
    }

    /// Returns the text with a line in place of the omitted part.
    pub fn render(&self) -> String {
        if self.omitted == 0 {
            return self.head.clone();
        }
        format!("{}\n[… {} left out …]\n{}", self.head, plural(self.omitted, "byte"), self.tail)
    }

    /// Returns the number of bytes that were kept.
    pub const fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Omits all of it.
    pub(crate) fn clear(&mut self) {
        self.omitted += self.len();
        self.head = String::new();
        self.tail = String::new();
    }

    /// Returns `true` if nothing was kept.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Returns the size of a value as JSON text, in bytes.
pub fn json_size(value: &impl Serialize) -> u64 {
    let mut counter = Counter(0);
    // Values of this program can be written as JSON; if one could not, what was counted so far would
    // be returned.
    serde_json::to_writer(&mut counter, value).ok();
    counter.0
}

/// Counts the bytes that are written.
struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns a count with its noun: `1 step`, `2 steps`, `3 entries`.
pub fn plural<N: Copy + fmt::Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    if n == N::from(1) {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{n} {stem}ies"),
        _ => format!("{n} {noun}s"),
    }
}

/// Returns the largest character boundary at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// Returns the smallest character boundary at or above `at`.
fn ceil(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len())
}

/// Returns the first line of `text` in at most `width` characters, with `…` if it was cut.
pub fn one_line(text: &str, width: usize) -> String {
    let mut lines = text.trim().lines();
    let line = lines.next().unwrap_or_default().trim();
    let more = lines.next().is_some();
    let mut short: String = line.chars().take(width).collect();
    if more || short.len() < line.len() {
        short = short.chars().take(width.saturating_sub(1)).collect();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::{Excerpt, one_line};

    #[test]
    fn an_excerpt_keeps_head_and_tail_and_the_number_of_omitted_bytes() {
        let text = format!("{}{}", "a".repeat(100), "é".repeat(100));
        let cut = Excerpt::of(&text, 30);
        assert_eq!((cut.head.len(), cut.tail.as_str(), cut.omitted), (20, "ééééé", 270));
        assert_eq!(Excerpt::of("short", 30).render(), "short");
    }

    #[test]
    fn one_line_never_shows_more_than_asked() {
        assert_eq!(one_line("  first\nsecond", 20), "first…");
        assert_eq!(one_line("ünïcödé is long", 6), "ünïcö…");
        assert_eq!(one_line("fits", 4), "fits");
    }
}
