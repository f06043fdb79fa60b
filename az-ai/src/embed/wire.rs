//! The contract of embeddings APIs.

use std::fmt;

use az_core::Usd;

use crate::error::Refusal;
use crate::provider::openai::OpenAi;
use crate::provider::wire::{Auth, Wire, WireRequest};

/// Translates between texts and one provider's embeddings API. Performs no I/O;
/// [`WireEmbedder`](super::WireEmbedder) sends the requests.
///
/// # Contract
///
/// 1. It is deterministic: the same texts give the same body, the same bytes the same vectors.
/// 2. Vectors are returned in the order of the texts, whatever their order in the response.
/// 3. Unknown fields of a response are ignored; a missing field that is needed makes the response
///    malformed. The caller checks the number and the length of vectors.
pub trait EmbedWire: fmt::Debug + Send + Sync + 'static {
    /// Returns how a key is sent.
    fn auth(&self) -> Auth;

    /// Returns the limits of one request.
    fn limits(&self) -> BatchLimits;

    /// Returns the request to send. `dimensions` are the requested dimensions, if the model's own
    /// are not used.
    fn call(&self, model: &str, texts: &[&str], dimensions: Option<usize>) -> WireRequest;

    /// Reads a response.
    ///
    /// # Errors
    ///
    /// A message that says what is wrong with the response.
    fn response(&self, body: &[u8]) -> Result<EmbedResponse, String>;

    /// Reads an error response. The default implementation reads the format of OpenAI and
    /// compatible servers.
    fn refusal(&self, provider: &str, status: u16, body: &[u8]) -> Refusal {
        OpenAi::default().refusal(provider, status, body)
    }
}

/// A provider's response.
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

/// The limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// The maximum number of texts.
    pub texts: usize,
    /// The maximum number of tokens over all texts.
    pub tokens: u64,
}
