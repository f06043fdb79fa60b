//! What came of a request.

use std::time::Duration;

use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::ModelReply;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChatReply {
    /// What the model said.
    pub reply: ModelReply,
    /// What the provider said it used; nothing when it did not say.
    pub usage: Option<Usage>,
    /// What it cost, as far as that is known: what the provider says, else what we compute.
    pub cost: Option<Usd>,
    /// What we compute that it cost, kept beside what the provider says.
    pub computed: Option<Usd>,
    /// The model that answered, which may be more precise than the one that was asked.
    pub model: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// How much more may be asked, where the provider says so.
    pub limits: RateLimits,
}

/// How much more a provider lets us ask, as its headers say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Requests that are left in the present window.
    pub requests_left: Option<u64>,
    /// When that window begins anew, from the answer on.
    pub requests_reset: Option<Duration>,
    /// Tokens that are left in the present window.
    pub tokens_left: Option<u64>,
    /// When that window begins anew, from the answer on.
    pub tokens_reset: Option<Duration>,
}
