//! What a provider's usage object costs.

use az_ai::pricing::{Breakdown, Part};
use az_core::Usd;
use az_core::cost::Usage;
use schemars::JsonSchema;
use serde::Serialize;

use super::charge::UsageView;
use super::units::{money, token_price, without_sign};

/// What a usage object costs, part by part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct UsageCostView {
    /// The provider's name for the model.
    pub model: String,
    /// What was used.
    pub usage: UsageView,
    /// The cost by the price table; absent if a price is unknown.
    pub cost_nanos: Option<i64>,
    /// The cost in dollars.
    pub cost_usd: Option<String>,
    /// The cost that the provider reports, if it reports any; it is the one that is booked.
    pub reported_nanos: Option<i64>,
    /// The reported cost in dollars.
    pub reported_usd: Option<String>,
    /// The parts of the cost.
    pub parts: Vec<CostPartView>,
    /// What else was taken into account.
    pub notes: Vec<String>,
}

impl UsageCostView {
    /// Returns the view of a computed and a reported cost.
    pub fn new(
        model: &str,
        usage: &Usage,
        computed: Option<&Breakdown>,
        reported: Option<Usd>,
    ) -> Self {
        let (cost_nanos, cost_usd) = computed.map(|computed| money(computed.total)).unzip();
        let (reported_nanos, reported_usd) = reported.map(money).unzip();
        let parts = computed.into_iter().flat_map(|computed| &computed.parts);
        Self {
            model: model.to_owned(),
            usage: usage.into(),
            cost_nanos,
            cost_usd,
            reported_nanos,
            reported_usd,
            parts: parts.map(CostPartView::from).collect(),
            notes: computed.map(|computed| computed.notes.clone()).unwrap_or_default(),
        }
    }
}

/// A part of a cost. Parts are exact; their sum is rounded up to the nano-dollar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CostPartView {
    /// What was used: a kind of token, or web searches.
    pub part: &'static str,
    /// How many.
    pub quantity: u64,
    /// The price of one of them.
    pub price_pico_per_unit: u64,
    /// The price of a million of them.
    pub price_usd_per_million: String,
    /// What they cost, in femto-dollars (a millionth of a nano-dollar).
    pub amount_femtos: u64,
    /// What they cost, in dollars.
    pub amount_usd: String,
}

impl From<&Part> for CostPartView {
    fn from(part: &Part) -> Self {
        let (price_pico_per_unit, price_usd_per_million) = token_price(part.price);
        Self {
            part: part.what,
            quantity: part.quantity,
            price_pico_per_unit,
            price_usd_per_million,
            amount_femtos: u64::try_from(part.amount.femto()).unwrap_or(u64::MAX),
            amount_usd: without_sign(&part.amount.to_string()),
        }
    }
}
