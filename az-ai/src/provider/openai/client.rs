//! The client.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::decode::Answered;
use super::stream::StreamDecoder;
use super::{decode, encode, error};
use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream, replay};
use crate::client::{Capabilities, LlmClient, Quote, failed};
use crate::error::{Error, Result};
use crate::estimate;
use crate::key::ApiKey;
use crate::provider::http::{Answer, HttpClient, Post};
use az_core::naming::NameMap;

/// Who is asked, and in which dialect.
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// The provider's name, under which calls are booked.
    pub name: String,
    /// The address up to and without `/chat/completions`.
    pub base_url: String,
    /// The key; servers on one's own machine want none.
    pub api_key: Option<ApiKey>,
    /// What its models can do.
    pub capabilities: Capabilities,
    /// What the longest answer is called.
    pub max_tokens_field: MaxTokensField,
    /// Whether thoughts are sent back.
    pub reasoning: ReasoningReplay,
}

/// What a server calls the longest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaxTokensField {
    /// `max_tokens`, which all look-alikes know.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

/// Whether thoughts are sent back as `reasoning_content`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReasoningReplay {
    /// They are not.
    #[default]
    Never,
    /// With every turn that asked for tools, even when there are none: `DeepSeek` insists on it.
    WithCalls,
}

impl OpenAiConfig {
    /// Returns the settings for OpenAI itself.
    pub fn openai(api_key: ApiKey) -> Self {
        Self {
            api_key: Some(api_key),
            max_tokens_field: MaxTokensField::MaxCompletionTokens,
            ..Self::compatible("openai", "https://api.openai.com/v1")
        }
    }

    /// Returns the settings for a server that looks alike.
    pub fn compatible(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            base_url: base_url.into(),
            api_key: None,
            capabilities: Capabilities::FULL,
            max_tokens_field: MaxTokensField::MaxTokens,
            reasoning: ReasoningReplay::Never,
        }
    }

    /// Returns the settings with a key.
    #[must_use]
    pub fn with_api_key(mut self, api_key: ApiKey) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// Returns the settings with capabilities.
    #[must_use]
    pub const fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Returns the settings with the name of the longest answer.
    #[must_use]
    pub const fn with_max_tokens_field(mut self, field: MaxTokensField) -> Self {
        self.max_tokens_field = field;
        self
    }

    /// Returns the settings with thoughts sent back or not.
    #[must_use]
    pub const fn with_reasoning(mut self, reasoning: ReasoningReplay) -> Self {
        self.reasoning = reasoning;
        self
    }
}

/// A client of a server that speaks chat completions.
pub struct OpenAiClient(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: OpenAiConfig,
    url: String,
    http: HttpClient,
}

impl fmt::Debug for OpenAiClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenAiClient").field(&self.0.config).finish()
    }
}

impl OpenAiClient {
    /// Returns a client that shares `http`'s connections.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the address is not `http://…` or `https://…`.
    pub fn new(config: OpenAiConfig, http: HttpClient) -> Result<Self> {
        let base = config.base_url.trim_end_matches('/');
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Error::Setup {
                provider: config.name,
                reason: "its address does not begin with http:// or https://".to_owned(),
            });
        }
        let url = format!("{base}/chat/completions");
        Ok(Self(Arc::new(Inner { config, url, http })))
    }
}

#[async_trait]
impl LlmClient for OpenAiClient {
    fn provider(&self) -> &str {
        &self.0.config.name
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        self.0.config.capabilities
    }

    fn quote(&self, request: &ChatRequest) -> Quote {
        Quote { max_cost: None, estimated_tokens: estimate::tokens(request) }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.0.chat(request).await
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let inner = Arc::clone(&self.0);
        if let Err(error) = inner.check(request) {
            return failed(error);
        }
        let request = request.clone();
        if !inner.config.capabilities.streaming {
            let whole = async move { inner.chat(&request).await.map(replay) };
            return stream::once(whole).try_flatten().boxed();
        }
        let opening = async move { inner.open(&request).await };
        stream::once(opening).try_flatten().boxed()
    }
}

