//! Text as vectors.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

/// Turns texts into vectors whose nearness means nearness of meaning.
///
/// # Contract
///
/// 1. One vector per text, in the order of the texts; no text, no vector.
/// 2. Every vector has [`dimensions`](Self::dimensions) finite numbers.
/// 3. The same text gives the same vector, alone or among others, up to rounding.
/// 4. [`model`](Self::model) changes whenever vectors stop being comparable.
#[async_trait]
pub trait Embedder: fmt::Debug + Send + Sync + 'static {
    /// Returns the model's id, kept beside the vectors.
    fn model(&self) -> &str;

    /// Returns the length of each vector.
    fn dimensions(&self) -> usize;

    /// Embeds texts.
    ///
    /// # Errors
    ///
    /// A model error when the provider fails; no vectors are returned then.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>>;
}
