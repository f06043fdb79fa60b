//! Completing a prompt on a payer's account, for tools.

use std::fmt;

use async_trait::async_trait;

use crate::cost::Payer;
use crate::error::Result;
use crate::id::CallId;

/// A prompt to complete, without a conversation or tools.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CompletionRequest {
    /// The prompt.
    pub prompt: String,
    /// The model; the default one if absent.
    pub model: Option<String>,
    /// The sampling temperature.
    pub temperature: f64,
    /// The largest number of tokens of the reply.
    pub max_tokens: u32,
}

impl CompletionRequest {
    /// Creates a request to the default model, with the temperature 0.7 and at most 2048 tokens.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), model: None, temperature: 0.7, max_tokens: 2048 }
    }

    /// Sets the model.
    #[must_use]
    pub fn with_model(mut self, model: Option<String>) -> Self {
        self.model = model;
        self
    }

    /// Sets the temperature and the largest number of tokens.
    #[must_use]
    pub const fn with_sampling(mut self, temperature: f64, max_tokens: u32) -> Self {
        self.temperature = temperature;
        self.max_tokens = max_tokens;
        self
    }
}

/// A completed prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completion {
    /// The text of the reply.
    pub text: String,
    /// The model that replied.
    pub model: String,
    /// Whether the reply ends because it reached the largest number of tokens.
    pub is_cut: bool,
}

impl Completion {
    /// Creates a completion.
    pub fn new(text: impl Into<String>, model: impl Into<String>, is_cut: bool) -> Self {
        Self { text: text.into(), model: model.into(), is_cut }
    }
}

/// Completes prompts, and books what they cost.
///
/// # Contract
///
/// 1. The most that a request can cost is held on the payer before it is sent. If a budget refuses the
///    hold, [`complete`](Self::complete) fails with the budget's error, and nothing is sent or booked.
/// 2. What a request has cost is booked on the payer, also if the request fails, or if the future is
///    dropped. A request of a process that was killed is booked in full when its hold has expired.
/// 3. Two completions for one call are booked separately.
#[async_trait]
pub trait Completer: fmt::Debug + Send + Sync + 'static {
    /// Completes a prompt for a call of a payer; the ids that are booked begin with the id of the call.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` or `Unpriced` before anything is sent; `Invalid` for a model that does not exist;
    /// `Model` if it does not reply.
    async fn complete(
        &self,
        payer: &Payer,
        call: &CallId,
        request: &CompletionRequest,
    ) -> Result<Completion>;
}
