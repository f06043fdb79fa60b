//! The contract of a model provider's client.

use std::fmt;

use async_trait::async_trait;
use az_core::Usd;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream};
use crate::error::{Error, Result};

/// Asks a provider's models.
///
/// # Contract
///
/// 1. A call is made once: trying again is the caller's decision, because each attempt is recorded
///    and may be paid for. A client whose one concern is trying again may, and its quote allows for
///    every attempt; it begins no stream anew of which anything was passed on.
/// 2. The deltas of a stream add up to the reply in its `Finished`, which comes once and last.
///    A stream that ends in any other way ends with an error, and after an error comes nothing.
/// 3. An answer that was cut off is an error, never a reply; nothing in it may be acted on.
/// 4. Usage is what the provider said, or nothing. It is never invented; a provider without tokens
///    reports zeros.
/// 5. A request that asks for more than the model's capabilities is refused before it is sent,
///    rather than answered without.
/// 6. A provider that asks for patience is `RateLimited`, with the time it asks for.
/// 7. Dropping a call or a stream abandons it, and closes its connection.
/// 8. No error and no `Debug` output shows a key.
/// 9. [`quote`](Self::quote) and [`capabilities`](Self::capabilities) ask nobody, and say the same
///    every time. A cost is at least what the call can come to, and does not fall with the tokens
///    that the reply may have; an unknown price is no cost, not 0. What a provider does not say
///    that it used is priced by the quote for a reply of as many tokens as it seems to have.
///
/// # Example
///
/// ```
/// use async_trait::async_trait;
/// use az_ai::chat::{ChatReply, ChatRequest, ChatStream, replay};
/// use az_ai::client::{Capabilities, LlmClient, Quote};
/// use az_core::Usd;
/// use az_core::journal::ModelReply;
/// use futures_util::stream::{self, StreamExt, TryStreamExt};
///
/// /// Says the same to everybody.
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
///     fn quote(&self, _request: &ChatRequest) -> Quote {
///         Quote { max_cost: Some(Usd::ZERO), estimated_tokens: 0 }
///     }
///
///     async fn chat(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
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
    /// Returns the provider's name, under which its calls are booked.
    fn provider(&self) -> &str;

    /// Returns what a model can do.
    fn capabilities(&self, model: &str) -> Capabilities;

    /// Returns what a request is expected to come to.
    fn quote(&self, request: &ChatRequest) -> Quote;

    /// Asks, and waits for the whole reply.
    ///
    /// # Errors
    ///
    /// Whatever kept the reply from coming; [`Error::sent`] says whether it may cost something.
    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply>;

    /// Asks, and returns the reply as it comes in. Nothing is sent before the stream is read.
    fn stream(&self, request: &ChatRequest) -> ChatStream;
}

/// What a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Capabilities {
    /// It asks for tools in a form of its own, rather than in its text.
    pub tools: bool,
    /// Its replies come in as they are made.
    pub streaming: bool,
    /// It is shown pictures.
    pub vision: bool,
    /// It answers in a shape that it is given.
    pub formats: bool,
    /// It works on what tools returned itself, and is shown all that is kept of it rather than an
    /// excerpt.
    pub whole_results: bool,
    /// Its steps are decided beforehand: the same call again and again is what was asked for.
    pub plans_ahead: bool,
    /// How many tokens a request and its reply may have together, where that is known.
    pub context_window: Option<u64>,
    /// How many tokens a reply may have, where that is known.
    pub max_output: Option<u64>,
}

impl Capabilities {
    /// Tools, streaming, pictures and shapes; sizes unknown.
    pub const FULL: Self =
        Self { tools: true, streaming: true, vision: true, formats: true, ..Self::TEXT };
    /// Text only; sizes unknown.
    pub const TEXT: Self = Self {
        tools: false,
        streaming: false,
        vision: false,
        formats: false,
        whole_results: false,
        plans_ahead: false,
        context_window: None,
        max_output: None,
    };

    /// Returns them with a context window.
    #[must_use]
    pub const fn with_context_window(mut self, tokens: u64) -> Self {
        self.context_window = Some(tokens);
        self
    }

    /// Returns them with a longest reply.
    #[must_use]
    pub const fn with_max_output(mut self, tokens: u64) -> Self {
        self.max_output = Some(tokens);
        self
    }

    /// Returns them as those of a client that is shown what tools returned whole.
    #[must_use]
    pub const fn with_whole_results(mut self) -> Self {
        self.whole_results = true;
        self
    }

    /// Returns them as those of a client whose steps are decided beforehand.
    #[must_use]
    pub const fn planning_ahead(mut self) -> Self {
        self.plans_ahead = true;
        self
    }

    /// Returns them without tools of the model's own form.
    #[must_use]
    pub const fn without_tools(mut self) -> Self {
        self.tools = false;
        self
    }

    /// Returns them without pictures.
    #[must_use]
    pub const fn without_vision(mut self) -> Self {
        self.vision = false;
        self
    }

    /// Returns them without shapes for answers.
    #[must_use]
    pub const fn without_formats(mut self) -> Self {
        self.formats = false;
        self
    }

    /// Returns them without streaming.
    #[must_use]
    pub const fn without_streaming(mut self) -> Self {
        self.streaming = false;
        self
    }

    /// Checks that a request asks for nothing more, for clause 5.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when it does.
    pub fn check(&self, provider: &str, request: &ChatRequest) -> Result<()> {
        let unsupported =
            |reason: String| Error::Unsupported { provider: provider.to_owned(), reason };
        if !self.tools && !request.tools.is_empty() {
            let model = &request.model;
            return Err(unsupported(format!("{model} has no tools")));
        }
        if !self.vision && request.images().next().is_some() {
            return Err(unsupported(format!("{} sees no pictures", request.model)));
        }
        if !self.formats && request.format.is_some() {
            let model = &request.model;
            return Err(unsupported(format!("{model} answers in no shape that it is given")));
        }
        match self.max_output {
            Some(most) if u64::from(request.max_tokens) > most => Err(unsupported(format!(
                "{} answers with at most {most} tokens, not {}",
                request.model, request.max_tokens
            ))),
            _ => Ok(()),
        }
    }
}

/// What a request is expected to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quote {
    /// The most that it can cost; `None` when the price is unknown.
    pub max_cost: Option<Usd>,
    /// The tokens to be sent.
    pub estimated_tokens: u64,
}

/// Conveniences for callers. Implemented for every [`LlmClient`]; never implement it yourself.
#[async_trait]
pub trait LlmClientExt: LlmClient {
    /// Asks one thing, with the default temperature and length.
    ///
    /// # Errors
    ///
    /// Those of [`LlmClient::chat`].
    async fn generate(&self, model: &str, prompt: &str) -> Result<ChatReply> {
        self.chat(&ChatRequest::prompt(model, prompt)).await
    }

    /// Asks one thing, and returns the text as it comes in.
    fn stream_generate(&self, model: &str, prompt: &str) -> BoxStream<'static, Result<String>> {
        let events = self.stream(&ChatRequest::prompt(model, prompt));
        let texts = events.filter_map(async |event| match event {
            Ok(ChatEvent::TextDelta { text }) => Some(Ok(text)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        texts.boxed()
    }
}

impl<C: LlmClient + ?Sized> LlmClientExt for C {}

/// Returns a stream that is nothing but an error.
pub(crate) fn failed(error: Error) -> ChatStream {
    stream::iter([Err(error)]).boxed()
}
