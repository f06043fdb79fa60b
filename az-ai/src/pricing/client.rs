//! A client that prices its calls.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::cost::{Charge, Usage};
use az_core::{Clock, Usd};
use futures_util::StreamExt;

use super::book::{PriceBook, PricedCall};
use super::cost::{Breakdown, CacheLife};
use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream};
use crate::client::{Capabilities, CostEstimate, Fact, LlmClient, Prepared};
use crate::error::{Error, Result};
use crate::estimate::{self, Vocabulary};

/// A client that prices the calls of another client.
///
/// Adds the maximum cost to estimates, and the computed cost to replies and reports of usage, beside
/// the cost that the provider reports. Adds limits, tool support and image input to the
/// capabilities, as far as the table has them and the inner client does not.
#[derive(Debug, Clone)]
pub struct PricedClient {
    inner: Arc<dyn LlmClient>,
    pricing: Pricing,
}

#[derive(Debug, Clone)]
struct Pricing {
    book: PriceBook,
    provider: String,
    clock: Arc<dyn Clock>,
}

impl PricedClient {
    /// Creates a client that prices the calls of `inner` as those of `provider`.
    pub fn new(
        inner: Arc<dyn LlmClient>,
        book: PriceBook,
        provider: impl Into<String>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { inner, pricing: Pricing { book, provider: provider.into(), clock } }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmClient for PricedClient {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        let mut known = self.inner.capabilities(model);
        let Some(facts) = self.pricing.book.model(&self.pricing.provider, model) else {
            return known;
        };
        known.context_window = known.context_window.or(facts.context_window);
        known.max_output = known.max_output.or(facts.max_output);
        if let Some(features) = facts.features {
            known.tools &= features.tools;
            known.vision &= features.vision;
        }
        known
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        let estimate = self.inner.estimate_cost(request);
        let max_cost = estimate.max_cost.or_else(|| self.pricing.most(request));
        CostEstimate { max_cost, ..estimate }
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        self.capabilities(&request.model).check(self.provider(), request)?;
        match self.inner.complete(request).await {
            Ok(reply) => Ok(self.pricing.priced(&request.model, reply)),
            Err(error) => Err(self.pricing.priced_failure(&request.model, error)),
        }
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        if let Err(error) = self.capabilities(&request.model).check(self.provider(), request) {
            return crate::client::failed(error);
        }
        let (pricing, asked) = (self.pricing.clone(), request.model.clone());
        let events = self.inner.stream(request).map(move |event| match event {
            Ok(ChatEvent::Finished(reply)) => {
                Ok(ChatEvent::Finished(Box::new(pricing.priced(&asked, *reply))))
            }
            Ok(ChatEvent::UsageReported { mut charge }) => {
                pricing.price(&asked, &mut charge);
                Ok(ChatEvent::UsageReported { charge })
            }
            Ok(event) => Ok(event),
            Err(error) => Err(pricing.priced_failure(&asked, error)),
        });
        events.boxed()
    }

    fn learn(&self, model: &str, fact: Fact) {
        self.inner.learn(model, fact);
    }

    async fn prepare(&self, model: &str) -> Prepared {
        self.inner.prepare(model).await
    }
}

impl Pricing {
    fn call<'a>(&'a self, model: &'a str) -> PricedCall<'a> {
        PricedCall { provider: &self.provider, model, at: self.clock.now() }
    }

    /// Returns the most that a request can cost.
    fn most(&self, request: &ChatRequest) -> Option<Usd> {
        let vocabulary = Vocabulary::of(&self.provider, &request.model);
        let input = estimate::at_most(request, vocabulary);
        let life = match request.cache.expects_pause {
            true => CacheLife::Hour,
            false => CacheLife::Usual,
        };
        let tokens = (input, u64::from(request.max_tokens));
        self.book.most_of(&self.call(&request.model), tokens, life)
    }

    /// Adds the computed cost to a reply.
    fn priced(&self, asked: &str, mut reply: ChatReply) -> ChatReply {
        let computed = reply.usage.as_ref().and_then(|usage| self.cost(asked, &reply.model, usage));
        reply.saved = reply.saved.or(computed.as_ref().and_then(|breakdown| breakdown.saved));
        reply.computed = reply.computed.or(computed.map(|breakdown| breakdown.total));
        reply.cost = reply.cost.or(reply.computed);
        reply
    }

    /// Adds the computed cost to the usage that was reported before a failure.
    fn priced_failure(&self, asked: &str, mut error: Error) -> Error {
        if let Error::Metered(metered) = &mut error {
            self.price(asked, &mut metered.charge);
        }
        error
    }

    /// Adds the computed cost to usage.
    fn price(&self, asked: &str, charge: &mut Charge) {
        let computed = self.cost(asked, asked, &charge.usage);
        charge.saved = charge.saved.or(computed.as_ref().and_then(|breakdown| breakdown.saved));
        charge.computed = charge.computed.or(computed.map(|breakdown| breakdown.total));
        charge.cost = charge.cost.or(charge.computed);
    }

    /// Prices the usage of the model that replied; of the requested model if the user priced that
    /// one or the other is unknown.
    fn cost(&self, asked: &str, answered: &str, usage: &Usage) -> Option<Breakdown> {
        let (asked, answered) = (self.call(asked), self.call(answered));
        if self.book.overriding(&asked).is_some() || self.book.prices(&answered).is_none() {
            return self.book.cost(&asked, usage);
        }
        self.book.cost(&answered, usage)
    }
}
