//! Which model makes vectors, and how long they are.

/// A model that makes vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedModel {
    /// Its name, by the provider.
    pub name: String,
    /// How long its vectors are.
    pub(super) length: Length,
}

/// How long vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// Nobody has said: one has to be made to see.
    Unknown,
    /// As long as the model makes them, which is this.
    Known(usize),
    /// This, which the model is told.
    Asked(usize),
}

impl EmbedModel {
    /// Returns a model. How long its vectors are is asked once.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), length: Length::Unknown }
    }

    /// Returns the model as one whose vectors are known to have so many dimensions, so that nobody
    /// has to be asked.
    #[must_use]
    pub const fn with_known_dimensions(mut self, dimensions: usize) -> Self {
        self.length = Length::Known(dimensions);
        self
    }

    /// Returns the model as one that is told to make vectors of so many dimensions, which not
    /// every model can.
    #[must_use]
    pub const fn shortened_to(mut self, dimensions: usize) -> Self {
        self.length = Length::Asked(dimensions);
        self
    }

    /// Returns what the model is to be told.
    pub(super) const fn asked(&self) -> Option<usize> {
        match self.length {
            Length::Asked(dimensions) => Some(dimensions),
            Length::Unknown | Length::Known(_) => None,
        }
    }
}
