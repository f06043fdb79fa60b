//! Sums of the ledger.

use az_core::Usd;
use az_core::cost::{BudgetStatus, CostSum};
use schemars::JsonSchema;
use serde::Serialize;

use super::units::money;

/// What the calls of a period, a model, a payer and so on cost together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CostSumView {
    /// What the sum is of: a period, a model, a provider, a payer, a task or a day.
    pub key: String,
    /// How many calls there were.
    pub calls: u64,
    /// All input tokens.
    pub input_tokens: u64,
    /// The input tokens that were read from caches.
    pub cached_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// The cost, without the calls whose price is unknown.
    pub cost_nanos: i64,
    /// The cost in dollars.
    pub cost_usd: String,
    /// How many calls have an unknown price.
    pub unpriced_calls: u64,
    /// How many calls have a cost that is an upper bound or an estimate.
    pub estimated_calls: u64,
    /// The part of the cost that is booked for calls that failed and may have cost nothing.
    pub uncertain_nanos: i64,
    /// The uncertain part in dollars.
    pub uncertain_usd: String,
    /// How many calls have an uncertain cost.
    pub uncertain_calls: u64,
    /// What caches saved, as far as it is known; negative if writing to them cost more than reading saved.
    pub saved_nanos: i64,
    /// What caches saved, in dollars.
    pub saved_usd: String,
    /// How many calls with cached input there are of which it is unknown what the cache saved.
    pub unknown_saving_calls: u64,
    /// The amount of the global budget of the period, if there is one.
    pub budget_nanos: Option<i64>,
    /// The amount of the budget in dollars.
    pub budget_usd: Option<String>,
    /// What is held on the budget for calls under way.
    pub held_nanos: Option<i64>,
    /// What is held, in dollars.
    pub held_usd: Option<String>,
}

impl CostSumView {
    /// Returns the view of a sum, all zero if there is none, with the budget that covers it.
    pub fn new(key: String, sum: Option<&CostSum>, budget: Option<&BudgetStatus>) -> Self {
        let sum = sum.cloned().unwrap_or_default();
        let (cost_nanos, cost_usd) = money(sum.cost);
        let (uncertain_nanos, uncertain_usd) = money(sum.uncertain);
        let (saved_nanos, saved_usd) = money(sum.saved);
        let (budget_nanos, budget_usd) = budget.map(|it| money(it.budget.amount)).unzip();
        let (held_nanos, held_usd) = budget.map(|it| money(it.held)).unzip();
        Self {
            key,
            calls: sum.calls,
            input_tokens: sum.input_tokens,
            cached_tokens: sum.cached_tokens,
            output_tokens: sum.output_tokens,
            cost_nanos,
            cost_usd,
            unpriced_calls: sum.unpriced,
            estimated_calls: sum.estimated,
            uncertain_nanos,
            uncertain_usd,
            uncertain_calls: sum.uncertain_calls,
            saved_nanos,
            saved_usd,
            unknown_saving_calls: sum.unknown_savings,
            budget_nanos,
            budget_usd,
            held_nanos,
            held_usd,
        }
    }

    /// Returns the cost.
    pub const fn cost(&self) -> Usd {
        Usd::from_nanos(self.cost_nanos)
    }

    /// Returns the uncertain part of the cost.
    pub const fn uncertain(&self) -> Usd {
        Usd::from_nanos(self.uncertain_nanos)
    }

    /// Returns what caches saved, as far as it is known.
    pub const fn saved(&self) -> Usd {
        Usd::from_nanos(self.saved_nanos)
    }

    /// Returns the amount of the budget.
    pub fn budget(&self) -> Option<Usd> {
        self.budget_nanos.map(Usd::from_nanos)
    }
}
