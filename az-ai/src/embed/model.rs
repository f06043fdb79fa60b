//! Embedding models and the dimensions of their vectors.

/// An embedding model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedModel {
    /// The model, by the provider's name.
    pub name: String,
    /// The dimensions of its vectors.
    pub(super) length: Dimensions,
}

/// The dimensions of a model's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimensions {
    /// Unknown until the first vector was made.
    Unknown,
    /// The model's own dimensions.
    Known(usize),
    /// Dimensions that are sent with each request.
    Requested(usize),
}

impl EmbedModel {
    /// Creates a model. Its dimensions are determined with one request.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), length: Dimensions::Unknown }
    }

    /// Returns the model with known dimensions, which saves the request that determines them.
    #[must_use]
    pub const fn with_known_dimensions(mut self, dimensions: usize) -> Self {
        self.length = Dimensions::Known(dimensions);
        self
    }

    /// Returns the model with dimensions that are sent with each request. Not every model supports
    /// this.
    #[must_use]
    pub const fn with_requested_dimensions(mut self, dimensions: usize) -> Self {
        self.length = Dimensions::Requested(dimensions);
        self
    }

    /// Returns the dimensions to send, if any.
    pub(super) const fn asked(&self) -> Option<usize> {
        match self.length {
            Dimensions::Requested(dimensions) => Some(dimensions),
            Dimensions::Unknown | Dimensions::Known(_) => None,
        }
    }
}
