//! What is wrong with rules, and where.

use std::fmt;

use crate::error::{Error, hint};
use crate::source::SourceLocation;

/// Rules that were not taken, and all that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError {
    /// At least one.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Where,
    /// What, in words.
    pub what: String,
    /// Names that look like the wrong one.
    pub near: Vec<String>,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// At a location in a file.
    File(SourceLocation),
    /// In a rule that was not read from a file: the how manieth, from 1, and the character of its
    /// condition, from 1, if it is there.
    Rule {
        /// Which rule.
        number: usize,
        /// Which character of its condition.
        character: Option<usize>,
    },
}

impl std::error::Error for RulesError {}

/// Writes a line for each problem.
impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            let line_end = if i == 0 { "" } else { "\n" };
            write!(f, "{line_end}{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.at, self.what, hint(&self.near))
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(location) => location.fmt(f),
            Self::Rule { number, character: None } => write!(f, "routing rule {number}"),
            Self::Rule { number, character: Some(character) } => {
                write!(f, "routing rule {number}, character {character} of its condition")
            }
        }
    }
}

impl From<Problem> for RulesError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl From<RulesError> for Error {
    fn from(error: RulesError) -> Self {
        Self::Setup { provider: "routing".to_owned(), reason: error.to_string() }
    }
}
