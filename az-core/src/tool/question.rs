//! Questions that calls ask a person.

/// A question that a call asks a person before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// The question.
    pub text: String,
    /// The answers to choose from; empty if any text is an answer.
    pub options: Vec<String>,
}

impl Question {
    /// Creates a question that any text answers.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), options: Vec::new() }
    }

    /// Returns `true` if a text is an answer: one of those to choose from, if there are such.
    pub fn takes(&self, text: &str) -> bool {
        self.options.is_empty() || self.options.iter().any(|option| option == text)
    }

    /// Sets the answers to choose from.
    #[must_use]
    pub fn with_options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options = options.into_iter().map(Into::into).collect();
        self
    }
}
