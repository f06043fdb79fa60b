//! The contract of a model provider's client.

mod capabilities;
mod learned;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
pub use az_core::cost::CostEstimate;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};

use crate::chat::{
    ChatEvent, ChatReply, ChatRequest, ChatStream, DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE,
    Message, ToolDefinition,
};
use crate::error::{Error, Result};

pub use capabilities::Capabilities;
pub(crate) use capabilities::SHORTEST_REPLY;
pub use learned::{Fact, LearnedFacts, Parameter, Prepared};

/// A client for a provider's models.
///
/// # Contract
///
/// 1. One call is one attempt: retries are made by the caller, because each attempt is recorded and
///    may cost money. A client whose purpose is to retry may do so; its cost estimate covers every
///    attempt, and it does not restart a stream after passing on a part of it.
/// 2. The deltas of a stream add up to the reply in its `Finished` event, which comes once, as the
///    last one. A stream that ends without it ends with an error, and nothing follows an error.
/// 3. A reply that was cut off is an error. Nothing in it may be executed.
/// 4. Usage is what the provider reported, or absent. It is never invented; a provider without
///    tokens reports zeros. A stream may pass it on as it arrives, before the end; a failure after
///    usage was reported has it as its charge.
/// 5. A request that needs more than the model's capabilities is refused before it is sent.
/// 6. A rate limit is `RateLimited`, with the wait that the provider asks for.
/// 7. Dropping a call or a stream abandons it, and closes its connection.
/// 8. No error and no `Debug` output shows a key.
/// 9. [`estimate_cost`](Self::estimate_cost) and [`capabilities`](Self::capabilities) perform no
///    I/O and are deterministic. The estimated cost is an upper bound, and does not fall as the
///    reply is allowed more tokens; an unknown price is `None`, not 0. Usage that the provider does
///    not report is priced by the estimate for a reply of the same length.
/// 10. The reason that a reply ended is a [`FinishReason`](az_core::journal::FinishReason), with the
///     provider's term beside it. Every term that the provider documents has its reason; an unknown
///     term is `Other`. A refusal, a filtered reply and one that ended with an error may be errors
///     instead.
/// 11. A fact that the client was told by [`learn`](Self::learn), or learned by
///     [`prepare`](Self::prepare), holds for later requests to the model, and for no other model:
///     [`capabilities`](Self::capabilities) has it. Nothing else changes the capabilities.
///
/// # Example
///
/// ```
/// use async_trait::async_trait;
/// use az_ai::chat::{ChatReply, ChatRequest, ChatStream, replay};
/// use az_ai::client::{Capabilities, CostEstimate, LlmClient};
/// use az_core::Usd;
/// use az_core::journal::ModelReply;
/// use futures_util::stream::{self, StreamExt, TryStreamExt};
///
/// /// Returns the same reply to every request.
/// #[derive(Debug)]
/// struct Parrot;
///
/// impl Parrot {
///     fn squawk(request: &ChatRequest) -> az_ai::Result<ChatReply> {
///         Capabilities::TEXT.check("parrot", request)?;
///         let model = request.model.clone();
///         Ok(ChatReply { reply: ModelReply::text("hello"), model, ..ChatReply::default() })
///     }
/// }
///
/// #[async_trait]
/// impl LlmClient for Parrot {
///     fn provider(&self) -> &str {
///         "parrot"
///     }
///
///     fn capabilities(&self, _model: &str) -> Capabilities {
///         Capabilities::TEXT
///     }
///
///     fn estimate_cost(&self, _request: &ChatRequest) -> CostEstimate {
///         CostEstimate::free(0)
///     }
///
///     async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
///         Self::squawk(request)
///     }
///
///     fn stream(&self, request: &ChatRequest) -> ChatStream {
///         let reply = Self::squawk(request).map(replay);
///         stream::iter([reply]).try_flatten().boxed()
///     }
/// }
/// ```
#[async_trait]
pub trait LlmClient: fmt::Debug + Send + Sync + 'static {
    /// Returns the provider's name, under which calls are booked.
    fn provider(&self) -> &str;

    /// Returns the capabilities of a model.
    fn capabilities(&self, model: &str) -> Capabilities;

    /// Returns what a request sends, and the most that it can cost.
    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate;

    /// Sends a request, and returns the complete reply.
    ///
    /// # Errors
    ///
    /// The failure; [`Error::sent`] says whether the request may cost something.
    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply>;

    /// Sends a request, and returns the reply as a stream. Nothing is sent before it is polled.
    fn stream(&self, request: &ChatRequest) -> ChatStream;

    /// Tells the client a fact about a model that a refusal or a reply has shown.
    fn learn(&self, _model: &str, _fact: Fact) {}

    /// Asks the server what it knows about a model, at most once for each; it costs nothing.
    async fn prepare(&self, _model: &str) -> Prepared {
        Prepared::READY
    }
}

