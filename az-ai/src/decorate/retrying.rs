//! Tries again, and then somewhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use az_core::Usd;
use az_core::engine::RetryPolicy;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream};
use crate::client::{Capabilities, LlmClient, Quote};
use crate::error::{Error, Result};
use crate::fallback;
use crate::resolver::ResolvedModel;

/// Asks a model again when its failure may pass, and the next one when it does not.
///
/// It answers for one model that is several: whichever name a request has, each candidate is asked
/// by its own. A request may ask for what all of them can do.
///
/// A provider that asks for patience gets it up to the policy's; one that asks for more is passed
/// over for the next candidate. A stream begins anew only while nothing of it has been passed on:
/// what breaks later is the caller's.
///
/// Tasks do not need it. The engine makes every attempt itself, so that each has its own hold, its
/// own record and its own place in the ledger; here the attempts that failed are not told of, and
/// [`quote`](LlmClient::quote) allows for all of them. Metering goes inside:
/// `RetryingClient` around [`MeteredClient`](super::MeteredClient)s books every attempt.
#[derive(Debug, Clone)]
pub struct RetryingClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    first: ResolvedModel,
    others: Vec<ResolvedModel>,
    policy: RetryPolicy,
    /// Spreads the waits; moves on with every request, so that those that fail together do not
    /// come back together.
    seed: AtomicU64,
}

impl RetryingClient {
    /// Returns a client that asks one model.
    pub fn new(first: ResolvedModel, policy: RetryPolicy) -> Self {
        Self::build(first, Vec::new(), policy, 0)
    }

    /// Returns the client with more to ask, in this order, when those before have failed.
    #[must_use]
    pub fn with_others(self, others: impl IntoIterator<Item = ResolvedModel>) -> Self {
        let Inner { first, policy, seed, .. } = &*self.0;
        let all = self.0.others.iter().cloned().chain(others).collect();
        Self::build(first.clone(), all, *policy, seed.load(Ordering::Relaxed))
    }

    /// Returns the client with a number that its waits are spread by: another one in each process.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        let Inner { first, others, policy, .. } = &*self.0;
        Self::build(first.clone(), others.clone(), *policy, seed)
    }

    fn build(
        first: ResolvedModel,
        others: Vec<ResolvedModel>,
        policy: RetryPolicy,
        seed: u64,
    ) -> Self {
        Self(Arc::new(Inner { first, others, policy, seed: AtomicU64::new(seed) }))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmClient for RetryingClient {
    fn provider(&self) -> &str {
        self.0.first.client.provider()
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        let each = self.0.candidates().map(|one| one.client.capabilities(&one.model));
        each.reduce(common).unwrap_or_default()
    }

    fn quote(&self, request: &ChatRequest) -> Quote {
        let quotes = self.0.candidates().map(|one| one.client.quote(&by_name(one, request)));
        let attempts = i64::from(self.0.policy.attempts.max(1));
        let nothing = Quote { max_cost: Some(Usd::ZERO), estimated_tokens: 0 };
        quotes.fold(nothing, |sum, quote| Quote {
            max_cost: sum.max_cost.zip(quote.max_cost).map(|(sum, each)| {
                sum.plus(Usd::from_nanos(each.nanos().saturating_mul(attempts)))
            }),
            estimated_tokens: sum.estimated_tokens.max(quote.estimated_tokens),
        })
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.capabilities(&request.model).check(self.provider(), request)?;
        let ask = |client: Arc<dyn LlmClient>, request: ChatRequest| {
            async move { client.chat(&request).await }.boxed()
        };
        self.0.ask(request, ask).await
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (this, request) = (self.clone(), request.clone());
        let opening = async move {
            this.capabilities(&request.model).check(this.provider(), &request)?;
            this.0.ask(&request, |client, request| begin(client, request).boxed()).await
        };
        stream::once(opening).try_flatten().boxed()
    }
}

/// Reads a stream up to its first piece: what goes wrong before it can be tried again.
async fn begin(client: Arc<dyn LlmClient>, request: ChatRequest) -> Result<ChatStream> {
    let mut events = client.stream(&request);
    let first: ChatEvent = match events.next().await {
        Some(first) => first?,
        None => return Err(Error::Truncated { provider: client.provider().to_owned() }),
    };
    Ok(stream::iter([Ok(first)]).chain(events).boxed())
}

impl Inner {
    fn candidates(&self) -> impl Iterator<Item = &ResolvedModel> {
        [&self.first].into_iter().chain(&self.others)
    }

    /// Asks one after the other; returns the last failure when nobody replies.
    async fn ask<T>(
        &self,
        request: &ChatRequest,
        ask: impl Fn(Arc<dyn LlmClient>, ChatRequest) -> BoxFuture<'static, Result<T>> + Send + Sync,
    ) -> Result<T> {
        let seed = self.seed.fetch_add(1, Ordering::Relaxed);
        let mut asked = self.patiently(&self.first, request, seed, &ask).await;
        for next in &self.others {
            match asked {
                Err(error) if fallback::may_help(error.kind()) => {}
                ended => return ended,
            }
            asked = self.patiently(next, request, seed, &ask).await;
        }
        asked
    }

    /// Asks one until it replies, or the policy has had enough.
    #[expect(clippy::disallowed_methods, reason = "the wait before another attempt is real time")]
    async fn patiently<T>(
        &self,
        model: &ResolvedModel,
        request: &ChatRequest,
        seed: u64,
        ask: &(impl Fn(Arc<dyn LlmClient>, ChatRequest) -> BoxFuture<'static, Result<T>> + Send + Sync),
    ) -> Result<T> {
        let request = by_name(model, request);
        let mut attempt = 1;
        loop {
            let error = match ask(Arc::clone(&model.client), request.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            match self.policy.wait(attempt, error.kind(), error.retry_after(), seed) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
            attempt += 1;
        }
    }
}

/// Returns a request under the candidate's own name.
fn by_name(model: &ResolvedModel, request: &ChatRequest) -> ChatRequest {
    ChatRequest { model: model.model.clone(), ..request.clone() }
}

/// Returns what both can do.
fn common(one: Capabilities, other: Capabilities) -> Capabilities {
    let least = |one: Option<u64>, other: Option<u64>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (known, None) | (None, known) => known,
    };
    Capabilities {
        tools: one.tools && other.tools,
        streaming: one.streaming && other.streaming,
        vision: one.vision && other.vision,
        formats: one.formats && other.formats,
        whole_results: one.whole_results && other.whole_results,
        plans_ahead: one.plans_ahead && other.plans_ahead,
        context_window: least(one.context_window, other.context_window),
        max_output: least(one.max_output, other.max_output),
    }
}
