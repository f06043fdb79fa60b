//! Budgets.

use az_core::cost::{BudgetStatus, Limit, Period, Scope};
use az_core::{TaskId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::units::money;

/// A budget, and what of it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct BudgetView {
    /// What the budget covers: `global`, `model NAME`, or a payer.
    pub scope: String,
    /// The task that it covers, if it covers one.
    pub task: Option<TaskId>,
    /// The period after which it starts anew.
    pub period: Period,
    /// The amount that may be spent in a period.
    pub amount_nanos: i64,
    /// The amount in dollars.
    pub amount_usd: String,
    /// What is spent in this period.
    pub spent_nanos: i64,
    /// What is spent, in dollars.
    pub spent_usd: String,
    /// The part of what is spent that is booked for calls that failed and may have cost nothing.
    pub uncertain_nanos: i64,
    /// The uncertain part in dollars.
    pub uncertain_usd: String,
    /// What is held for calls under way.
    pub held_nanos: i64,
    /// What is held, in dollars.
    pub held_usd: String,
    /// What is left, not below zero.
    pub left_nanos: i64,
    /// What is left, in dollars.
    pub left_usd: String,
    /// Whether the budget refuses calls (`hard`) or only reports (`soft`).
    pub limit: Limit,
    /// The percentages of the amount at which an alert is reported.
    pub alert_percents: Vec<u8>,
    /// When the period ends; absent for a total.
    pub period_ends_at: Option<Timestamp>,
}

impl From<&BudgetStatus> for BudgetView {
    fn from(status: &BudgetStatus) -> Self {
        let budget = &status.budget;
        let (amount_nanos, amount_usd) = money(budget.amount);
        let (spent_nanos, spent_usd) = money(status.spent);
        let (uncertain_nanos, uncertain_usd) = money(status.uncertain);
        let (held_nanos, held_usd) = money(status.held);
        let (left_nanos, left_usd) = money(status.left());
        Self {
            scope: budget.scope.to_string(),
            task: match &budget.scope {
                Scope::Payer(payer) => payer.task().cloned(),
                Scope::Global | Scope::Model(_) => None,
            },
            period: budget.period,
            amount_nanos,
            amount_usd,
            spent_nanos,
            spent_usd,
            uncertain_nanos,
            uncertain_usd,
            held_nanos,
            held_usd,
            left_nanos,
            left_usd,
            limit: budget.limit,
            alert_percents: budget.alerts.clone(),
            period_ends_at: (budget.period != Period::Total).then_some(status.span.end),
        }
    }
}
