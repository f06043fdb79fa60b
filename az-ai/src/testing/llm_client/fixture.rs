//! The fixture of the kit of [`LlmClient`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply};

use crate::chat::ChatRequest;
use crate::client::LlmClient;

/// The behaviour of the simulated provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderBehaviour {
    /// It replies with text and usage.
    Replies,
    /// It replies with text and without usage.
    RepliesWithoutUsage,
    /// It calls tools.
    CallsTools,
    /// It sends text, then the connection breaks.
    Disconnects,
    /// It is rate limited, and asks for a wait of [`RETRY_AFTER`].
    RateLimited,
    /// It rejects the key, with the key in its message.
    RejectsKey,
    /// It does not respond.
    DoesNotRespond,
    /// Its model does not support tools.
    WithoutTools,
    /// It replies with some words, and with this term for the reason that the reply ended.
    EndsWith(&'static str),
}

/// The wait that [`ProviderBehaviour::RateLimited`] asks for.
pub const RETRY_AFTER: Duration = Duration::from_secs(3);

/// A client with a simulated provider.
#[derive(Debug)]
pub struct ClientCase {
    /// The client.
    pub client: Arc<dyn LlmClient>,
    /// The request to send.
    pub request: ChatRequest,
    /// The expected text, for behaviours with a reply.
    pub reply: ModelReply,
    /// The expected usage.
    pub usage: Option<Usage>,
    /// The client's key, if it has one, which must never be printed.
    pub secret: Option<String>,
}

/// Creates clients for the kit.
#[async_trait]
pub trait ClientFixture: Send + Sync {
    /// Creates a client whose provider behaves like this; `None` if the client has no such case.
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase>;

    /// Returns the finish reasons that the provider documents, in its terms, with ours; none when
    /// the client has no terms.
    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        &[]
    }

    /// Returns the number of requests that have reached the provider; `None` if it cannot be
    /// counted.
    async fn requests(&self) -> Option<usize>;

    /// Whether the provider notices a dropped call soon; `None` if it cannot be observed.
    async fn saw_disconnect(&self) -> Option<bool>;
}
