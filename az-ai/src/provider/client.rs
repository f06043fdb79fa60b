//! The client for all wires: sends requests, reads responses, and masks the key in them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::provider::tool_names::ToolNames;
use async_trait::async_trait;
use az_core::cost::Charge;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::ask::AskedModels;
use super::http::{Answer, Credentials, HttpClient};
use super::known;
use super::listing::ListedModel;
use super::pieces::PieceJoiner;
use super::reported::ReportedUsage;
use super::thoughts::{ThoughtSplitter, without_thoughts};
use super::wire::{Answered, Delivery, StreamDecoder, Wire};
use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream, RateLimits, replay};
use crate::client::{Capabilities, CostEstimate, Fact, LearnedFacts, LlmClient, Prepared, failed};
use crate::error::{Error, Refusal, Result};
use crate::estimate;
use crate::key::ApiKey;
use crate::surrogates;

/// The address, the key and the capabilities of a provider.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The provider's name, under which calls are booked.
    pub provider: String,
    /// The base address, to which the wire's paths are appended.
    pub base_url: String,
    /// The key; local servers need none.
    pub api_key: Option<ApiKey>,
    /// The capabilities of its models.
    pub capabilities: Capabilities,
    /// What is learned about its models.
    pub learned: LearnedFacts,
    /// Whether the server is asked what it knows about a model before the first call to it.
    pub describes_models: bool,
}

impl Endpoint {
    /// Creates an endpoint without a key, with all capabilities, that is not asked about models.
    pub fn new(provider: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            base_url: base_url.into(),
            api_key: None,
            capabilities: Capabilities::FULL,
            learned: LearnedFacts::default(),
            describes_models: false,
        }
    }

    /// Returns the endpoint of a server that is asked what it knows about a model before the first
    /// call to it.
    #[must_use]
    pub const fn describing_models(mut self) -> Self {
        self.describes_models = true;
        self
    }

    /// Returns the endpoint with a place for what is learned about its models, which may be shared.
    #[must_use]
    pub fn with_learned(mut self, learned: LearnedFacts) -> Self {
        self.learned = learned;
        self
    }

    /// Returns the endpoint with a key.
    #[must_use]
    pub fn with_api_key(mut self, api_key: ApiKey) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// Returns the endpoint with capabilities.
    #[must_use]
    pub const fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Returns the endpoint with a normalised address.
    pub(crate) fn checked(mut self) -> Result<Self> {
        let (scheme, rest) = self.base_url.trim().split_once("://").unwrap_or_default();
        let scheme = scheme.to_lowercase();
        if !["http", "https"].contains(&scheme.as_str()) {
            return Err(Error::Setup {
                provider: self.provider,
                reason: "its address does not begin with http:// or https://".to_owned(),
            });
        }
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let address = address.trim_end_matches('/');
        // The whole address of the call, as a provider's documentation shows it, is accepted too.
        let paths = ["/chat/completions", "/responses", "/v1/messages", "/api/chat"];
        let base = paths.iter().find_map(|path| address.strip_suffix(path)).unwrap_or(address);
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        self.base_url = format!("{scheme}://{}{query}", base.trim_end_matches('/'));
        Ok(self)
    }

    /// Returns the address of a path: before the query of the base address, if it has one.
    pub(super) fn url(&self, path: &str) -> String {
        match self.base_url.split_once('?') {
            Some((base, query)) if path.contains('?') => format!("{base}{path}&{query}"),
            Some((base, query)) => format!("{base}{path}?{query}"),
            None => format!("{}{path}", self.base_url),
        }
    }
}

/// A client for a provider's API.
pub struct WireClient(Arc<Inner>);

pub(super) struct Inner {
    pub(super) endpoint: Endpoint,
    pub(super) wire: Box<dyn Wire>,
    pub(super) http: HttpClient,
    /// The models that the server was asked about.
    pub(super) asked: AskedModels,
}

impl fmt::Debug for WireClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { endpoint, wire, .. } = &*self.0;
        f.debug_struct("WireClient").field("endpoint", endpoint).field("wire", wire).finish()
    }
}

impl WireClient {
    /// Creates a client that shares the connections of `http`.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the address is not `http://…` or `https://…`.
    pub fn new(endpoint: Endpoint, wire: impl Wire, http: HttpClient) -> Result<Self> {
        let endpoint = endpoint.checked()?;
        let (wire, asked) = (Box::new(wire), AskedModels::default());
        Ok(Self(Arc::new(Inner { endpoint, wire, http, asked })))
    }

