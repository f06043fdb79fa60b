//! What came of a request.

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
    /// What it cost, as far as that is known.
    pub cost: Option<Usd>,
    /// The model that answered, which may be more precise than the one that was asked.
    pub model: String,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}
