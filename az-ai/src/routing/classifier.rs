//! Classifies the kind of work that a prompt requests.

use std::fmt;

use super::keywords::{self, Sign};

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Complexity {
    /// Everything that is neither of the others, such as questions and chores.
    #[default]
    Simple,
    /// Programming: writing, fixing, explaining or running code.
    Code,
    /// Reasoning: conclusions, comparisons, proofs, plans, calculations.
    Reasoning,
}

impl Complexity {
    /// The names of all kinds.
    pub(super) const NAMES: &'static [&'static str] = &["simple", "code", "reasoning"];

    /// Returns the name of the kind in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Code => "code",
            Self::Reasoning => "reasoning",
        }
    }
}

impl fmt::Display for Complexity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Classifies the kind of work that a prompt requests.
///
/// # Contract
///
/// 1. It performs no I/O, and is deterministic.
/// 2. Every text has a result, including an empty one and one in an unknown language.
/// 3. It is fast for texts of any length, because every routing decision may include it.
pub trait ComplexityClassifier: fmt::Debug + Send + Sync + 'static {
    /// Returns the kind of work that the text requests.
    fn classify(&self, text: &str) -> Complexity;
}

/// A classifier by keywords and punctuation.
///
/// Reads the first 512 bytes. Signs of code are fenced blocks, file names with an extension of a
/// programming language, marks such as `::` and `()`, and words such as `function` or `bug`; signs
/// of reasoning are words such as `why`, `prove` or `compare`, and a long text. There are keywords
/// in English, German, French, Spanish, Chinese and Japanese. Each sign has a weight of 1 or 2; the
/// kind with the greater weight is chosen if that is at least 2, code if both are equal; otherwise
/// the text is simple.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeywordClassifier;

/// The number of bytes that are read: the request is usually at the beginning.
const MAX_BYTES: usize = 512;
/// The length from which a text is long, in bytes.
const LONG: usize = 600;
/// The least total weight.
const ENOUGH: u32 = 2;

impl ComplexityClassifier for KeywordClassifier {
    fn classify(&self, text: &str) -> Complexity {
        // A cut within a character is moved before it.
        let cut = (0..=MAX_BYTES.min(text.len())).rev().find_map(|end| text.get(..end));
        let start = cut.unwrap_or_default();
        let mut code = 0;
        let mut reasoning = u32::from(text.len() >= LONG);
        keywords::signs(start, |sign| match sign {
            Sign::Code(weight) => code += weight,
            Sign::Reasoning(weight) => reasoning += weight,
        });
        if code >= ENOUGH && code >= reasoning {
            Complexity::Code
        } else if reasoning >= ENOUGH {
            Complexity::Reasoning
        } else {
            Complexity::Simple
        }
    }
}

#[cfg(test)]
mod tests;