/// Options of [`LlmClientExt::generate`] and its siblings.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GenerateOptions {
    /// The sampling temperature; the provider's default when absent.
    pub temperature: Option<f32>,
    /// The maximum of output tokens.
    pub max_tokens: u32,
    /// The tools that the model may call.
    pub tools: Arc<[ToolDefinition]>,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        let temperature = Some(DEFAULT_TEMPERATURE);
        Self { temperature, max_tokens: DEFAULT_MAX_TOKENS, tools: Arc::default() }
    }
}

impl GenerateOptions {
    /// Sets the temperature.
    #[must_use]
    pub const fn with_temperature(mut self, temperature: Option<f32>) -> Self {
        self.temperature = temperature;
        self
    }

    /// Sets the maximum of output tokens.
    #[must_use]
    pub const fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = max_tokens;
        self
    }

    /// Sets the tools that the model may call.
    #[must_use]
    pub fn with_tools(mut self, tools: impl Into<Arc<[ToolDefinition]>>) -> Self {
        self.tools = tools.into();
        self
    }

    fn request(&self, model: &str, messages: Vec<Message>) -> ChatRequest {
        ChatRequest::new(model, messages)
            .with_temperature(self.temperature)
            .with_max_tokens(self.max_tokens)
            .with_tools(Arc::clone(&self.tools))
    }
}

/// Conveniences for callers. Implemented for every [`LlmClient`]; never implement it yourself.
///
/// Pass `&GenerateOptions::default()` for a temperature of 0.7, replies of up to 2048 tokens and no
/// tools.
#[async_trait]
pub trait LlmClientExt: LlmClient {
    /// Sends a prompt, and returns the reply.
    ///
    /// # Errors
    ///
    /// Those of [`LlmClient::complete`].
    async fn generate(
        &self,
        prompt: &str,
        model: &str,
        options: &GenerateOptions,
    ) -> Result<ChatReply> {
        self.complete(&options.request(model, vec![Message::user(prompt)])).await
    }

    /// Sends a conversation, and returns the reply.
    ///
    /// # Errors
    ///
    /// Those of [`LlmClient::complete`].
    async fn chat(
        &self,
        messages: Vec<Message>,
        model: &str,
        options: &GenerateOptions,
    ) -> Result<ChatReply> {
        self.complete(&options.request(model, messages)).await
    }

    /// Sends a prompt, and returns the text of the reply as a stream.
    fn stream_generate(
        &self,
        prompt: &str,
        model: &str,
        options: &GenerateOptions,
    ) -> BoxStream<'static, Result<String>> {
        let events = self.stream(&options.request(model, vec![Message::user(prompt)]));
        let texts = events.filter_map(async |event| match event {
            Ok(ChatEvent::TextDelta { text }) => Some(Ok(text)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        texts.boxed()
    }
}

impl<C: LlmClient + ?Sized> LlmClientExt for C {}

/// Returns a stream that consists of an error.
pub(crate) fn failed(error: Error) -> ChatStream {
    stream::iter([Err(error)]).boxed()
}
