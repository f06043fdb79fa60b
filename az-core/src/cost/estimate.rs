//! The estimated cost of a call.

use serde::{Deserialize, Serialize};

use crate::money::Usd;

/// The estimated tokens of a request, and the most that its call can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CostEstimate {
    /// The most that the call can cost; `None` when the price is unknown.
    pub max_cost: Option<Usd>,
    /// The estimated number of tokens that are sent.
    #[serde(rename = "estimated_tokens", alias = "input_tokens")]
    pub input_tokens: u64,
}

impl CostEstimate {
    /// Creates an estimate.
    pub const fn new(max_cost: Option<Usd>, input_tokens: u64) -> Self {
        Self { max_cost, input_tokens }
    }

    /// Creates the estimate of a call that is free.
    pub const fn free(input_tokens: u64) -> Self {
        Self::new(Some(Usd::ZERO), input_tokens)
    }
}