impl Inner {
    fn check(&self, request: &ChatRequest) -> Result<()> {
        self.config.capabilities.check(&self.config.name, request)
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.check(request)?;
        let names = names(request);
        let body = encode::request(request, &self.config, &names);
        let answer = self.post(&body).await?;
        let answered = self.answered(&answer, request);
        let body = answer.body().await?;
        decode::reply(&body, answered, &names).map_err(|error| self.clean(error))
    }

    /// Sends the request and returns its events as they come in.
    async fn open(self: Arc<Self>, request: &ChatRequest) -> Result<ChatStream> {
        let names = names(request);
        let body = encode::streamed(encode::request(request, &self.config, &names));
        let answer = self.post(&body).await?;
        let answered = self.answered(&answer, request);
        let reading = Reading {
            decoder: Some(StreamDecoder::new(answered, names)),
            inner: self,
            answer,
            ready: VecDeque::new(),
        };
        let events = stream::unfold(reading, async |mut reading| {
            let event = reading.next().await?;
            Some((event, reading))
        });
        Ok(events.boxed())
    }

    /// Posts the body.
    async fn post(&self, body: &Value) -> Result<Answer> {
        let post = Post {
            provider: &self.config.name,
            url: &self.url,
            bearer: self.config.api_key.as_ref(),
            body,
        };
        self.accept(self.http.post(post).await?).await
    }

    /// Gets what is at a path under the base address.
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>> {
        let OpenAiConfig { name, base_url, api_key, .. } = &self.config;
        let url = format!("{}{path}", base_url.trim_end_matches('/'));
        let answer = self.http.get(name, &url, api_key.as_ref()).await?;
        self.accept(answer).await?.body().await
    }

    /// An answer that is no success is an error.
    async fn accept(&self, answer: Answer) -> Result<Answer> {
        let status = answer.status();
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let (retry_after, request_id) = (answer.retry_after(), answer.request_id());
        // The status alone says enough when the body of a refusal does not come.
        let body = answer.body().await.unwrap_or_default();
        let mut refusal = error::refusal(&self.config.name, Some(status), &body);
        refusal.retry_after = retry_after.or(refusal.retry_after);
        refusal.request_id = request_id.or(refusal.request_id);
        Err(self.clean(refusal.into()))
    }

    fn answered(&self, answer: &Answer, request: &ChatRequest) -> Answered {
        Answered {
            provider: self.config.name.clone(),
            model: request.model.clone(),
            request_id: answer.request_id(),
        }
    }

    /// Takes our key out of what a server says, in case it says it back.
    fn clean(&self, error: Error) -> Error {
        let Some(key) = &self.config.api_key else {
            return error;
        };
        match error {
            Error::Refused(mut refusal) => {
                refusal.message = key.redact(&refusal.message);
                refusal.code = refusal.code.map(|code| key.redact(&code));
                Error::Refused(refusal)
            }
            Error::Malformed { provider, reason } => {
                Error::Malformed { provider, reason: key.redact(&reason) }
            }
            other => other,
        }
    }
}

/// A stream being read. The decoder is gone once the stream is over.
struct Reading {
    inner: Arc<Inner>,
    answer: Answer,
    decoder: Option<StreamDecoder>,
    ready: VecDeque<ChatEvent>,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<ChatEvent>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            let decoder = self.decoder.take()?;
            match read(&mut self.answer, decoder).await {
                Ok((events, decoder)) => {
                    self.ready.extend(events);
                    self.decoder = decoder;
                }
                Err(error) => return Some(Err(self.inner.clean(error))),
            }
        }
    }
}

/// Reads on; gives the decoder back unless the reply is finished. The end of the body before the
/// end of the reply is an error.
async fn read(
    answer: &mut Answer,
    mut decoder: StreamDecoder,
) -> Result<(Vec<ChatEvent>, Option<StreamDecoder>)> {
    let Some(bytes) = answer.chunk().await? else {
        return Ok((decoder.finish()?, None));
    };
    let events = decoder.feed(&bytes)?;
    let finished = matches!(events.last(), Some(ChatEvent::Finished(_)));
    Ok((events, (!finished).then_some(decoder)))
}

fn names(request: &ChatRequest) -> NameMap {
    NameMap::new(request.tools.iter().map(|tool| tool.name.as_str()))
}
