//! What is wrong with a configuration, and where.

use std::fmt;
use std::io;
use std::ops::Range;

use az_ai::source::SourceLocation;

use super::excerpt::Excerpt;

/// What is wrong at one place of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The key that it concerns; empty for an error of the syntax.
    pub(super) key: String,
    /// The bytes that are wrong.
    pub(super) span: Range<usize>,
    /// What is wrong. It does not quote what may be a secret.
    pub(super) message: String,
    /// What was probably meant.
    pub(super) suggestion: Option<String>,
    /// Whether the text is not TOML here.
    pub(super) syntax: bool,
}

impl Problem {
    pub(super) fn new(key: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { key: key.to_owned(), span, message: message.into(), suggestion: None, syntax: false }
    }

    /// Returns the problem with its place in a file.
    pub(super) fn located(self, file: &str, text: &str) -> ConfigProblem {
        let location = SourceLocation::in_text(file, text, self.span.start);
        let excerpt = Excerpt::new(text, &self.span, &self.key);
        let Self { key, message, suggestion, syntax, .. } = self;
        let (source, location) = (file.to_owned(), Some(location));
        ConfigProblem { source, location, key, message, suggestion, excerpt: Some(excerpt), syntax }
    }

    /// Returns the problem of a value that comes from an option or a variable.
    pub(super) fn without_place(self, source: &str) -> ConfigProblem {
        let Self { key, message, suggestion, syntax, .. } = self;
        let source = source.to_owned();
        ConfigProblem { source, location: None, key, message, suggestion, excerpt: None, syntax }
    }
}

/// What is wrong at one place of a file, or with a value that is not in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigProblem {
    /// The file, the option or the variable.
    pub source: String,
    /// Where it is in the file.
    pub location: Option<SourceLocation>,
    /// The key that it concerns; empty for an error of the syntax.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// The line of the text.
    pub excerpt: Option<Excerpt>,
    syntax: bool,
}

/// Formats `file:line:column: what is wrong`, the line, and carets below what is wrong.
impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}: ")?,
            None => write!(f, "{}: ", self.source)?,
        }
        self.fmt_message(f)?;
        match &self.excerpt {
            Some(excerpt) => write!(f, "\n{excerpt}"),
            None => Ok(()),
        }
    }
}

impl ConfigProblem {
    pub(super) fn new(location: SourceLocation, message: impl Into<String>) -> Self {
        let (source, message) = (location.file.clone(), message.into());
        let (location, key) = (Some(location), String::new());
        Self { source, location, key, message, suggestion: None, excerpt: None, syntax: true }
    }

    /// Whether the text is not TOML here.
    pub const fn is_syntax(&self) -> bool {
        self.syntax
    }

    /// Returns the message with the suggestion, without the place.
    pub fn in_words(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        self.fmt_message(&mut text).ok();
        text
    }

    fn fmt_message(&self, f: &mut dyn fmt::Write) -> fmt::Result {
        match self.key.as_str() {
            "" => f.write_str(&self.message)?,
            key => write!(f, "{key}: {}", self.message)?,
        }
        match &self.suggestion {
            Some(suggestion) => write!(f, "; did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

/// Why settings could not be read, resolved or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file is invalid: all that is wrong with it, in the order of the file.
    #[error("{}", listed(.0))]
    Invalid(Vec<ConfigProblem>),
    /// A setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// A file was changed by another program.
    #[error("{0}")]
    Changed(String),
    /// A file cannot be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
}

impl ConfigError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

fn listed(problems: &[ConfigProblem]) -> String {
    let lines = problems.iter().map(ToString::to_string);
    lines.collect::<Vec<_>>().join("\n")
}
