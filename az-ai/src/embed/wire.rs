//! What a provider's API has to say to make vectors.

use std::fmt;

use az_core::Usd;

use crate::error::Refusal;
use crate::provider::openai::OpenAi;
use crate::provider::wire::{Auth, Call, Wire};

/// Speaks a provider's API for vectors: from texts to bodies, from bodies to vectors. It sends
/// nothing; [`WireEmbedder`](super::WireEmbedder) does, for all of them alike.
///
/// # Contract
///
/// 1. It is pure: the same texts give the same body, the same bytes the same vectors.
/// 2. Vectors are returned in the order of the texts, whatever order they have in the answer.
/// 3. What it does not know in an answer it passes over; what it needs and does not find makes the
///    answer malformed. Counting and measuring vectors is not its business.
pub trait EmbedWire: fmt::Debug + Send + Sync + 'static {
    /// Says how a key is shown.
    fn auth(&self) -> Auth;

    /// Says how much one request may have.
    fn limits(&self) -> BatchLimits;

    /// Returns what is posted, and where. `dimensions` is how long vectors are to be, where that
    /// is not left to the model.
    fn call(&self, model: &str, texts: &[&str], dimensions: Option<usize>) -> Call;

    /// Reads a response.
    ///
    /// # Errors
    ///
    /// A message that says what is wrong with it.
    fn response(&self, body: &[u8]) -> Result<EmbedResponse, String>;

    /// Reads the answer to a request that was refused; as OpenAI and its look-alikes write it,
    /// unless said otherwise.
    fn refusal(&self, provider: &str, status: u16, body: &[u8]) -> Refusal {
        OpenAi::default().refusal(provider, status, body)
    }
}

/// What a provider returned.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct EmbedResponse {
    /// The vectors, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// The input tokens, if the provider reports them.
    pub tokens: Option<u64>,
    /// The cost, if the provider reports it.
    pub cost: Option<Usd>,
}

impl EmbedResponse {
    /// Creates a response with vectors, and without usage.
    pub fn new(vectors: Vec<Vec<f32>>) -> Self {
        Self { vectors, ..Self::default() }
    }

    /// Sets the reported input tokens.
    #[must_use]
    pub const fn with_tokens(mut self, tokens: Option<u64>) -> Self {
        self.tokens = tokens;
        self
    }

    /// Sets the reported cost.
    #[must_use]
    pub const fn with_cost(mut self, cost: Option<Usd>) -> Self {
        self.cost = cost;
        self
    }
}

/// How much one request may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// The most texts.
    pub texts: usize,
    /// The most tokens, over all texts.
    pub tokens: u64,
}
