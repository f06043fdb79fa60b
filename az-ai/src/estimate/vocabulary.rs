//! The vocabularies of models.

use super::bound;

/// The vocabulary of a model, as far as it is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Vocabulary {
    /// The vocabulary is not public: a text counts a token a byte.
    #[default]
    Unknown,
}

impl Vocabulary {
    /// Returns the vocabulary of a provider's model.
    pub fn of(_provider: &str, _model: &str) -> Self {
        Self::Unknown
    }

    /// Returns an upper bound of a text's tokens.
    pub(super) fn text(self, text: &str) -> u64 {
        match self {
            Self::Unknown => bound::text(text),
        }
    }
}
