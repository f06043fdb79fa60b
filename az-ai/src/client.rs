//! The contract of a model provider's client.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
pub use az_core::cost::CostEstimate;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::chat::{
    ChatEvent, ChatReply, ChatRequest, ChatStream, DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE,
    Message, ToolDefinition,
};
use crate::error::{Error, Result};

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
}

/// What a model supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Native tool calls, as opposed to calls in the reply's text.
    pub tools: bool,
    /// Streamed replies.
    pub streaming: bool,
    /// Image input.
    pub vision: bool,
    /// Structured output: replies that follow a JSON Schema.
    pub formats: bool,
    /// The client processes tool results itself, and gets all of each rather than an excerpt.
    pub whole_results: bool,
    /// Its steps are planned in advance: repeated calls are intended.
    pub has_planned_steps: bool,
    /// The context window: the most tokens of a request and its reply together, where known.
    pub context_window: Option<u64>,
    /// The most tokens of a reply, where known.
    pub max_output: Option<u64>,
}

impl Capabilities {
    /// Tools, streaming, image input and structured output; limits unknown.
    pub const FULL: Self =
        Self { tools: true, streaming: true, vision: true, formats: true, ..Self::TEXT };
    /// Text only; limits unknown.
    pub const TEXT: Self = Self {
        tools: false,
        streaming: false,
        vision: false,
        formats: false,
        whole_results: false,
        has_planned_steps: false,
        context_window: None,
        max_output: None,
    };

    /// Sets the context window, in tokens.
    #[must_use]
    pub const fn with_context_window(mut self, tokens: u64) -> Self {
        self.context_window = Some(tokens);
        self
    }

    /// Sets the maximum of output tokens.
    #[must_use]
    pub const fn with_max_output(mut self, tokens: u64) -> Self {
        self.max_output = Some(tokens);
        self
    }

    /// Adds support for whole tool results.
    #[must_use]
    pub const fn with_whole_results(mut self) -> Self {
        self.whole_results = true;
        self
    }

    /// Adds planned steps.
    #[must_use]
    pub const fn with_planned_steps(mut self) -> Self {
        self.has_planned_steps = true;
        self
    }

    /// Removes support for tool calls.
    #[must_use]
    pub const fn without_tools(mut self) -> Self {
        self.tools = false;
        self
    }

    /// Removes support for image input.
    #[must_use]
    pub const fn without_vision(mut self) -> Self {
        self.vision = false;
        self
    }

    /// Removes support for structured output.
    #[must_use]
    pub const fn without_formats(mut self) -> Self {
        self.formats = false;
        self
    }

    /// Removes support for streaming.
    #[must_use]
    pub const fn without_streaming(mut self) -> Self {
        self.streaming = false;
        self
    }

    /// Returns the capabilities that both have, with the smaller limits.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (known, None) | (None, known) => known,
        };
        Self {
            tools: self.tools && other.tools,
            streaming: self.streaming && other.streaming,
            vision: self.vision && other.vision,
            formats: self.formats && other.formats,
            whole_results: self.whole_results && other.whole_results,
            has_planned_steps: self.has_planned_steps && other.has_planned_steps,
            context_window: least(self.context_window, other.context_window),
            max_output: least(self.max_output, other.max_output),
        }
    }

    /// Checks that a request needs no missing capability, for clause 5.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when it does.
    pub fn check(&self, provider: &str, request: &ChatRequest) -> Result<()> {
        let unsupported =
            |reason: String| Error::Unsupported { provider: provider.to_owned(), reason };
        if !self.tools && !request.tools.is_empty() {
            let model = &request.model;
            return Err(unsupported(format!("{model} does not support tools")));
        }
        if !self.vision && request.images().next().is_some() {
            return Err(unsupported(format!("{} does not support image input", request.model)));
        }
        if !self.formats && request.format.is_some() {
            let model = &request.model;
            return Err(unsupported(format!("{model} does not support structured output")));
        }
        match self.max_output {
            Some(most) if u64::from(request.max_tokens) > most => Err(unsupported(format!(
                "replies of {} have at most {most} tokens; {} were asked for",
                request.model, request.max_tokens
            ))),
            _ => Ok(()),
        }
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
