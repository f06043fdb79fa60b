//! What does not fit.

use crate::text::one_line;

/// The most problems that are named.
const MOST: usize = 10;
/// The length of a problem, in characters. Schemas and keys can be long.
const LONGEST: usize = 500;

/// Problems of a value: the first of them in words, and the number of all.
#[derive(Debug, Default)]
pub(super) struct Problems {
    named: Vec<String>,
    count: usize,
    /// Whether one is that the whole value is another one than the schema names.
    pub(super) is_other: bool,
}

impl Problems {
    /// Adds a problem, whose text is made only if it is named.
    pub(super) fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.has_room() {
            self.named.push(one_line(&text(), LONGEST));
        }
    }

    /// Returns whether another problem would be named.
    pub(super) const fn has_room(&self) -> bool {
        self.named.len() < MOST
    }

    /// Adds all problems of another check.
    pub(super) fn append(&mut self, other: Self) {
        self.count += other.count;
        self.is_other |= other.is_other;
        let room = MOST.saturating_sub(self.named.len());
        self.named.extend(other.named.into_iter().take(room));
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Orders alternatives by how much of a value fits them: one for other values is the farthest.
    pub(super) const fn distance(&self) -> (bool, usize) {
        (self.is_other, self.count)
    }

    /// Returns the problems in words, with the number of those that are not named.
    pub(super) fn into_lines(mut self) -> Vec<String> {
        let more = self.count.saturating_sub(self.named.len());
        if more > 0 {
            self.named.push(format!("and {more} more"));
        }
        self.named
    }
}