    /// Returns the provider's models, in its order.
    ///
    /// # Errors
    ///
    /// The error of the request, and [`Error::Malformed`] when the response is not a list of
    /// models.
    pub async fn models(&self) -> Result<Vec<ListedModel>> {
        self.0.models().await
    }
}

#[async_trait]
impl LlmClient for WireClient {
    fn provider(&self) -> &str {
        &self.0.endpoint.provider
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        self.0.capabilities(model)
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        CostEstimate::new(None, estimate::tokens(request))
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.0.complete(request).await
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let inner = Arc::clone(&self.0);
        if let Err(error) = inner.check(request) {
            return failed(error);
        }
        let request = request.clone();
        if !inner.endpoint.capabilities.streaming {
            let whole = async move { inner.complete(&request).await.map(replay) };
            return stream::once(whole).try_flatten().boxed();
        }
        let opening = async move { inner.open(&request).await };
        stream::once(opening).try_flatten().boxed()
    }

    fn learn(&self, model: &str, fact: Fact) {
        let Endpoint { base_url, learned, .. } = &self.0.endpoint;
        learned.learn(base_url, model, fact);
    }

    async fn prepare(&self, model: &str) -> Prepared {
        self.0.prepare(model).await
    }
}

impl Inner {
    fn capabilities(&self, model: &str) -> Capabilities {
        let Endpoint { base_url, learned, capabilities, .. } = &self.endpoint;
        learned.limit(base_url, model, *capabilities)
    }

    fn check(&self, request: &ChatRequest) -> Result<()> {
        self.capabilities(&request.model).check(&self.endpoint.provider, request)
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.check(request)?;
        let (answer, answered) = self.post(request, Delivery::Whole).await?;
        self.whole(answer, answered, request.max_tokens).await
    }

    /// Reads a complete response.
    async fn whole(
        &self,
        answer: Answer,
        answered: Answered,
        max_tokens: u32,
    ) -> Result<ChatReply> {
        let limits = answer.limits();
        let body = answer.body().await?;
        let credentials = self.credentials();
        let reply = self.wire.reply(&body, answered);
        let mut reply = reply.map_err(|error| {
            let reported = self.reported(&body).charge(max_tokens);
            credentials.clean(error).with_charge(reported)
        })?;
        credentials.clean_reply(&mut reply);
        reply.reply = without_thoughts(reply.reply);
        Ok(ChatReply { limits, ..reply })
    }

    /// Returns the usage in a reply that is of no use.
    fn reported(&self, body: &[u8]) -> ReportedUsage {
        let mut reported = ReportedUsage::default();
        if let Ok(json) = surrogates::parse(body) {
            self.wire.note_usage(&json, &mut reported);
            reported.end();
        }
        reported
    }

    /// Sends a streaming request, and returns the events.
    async fn open(self: Arc<Self>, request: &ChatRequest) -> Result<ChatStream> {
        let (answer, answered) = self.post(request, Delivery::Streamed).await?;
        // Some servers ignore the request for a stream.
        if answer.is_json() {
            return self.whole(answer, answered, request.max_tokens).await.map(replay);
        }
        let reading = Reading {
            decoder: Some(self.wire.decoder(answered)),
            limits: answer.limits(),
            max_tokens: request.max_tokens,
            passed_on: None,
            inner: self,
            answer,
            joiner: PieceJoiner::default(),
            thoughts: ThoughtSplitter::default(),
            ready: VecDeque::new(),
        };
        let events = stream::unfold(reading, async |mut reading| {
            let event = reading.next().await?;
            Some((event, reading))
        });
        Ok(events.boxed())
    }

    /// Sends a POST request.
    async fn post(&self, request: &ChatRequest, delivery: Delivery) -> Result<(Answer, Answered)> {
        let names = ToolNames::new(request.tools.iter().map(|tool| tool.name.as_str()));
        let Endpoint { base_url, learned, .. } = &self.endpoint;
        let request = &learned.adapt(base_url, request);
        let mut call = self.wire.call(request, delivery, &names);
        let rejected = learned.rejected(base_url, &request.model);
        let window = self.capabilities(&request.model).context_window;
        self.wire.adapt(&mut call.body, &rejected, window);
        let url = self.endpoint.url(&call.path);
        let own = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> = self.wire.headers().iter().copied().chain(own).collect();
        let credentials = Credentials { headers: &headers, ..self.credentials() };
        let answer = self.http.post(&url, &credentials, &call.body).await?;
        let answer = match self.accept(answer, request.max_tokens).await {
            Ok(answer) => answer,
            Err(error) => return Err(self.with_near_names(&request.model, error).await),
        };
        let answered = Answered {
            provider: self.endpoint.provider.clone(),
            model: request.model.clone(),
            request_id: answer.request_id(),
            names,
        };
        Ok((answer, answered))
    }

