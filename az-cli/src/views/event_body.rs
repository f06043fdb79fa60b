//! What events say of model calls, tool calls, budgets and ends.

use az_core::Timestamp;
use az_core::content::ContentPart;
use az_core::cost::{Alert, Settlement};
use az_core::journal::{
    ModelIntent, ModelOutcome, ModelResult, Purpose, RunTotals, ToolOutcome, ToolResult,
};
use az_core::task::{Outcome, TaskStatus};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::cache_use::CacheUseView;
use super::charge::ChargeView;
use super::child_task::ChildTotalsView;
use super::failure::FailureView;
use super::units::money;

/// A model call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ModelIntentView<'a> {
    /// The provider.
    pub provider: &'a str,
    /// The model.
    pub model: &'a str,
    /// What the call is for.
    #[serde(flatten)]
    pub purpose: &'a Purpose,
    /// The most that the call can cost; absent if the price is unknown.
    pub hold_nanos: Option<i64>,
    /// The hold in dollars.
    pub hold_usd: Option<String>,
    /// When the hold expires.
    pub hold_expires_at: Timestamp,
    /// The estimated tokens of the request.
    pub estimated_tokens: u64,
    /// Why this model was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// The first part of the request that changed against the one before, although no recorded decision
    /// changed it: `the tools`, `the system text` or `message N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_changed: Option<String>,
}

impl<'a> From<&'a ModelIntent> for ModelIntentView<'a> {
    fn from(intent: &'a ModelIntent) -> Self {
        let (hold_nanos, hold_usd) = intent.hold.map(money).unzip();
        Self {
            provider: &intent.provider,
            model: &intent.model,
            purpose: &intent.purpose,
            hold_nanos,
            hold_usd,
            hold_expires_at: intent.hold_until,
            estimated_tokens: intent.estimated_tokens,
            reason: intent.reason.as_deref(),
            prefix_changed: intent.sent.as_ref().and_then(|it| Some(it.changed?.to_string())),
        }
    }
}

/// A model call that ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ModelResultView<'a> {
    /// The reply, or why there is none.
    #[serde(flatten)]
    pub outcome: &'a ModelOutcome,
    /// What became of the hold: `paid`, `full` or `nothing`.
    pub settled: &'static str,
    /// What the call is charged, if it was paid.
    #[serde(flatten)]
    pub charge: Option<ChargeView>,
    /// How long the call took.
    pub duration_ms: u64,
}

impl<'a> From<&'a ModelResult> for ModelResultView<'a> {
    fn from(result: &'a ModelResult) -> Self {
        let settled = match result.settlement {
            Settlement::Paid(_) => "paid",
            Settlement::Full => "full",
            Settlement::Nothing => "nothing",
        };
        let charge = result.charge().map(ChargeView::from);
        Self { outcome: &result.outcome, settled, charge, duration_ms: result.millis }
    }
}

/// A tool call that ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ToolResultView<'a> {
    /// The tool.
    pub tool: &'a str,
    /// How the call ended.
    pub outcome: ToolOutcome,
    /// What the model gets.
    pub content: &'a [ContentPart],
    /// The result as data, if the tool returns any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a Value>,
    /// How long the call took.
    pub duration_ms: u64,
}

impl<'a> From<&'a ToolResult> for ToolResultView<'a> {
    fn from(result: &'a ToolResult) -> Self {
        let ToolResult { tool, outcome, content, data, millis, .. } = result;
        let (outcome, duration_ms) = (*outcome, *millis);
        Self { tool, outcome, content, data: data.as_ref(), duration_ms }
    }
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct OutcomeView<'a> {
    /// The status that the task has now.
    pub status: TaskStatus,
    /// The answer, if the task completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<&'a str>,
    /// Why the task did not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
}

impl<'a> From<&'a Outcome> for OutcomeView<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        let (answer, failure) = match outcome {
            Outcome::Completed { answer } => (Some(answer.as_str()), None),
            Outcome::Failed { failure } | Outcome::Cancelled { failure } => {
                (None, Some(failure.into()))
            }
        };
        Self { status: outcome.status(), answer, failure }
    }
}

/// What a task took in all its runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RunTotalsView {
    /// The cost, without the calls whose price is unknown.
    pub cost_nanos: i64,
    /// The cost in dollars.
    pub cost_usd: String,
    /// Whether the price of some calls is unknown.
    pub unpriced: bool,
    /// The tokens.
    pub tokens: u64,
    /// The steps.
    pub steps: u32,
    /// How long the last run took.
    pub duration_ms: u64,
    /// What the calls read from caches; absent if that is not known of all of them.
    #[serde(flatten)]
    pub cache: Option<CacheUseView>,
    /// What the child tasks cost beside it; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_totals: Option<ChildTotalsView>,
}

impl From<&RunTotals> for RunTotalsView {
    fn from(totals: &RunTotals) -> Self {
        let RunTotals { cost, unpriced, tokens, steps, millis, cache, children } = *totals;
        let (cost_nanos, cost_usd) = money(cost);
        let cache = cache.and_then(CacheUseView::of_all);
        let child_totals = children.map(ChildTotalsView::from);
        let duration_ms = millis;
        Self { cost_nanos, cost_usd, unpriced, tokens, steps, duration_ms, cache, child_totals }
    }
}

/// A budget that reached one of its alert percentages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct BudgetAlertView {
    /// The budget, such as `global daily`.
    pub budget_name: String,
    /// The percentage.
    pub percent: u8,
    /// What is spent and held in the period.
    pub used_nanos: i64,
    /// What is spent and held, in dollars.
    pub used_usd: String,
    /// The amount of the budget.
    pub amount_nanos: i64,
    /// The amount of the budget in dollars.
    pub amount_usd: String,
}

impl From<&Alert> for BudgetAlertView {
    fn from(alert: &Alert) -> Self {
        let (used_nanos, used_usd) = money(alert.used);
        let (amount_nanos, amount_usd) = money(alert.amount);
        let (budget_name, percent) = (alert.budget.clone(), alert.percent);
        Self { budget_name, percent, used_nanos, used_usd, amount_nanos, amount_usd }
    }
}
