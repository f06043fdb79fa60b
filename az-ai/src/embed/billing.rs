//! Prices and books the calls of an embedder.

use std::fmt;
use std::sync::Arc;

use az_core::Usd;
use az_core::call::{Account, PayerAccount, RetryPolicy, Unbooked};
use az_core::clock::{Clock, SystemClock};
use az_core::cost::{Charge, CostEstimate, Usage};

use super::wire::EmbedResponse;
use crate::estimate::{self, Vocabulary};
use crate::pricing::{PriceBook, PricedCall};

/// Prices, and the account that calls are held and booked on.
#[derive(Clone)]
pub struct EmbedBilling {
    account: Option<PayerAccount>,
    /// The retry policy without an account, which has a policy of its own.
    retry: RetryPolicy,
    prices: PriceBook,
    /// The provider whose prices apply.
    priced_as: String,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for EmbedBilling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbedBilling")
            .field("account", &self.account)
            .field("priced_as", &self.priced_as)
            .finish_non_exhaustive()
    }
}

impl EmbedBilling {
    /// Creates the billing with the bundled prices of a provider, and without an account: nothing
    /// is held or booked.
    pub fn priced_as(provider: impl Into<String>) -> Self {
        let (prices, clock) = (PriceBook::bundled(), Arc::new(SystemClock));
        let retry = RetryPolicy::default();
        Self { account: None, retry, prices, priced_as: provider.into(), clock }
    }

    /// Sets the account that every request is held and booked on.
    #[must_use]
    pub fn paid_by(mut self, account: PayerAccount) -> Self {
        self.account = Some(account);
        self
    }

    /// Sets the retry policy of requests without an account.
    #[must_use]
    pub const fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the prices.
    #[must_use]
    pub fn with_prices(mut self, prices: PriceBook) -> Self {
        self.prices = prices;
        self
    }

    /// Sets the clock that decides which prices apply.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the account for one request.
    pub(super) fn account(&self) -> Box<dyn Account> {
        match &self.account {
            Some(account) => Box::new(account.clone()),
            None => Box::new(Unbooked::new(self.retry, 0)),
        }
    }

    /// Returns the estimated tokens and the most that embedding the texts can cost.
    pub(super) fn estimate(&self, model: &str, texts: &[&str]) -> CostEstimate {
        let expected = texts.iter().map(|text| estimate::text(text)).sum();
        // An embedding model adds a token at each end of a text.
        let bound = |text: &&str| estimate::text_at_most(text, Vocabulary::Unknown) + 2;
        let most = texts.iter().map(bound).sum();
        CostEstimate::new(self.prices.most(&self.call(model), most, 0), expected)
    }

    /// Returns the charge of a response. Usage that the provider does not report is estimated, and
    /// priced at its maximum.
    pub(super) fn charge(&self, model: &str, texts: &[&str], response: &EmbedResponse) -> Charge {
        let estimate = self.estimate(model, texts);
        let Some(tokens) = response.tokens else {
            let usage = Usage { estimated: true, ..Usage::tokens(estimate.input_tokens, 0) };
            let cost = response.cost.or(estimate.max_cost);
            return Charge::new(usage, cost).with_computed(estimate.max_cost);
        };
        let usage = Usage::tokens(tokens, 0);
        let computed = self.prices.cost(&self.call(model), &usage).map(|breakdown| breakdown.total);
        Charge::new(usage, response.cost.or(computed)).with_computed(computed)
    }

    fn call<'a>(&'a self, model: &'a str) -> PricedCall<'a> {
        PricedCall { provider: &self.priced_as, model, at: self.clock.now() }
    }
}

/// Adds two charges. A figure that either lacks is unknown in the sum.
pub(super) fn add(sum: &Charge, more: &Charge) -> Charge {
    let plus = |a: Option<Usd>, b: Option<Usd>| a.zip(b).map(|(a, b)| a.plus(b));
    let usage = Usage {
        estimated: sum.usage.estimated || more.usage.estimated,
        ..Usage::tokens(sum.usage.input.saturating_add(more.usage.input), 0)
    };
    Charge::new(usage, plus(sum.cost, more.cost)).with_computed(plus(sum.computed, more.computed))
}
