//! Errors in rules, with their locations.

use std::fmt;

use crate::error::{Error, hint};
use crate::source::SourceLocation;

/// The error of rules that were not accepted, with all problems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError {
    /// At least one problem.
    pub problems: Vec<Problem>,
}

/// A problem in rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The location.
    pub at: ProblemLocation,
    /// The description.
    pub what: String,
    /// Names similar to the wrong one.
    pub near: Vec<String>,
}

/// The location of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemLocation {
    /// At a location in a file.
    File(SourceLocation),
    /// In a rule that was not read from a file: the number of the rule, from 1, and of the
    /// character in its condition, from 1, if known.
    Rule {
        /// The number of the rule.
        number: usize,
        /// The number of the character in its condition.
        character: Option<usize>,
    },
}

impl std::error::Error for RulesError {}

/// Formats a line for each problem.
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

impl fmt::Display for ProblemLocation {
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
