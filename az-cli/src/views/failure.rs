//! Why tasks did not complete.

use az_core::cost::Period;
use az_core::error::ErrorKind;
use az_core::task::{Failure, FailureDetail};
use schemars::JsonSchema;
use serde::Serialize;

use super::units::money;

/// Why a task did not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct FailureView {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
    /// What happened, as data; absent for kinds that have none, and in records of earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<FailureDetailView>,
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> Self {
        let detail = failure.detail.as_ref().and_then(FailureDetailView::new);
        Self { kind: failure.kind, message: failure.message.clone(), detail }
    }
}

/// The figures and names of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureDetailView {
    /// A hard budget had too little left for a call.
    Budget {
        /// What the budget covers.
        scope: String,
        /// Its period.
        period: Period,
        /// Its amount.
        amount_nanos: i64,
        /// Its amount in dollars.
        amount_usd: String,
        /// What was left.
        left_nanos: i64,
        /// What was left, in dollars.
        left_usd: String,
        /// What was held for other calls.
        held_nanos: i64,
        /// What was held, in dollars.
        held_usd: String,
        /// The part of the spent amount that was booked for calls that failed and may have cost nothing.
        uncertain_nanos: i64,
        /// The uncertain part in dollars.
        uncertain_usd: String,
        /// The most that the call could cost.
        needed_nanos: i64,
        /// The most that the call could cost, in dollars.
        needed_usd: String,
    },
    /// A hard budget applied to a model whose price is unknown.
    Unpriced {
        /// What the budget covers.
        scope: String,
        /// Its period.
        period: Period,
        /// The model.
        model: String,
    },
    /// A tool call needed approval, and no one could be asked.
    Approval {
        /// The tool.
        tool: String,
        /// Why it needs approval.
        reason: String,
    },
    /// A model call failed.
    ModelCall {
        /// The provider.
        provider: String,
        /// The model.
        model: String,
        /// How long the provider asked to wait.
        retry_after_ms: Option<u64>,
    },
    /// The task reached its limit of steps.
    StepLimit {
        /// The limit.
        max_steps: u32,
    },
    /// The task made all its tool calls.
    CallLimit {
        /// The limit.
        max_calls: u32,
    },
    /// The task reached its time limit.
    TimedOut {
        /// The limit.
        timeout_ms: u64,
    },
    /// The answer did not fit the output schema.
    OutputSchema {
        /// What did not fit, each with its place.
        problems: Vec<String>,
    },
}

impl FailureDetailView {
    /// Returns the view of a detail; `None` for one that this version does not know.
    fn new(detail: &FailureDetail) -> Option<Self> {
        Some(match detail.clone() {
            FailureDetail::Budget { scope, period, amount, left, held, uncertain, needed } => {
                let (amount_nanos, amount_usd) = money(amount);
                let (left_nanos, left_usd) = money(left);
                let (held_nanos, held_usd) = money(held);
                let (uncertain_nanos, uncertain_usd) = money(uncertain);
                let (needed_nanos, needed_usd) = money(needed);
                Self::Budget {
                    scope: scope.to_string(),
                    period,
                    amount_nanos,
                    amount_usd,
                    left_nanos,
                    left_usd,
                    held_nanos,
                    held_usd,
                    uncertain_nanos,
                    uncertain_usd,
                    needed_nanos,
                    needed_usd,
                }
            }
            FailureDetail::Unpriced { scope, period, model } => {
                Self::Unpriced { scope: scope.to_string(), period, model }
            }
            FailureDetail::Approval { tool, reason } => Self::Approval { tool, reason },
            FailureDetail::ModelCall { provider, model, retry_after_millis } => {
                Self::ModelCall { provider, model, retry_after_ms: retry_after_millis }
            }
            FailureDetail::StepLimit { limit } => Self::StepLimit { max_steps: limit },
            FailureDetail::CallLimit { limit } => Self::CallLimit { max_calls: limit },
            FailureDetail::TimedOut { limit_millis } => Self::TimedOut { timeout_ms: limit_millis },
            FailureDetail::OutputSchema { problems } => Self::OutputSchema { problems },
            _ => return None,
        })
    }
}
