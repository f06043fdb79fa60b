//! Text embeddings.

use std::fmt;

use async_trait::async_trait;

use crate::cost::{Charge, CostEstimate};
use crate::error::Result;

/// Turns texts into vectors whose distance reflects the difference of their meanings.
///
/// # Contract
///
/// 1. There is one vector per text, in the order of the texts; without texts, there are no vectors
///    and no charge.
/// 2. Every vector has [`dimensions`](Self::dimensions) finite numbers.
/// 3. The same text gives the same vector, alone or among others, up to rounding.
/// 4. [`model`](Self::model) changes whenever vectors stop being comparable.
/// 5. The charge covers every request that was made for the texts, and is at most the estimated
///    cost. An unknown price is `None`; a local model is free.
/// 6. [`estimate_cost`](Self::estimate_cost) performs no I/O and is deterministic.
#[async_trait]
pub trait Embedder: fmt::Debug + Send + Sync + 'static {
    /// Returns the model's id, which is stored beside the vectors.
    fn model(&self) -> &str;

    /// Returns the length of each vector.
    fn dimensions(&self) -> usize;

    /// Returns the tokens that embedding these texts sends, and the most that it can cost.
    fn estimate_cost(&self, texts: &[String]) -> CostEstimate;

    /// Embeds texts.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` or `Unpriced` if an account refuses a request before it is sent; a model
    /// error if the provider fails. No vectors are returned then.
    async fn embed(&self, texts: &[String]) -> Result<Embeddings>;
}

/// The vectors of texts, and their charge.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Embeddings {
    /// One vector per text, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// The usage and the cost of all requests.
    pub charge: Charge,
}

impl Embeddings {
    /// Creates the result of embedding texts.
    pub const fn new(vectors: Vec<Vec<f32>>, charge: Charge) -> Self {
        Self { vectors, charge }
    }
}
