//! The reply to a request.

use std::time::Duration;

use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::ModelReply;

/// The reply to a request, with usage and cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChatReply {
    /// The model's reply.
    pub reply: ModelReply,
    /// The usage that the provider reported; absent when it reported none.
    pub usage: Option<Usage>,
    /// The cost, where known: as the provider reports it, else as computed.
    pub cost: Option<Usd>,
    /// The computed cost, kept beside the one that the provider reports.
    pub computed: Option<Usd>,
    /// What the provider's cache saved, by the prices of the computed cost; `None` if it is unknown, or
    /// no input was cached.
    pub saved: Option<Usd>,
    /// The model that replied, which may be more specific than the one in the request.
    pub model: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The remaining rate limit, where the provider reports it.
    pub limits: RateLimits,
}

/// The remaining rate limit that a provider reports in its headers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// The number of requests left in the current window.
    pub requests_left: Option<u64>,
    /// The time until that window resets, from the reply on.
    pub requests_reset: Option<Duration>,
    /// The number of tokens left in the current window.
    pub tokens_left: Option<u64>,
    /// The time until that window resets, from the reply on.
    pub tokens_reset: Option<Duration>,
}
