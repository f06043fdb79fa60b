//! What sort of work a text asks for.

use std::fmt;

use super::keywords::{self, Sign};

/// A sort of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Complexity {
    /// A question or a chore that needs neither of the others.
    #[default]
    Simple,
    /// Programs: to write, mend, explain or run them.
    Code,
    /// Conclusions: reasons, comparisons, proofs, plans, calculations.
    Reasoning,
}

impl Complexity {
    /// The names of all of them.
    pub(super) const NAMES: &'static [&'static str] = &["simple", "code", "reasoning"];

    /// Returns the name that rules have for it.
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

/// Tells what sort of work a text asks for.
///
/// # Contract
///
/// 1. It asks nobody, and says the same every time.
/// 2. Any text has an answer, also one that is empty or in no known language.
/// 3. It is quick however long the text is: it is part of every decision.
pub trait ComplexityClassifier: fmt::Debug + Send + Sync + 'static {
    /// Says what sort of work the text asks for.
    fn classify(&self, text: &str) -> Complexity;
}

/// Tells by words and marks, without understanding anything.
///
/// The first 512 bytes are looked at. Signs of code are fenced blocks, names of files with an
/// extension of a language, marks such as `::` and `()`, and words such as `function` or `bug`;
/// signs of reasoning are words such as `why`, `prove` or `compare`, and a text that is long.
/// Words are known in English, German, French, Spanish, Chinese and Japanese. Each sign has a
/// weight of 1 or 2; the heavier side wins if it comes to 2 at least, code if both are equal; else
/// the text is simple.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeywordClassifier;

/// How many bytes are looked at: what is wanted is mostly said first.
const LOOKED_AT: usize = 512;
/// From how many bytes on a text is long.
const LONG: usize = 600;
/// What one side has to come to.
const ENOUGH: u32 = 2;

impl ComplexityClassifier for KeywordClassifier {
    fn classify(&self, text: &str) -> Complexity {
        // Where the cut is within a character, it is made before that.
        let cut = (0..=LOOKED_AT.min(text.len())).rev().find_map(|end| text.get(..end));
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