    pub(super) fn credentials(&self) -> Credentials<'_> {
        Credentials {
            provider: &self.endpoint.provider,
            key: self.endpoint.api_key.as_ref(),
            auth: self.wire.auth(),
            headers: self.wire.headers(),
        }
    }

    /// Converts a response without success to an error, with the usage that it reports.
    pub(super) async fn accept(&self, answer: Answer, max_tokens: u32) -> Result<Answer> {
        let Endpoint { provider, base_url, .. } = &self.endpoint;
        let mut reported = ReportedUsage::default();
        let read = |status, body: &[u8]| {
            reported = self.reported(body);
            let is_free = known::is_free(base_url, status);
            Refusal { is_free, ..self.wire.refusal(provider, status, body) }
        };
        let accepted = self.credentials().accept(answer, read).await;
        accepted.map_err(|error| error.with_charge(reported.charge(max_tokens)))
    }
}

/// A stream that is being read. The decoder is dropped at the end of the stream.
struct Reading {
    inner: Arc<Inner>,
    answer: Answer,
    limits: RateLimits,
    max_tokens: u32,
    /// The charge that was passed on last.
    passed_on: Option<Charge>,
    decoder: Option<Box<dyn StreamDecoder>>,
    joiner: PieceJoiner,
    thoughts: ThoughtSplitter,
    ready: VecDeque<ChatEvent>,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<ChatEvent>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            let mut decoder = self.decoder.take()?;
            if let Err(error) = self.read(&mut decoder).await {
                let reported = decoder.reported().charge(self.max_tokens);
                return Some(Err(self.inner.credentials().clean(error).with_charge(reported)));
            }
            if !self.is_finished() {
                self.decoder = Some(decoder);
            }
        }
    }

    /// Reads the next events. A body that ends before the reply is an error.
    async fn read(&mut self, decoder: &mut Box<dyn StreamDecoder>) -> Result<()> {
        let mut events = match self.answer.chunk().await? {
            Some(bytes) => decoder.feed(&bytes)?,
            None => decoder.finish()?,
        };
        if decoder.is_ending() {
            self.answer.is_ending();
        }
        if let Some(ChatEvent::Finished(reply)) = events.last_mut() {
            reply.limits = std::mem::take(&mut self.limits);
        }
        let credentials = self.inner.credentials();
        events.iter_mut().for_each(|event| credentials.clean_event(event));
        let joined = events.into_iter().flat_map(|event| self.joiner.join(event));
        self.ready.extend(joined.flat_map(|event| self.thoughts.split(event)));
        if !self.is_finished() {
            self.report(decoder.reported());
        }
        if !self.ready.is_empty() {
            self.answer.made_progress();
        }
        Ok(())
    }

    /// Passes on the charge so far, if it has changed.
    fn report(&mut self, reported: &ReportedUsage) {
        let charge = reported.charge(self.max_tokens);
        if let Some(charge) = charge.filter(|charge| self.passed_on.as_ref() != Some(charge)) {
            self.passed_on = Some(charge.clone());
            self.ready.push_back(ChatEvent::UsageReported { charge: Box::new(charge) });
        }
    }

    /// Whether the end of the reply has been read.
    fn is_finished(&self) -> bool {
        matches!(self.ready.back(), Some(ChatEvent::Finished(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn addresses_in_any_usual_form_are_accepted() {
        let url = |base: &str, path: &str| {
            Endpoint::new("p", base).checked().map(|endpoint| endpoint.url(path)).ok()
        };
        for (base, path, expected) in [
            ("http://h/v1/", "/models", "http://h/v1/models"),
            (" HTTP://h/v1", "/models", "http://h/v1/models"),
            ("https://h/v1/chat/completions", "/chat/completions", "https://h/v1/chat/completions"),
            ("https://h/v1/messages/", "/v1/messages", "https://h/v1/messages"),
            ("https://h/d?api-version=1", "/responses", "https://h/d/responses?api-version=1"),
            ("https://h/d/?a=1", "/m:stream?alt=sse", "https://h/d/m:stream?alt=sse&a=1"),
        ] {
            assert_eq!(url(base, path).as_deref(), Some(expected), "{base}");
        }
        assert_eq!(url("localhost:8080", "/models"), None);
        assert_eq!(url("ftp://h", "/models"), None);
    }
}
