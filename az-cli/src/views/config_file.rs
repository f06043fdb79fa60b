//! A file of the configuration, and what is wrong with it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{ConfigProblem, Layer};

/// A file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ConfigFileView {
    /// The layer.
    pub layer: Layer,
    /// The path.
    pub path: String,
    /// Whether the file exists.
    pub exists: bool,
    /// Whether a project's file is trusted as it is now; `null` for other files.
    pub trusted: Option<bool>,
}

impl ConfigFileView {
    /// Creates the view of a file.
    pub const fn new(layer: Layer, path: String, exists: bool, trusted: Option<bool>) -> Self {
        Self { layer, path, exists, trusted }
    }

    /// Returns the state of the file in words.
    pub fn state_in_words(&self) -> String {
        match (self.exists, self.trusted) {
            (false, _) => "does not exist",
            (true, Some(true)) => "trusted",
            (true, Some(false)) => "not trusted",
            (true, None) => "exists",
        }
        .to_owned()
    }
}

/// The result of the check of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CheckedFileView {
    /// The path.
    pub path: String,
    /// Whether nothing is wrong with it.
    pub valid: bool,
    /// What is wrong with it, in the order of the file.
    pub problems: Vec<ConfigProblemView>,
}

impl CheckedFileView {
    /// Creates the view of a file with these problems.
    pub fn new(path: String, problems: &[ConfigProblem]) -> Self {
        let views = problems.iter().map(ConfigProblemView::from).collect();
        Self { path, valid: problems.is_empty(), problems: views }
    }
}

/// What is wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ConfigProblemView {
    /// The file.
    pub file: String,
    /// The line, from 1; `null` if the problem is not at one place.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
    /// The key; empty for an error of the syntax.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl From<&ConfigProblem> for ConfigProblemView {
    fn from(problem: &ConfigProblem) -> Self {
        Self {
            file: problem.source.clone(),
            line: problem.location.as_ref().map(|location| location.line),
            column: problem.location.as_ref().map(|location| location.column),
            key: problem.key.clone(),
            message: problem.message.clone(),
            suggestion: problem.suggestion.clone(),
        }
    }
}
