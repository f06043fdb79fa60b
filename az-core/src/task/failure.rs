//! The failure of a task: a message, and the same as data.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cost::{Period, Scope};
use crate::error::{CalledModel, Error, ErrorKind};
use crate::money::Usd;

/// The failure of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// The message.
    pub message: String,
    /// The detail; absent for kinds that have none, and in journals of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<FailureDetail>,
}

/// The figures and names behind a [`Failure`], with which a program can remove its cause.
///
/// Programs read this and not the message, whose wording may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureDetail {
    /// A hard budget had too little left for a call.
    Budget {
        /// The scope of the budget.
        #[serde(flatten)]
        scope: Scope,
        /// The period of the budget.
        period: Period,
        /// The amount of the budget.
        #[serde(rename = "amount_nanos")]
        amount: Usd,
        /// The amount that was left.
        #[serde(rename = "left_nanos")]
        left: Usd,
        /// The amount that was held for other calls.
        #[serde(rename = "held_nanos")]
        held: Usd,
        /// The part of the spent amount that was uncertain; absent in journals of earlier versions.
        #[serde(rename = "uncertain_nanos", default, skip_serializing_if = "Usd::is_zero")]
        uncertain: Usd,
        /// The most that the call could cost.
        #[serde(rename = "needed_nanos")]
        needed: Usd,
    },
    /// A hard budget applied to a model whose price is unknown.
    Unpriced {
        /// The scope of the budget.
        #[serde(flatten)]
        scope: Scope,
        /// The period of the budget.
        period: Period,
        /// The model.
        model: String,
    },
    /// A tool call needed an approval, and no one could be asked.
    Approval {
        /// The tool.
        tool: String,
        /// The reason that it needs approval.
        reason: String,
    },
    /// A model call failed; the failure's kind says how.
    ModelCall {
        /// The provider, as calls to it are booked.
        provider: String,
        /// The model, by the provider's name.
        model: String,
        /// The wait that the provider asked for, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_millis: Option<u64>,
    },
    /// The task used all its steps.
    StepLimit {
        /// The limit.
        limit: u32,
    },
    /// The task made all its tool calls.
    CallLimit {
        /// The limit.
        limit: u32,
    },
    /// The task reached its time limit.
    TimedOut {
        /// The limit, in milliseconds.
        limit_millis: u64,
    },
    /// The answer did not fit the output schema.
    OutputSchema {
        /// What did not fit, each with its place.
        problems: Vec<String>,
    },
    /// A detail of a newer version.
    #[serde(other)]
    Unknown,
}

impl Failure {
    /// Creates a failure without a detail.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None }
    }

    /// Returns the failure with a detail.
    #[must_use]
    pub fn with_detail(mut self, detail: Option<FailureDetail>) -> Self {
        self.detail = detail;
        self
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self::new(error.kind(), error.chain()).with_detail(FailureDetail::of(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl FailureDetail {
    /// Returns the detail of an error, if its kind has one.
    pub fn of(error: &Error) -> Option<Self> {
        Some(match error {
            Error::BudgetExceeded {
                scope, period, amount, left, held, uncertain, needed, ..
            } => Self::Budget {
                scope: scope.clone(),
                period: *period,
                amount: *amount,
                left: *left,
                held: *held,
                uncertain: *uncertain,
                needed: *needed,
            },
            Error::Unpriced { scope, period, model, .. } => {
                Self::Unpriced { scope: scope.clone(), period: *period, model: model.clone() }
            }
            Error::ApprovalRequired { tool, reason } => {
                Self::Approval { tool: tool.clone(), reason: reason.clone() }
            }
            Error::Model { called: Some(called), retry_after, .. } => {
                let CalledModel { provider, model } = (**called).clone();
                Self::ModelCall { provider, model, retry_after_millis: retry_after.map(millis) }
            }
            Error::StepLimit { steps } => Self::StepLimit { limit: *steps },
            Error::CallLimit { calls } => Self::CallLimit { limit: *calls },
            Error::TimedOut { after } => Self::TimedOut { limit_millis: millis(*after) },
            Error::AnswerMismatch { problems } => Self::OutputSchema { problems: problems.clone() },
            _ => return None,
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Failure, FailureDetail};
    use crate::cost::{Period, Scope};
    use crate::error::{CalledModel, Error, ErrorKind};
    use crate::money::Usd;

    /// Returns an error of each kind that has a detail.
    fn errors() -> [Error; 8] {
        let scope = Scope::Payer("key:test".parse().unwrap());
        [
            Error::BudgetExceeded {
                budget: "key test daily".to_owned(),
                scope: scope.clone(),
                period: Period::Daily,
                amount: Usd::from_nanos(60),
                left: Usd::from_nanos(40),
                held: Usd::from_nanos(5),
                uncertain: Usd::from_nanos(3),
                needed: Usd::from_nanos(50),
            },
            Error::Unpriced {
                budget: "global total".to_owned(),
                scope: Scope::Global,
                period: Period::Total,
                model: "m".to_owned(),
            },
            Error::ApprovalRequired { tool: "shell.execute".to_owned(), reason: "it runs".into() },
            Error::Model {
                kind: ErrorKind::RateLimited,
                message: "slow down".to_owned(),
                retry_after: Some(Duration::from_secs(2)),
                called: Some(Box::new(CalledModel::new("openai", "gpt"))),
            },
            Error::StepLimit { steps: 50 },
            Error::CallLimit { calls: 500 },
            Error::TimedOut { after: Duration::from_millis(1500) },
            Error::AnswerMismatch { problems: vec!["answer: not JSON".to_owned()] },
        ]
    }

    #[test]
    fn a_failure_has_its_details_as_data_and_is_read_back() {
        let details = [
            json!({
                "type": "budget", "scope": "key", "of": "test", "period": "daily",
                "amount_nanos": 60, "left_nanos": 40, "held_nanos": 5, "uncertain_nanos": 3,
                "needed_nanos": 50,
            }),
            json!({"type": "unpriced", "scope": "global", "period": "total", "model": "m"}),
            json!({"type": "approval", "tool": "shell.execute", "reason": "it runs"}),
            json!({
                "type": "model_call", "provider": "openai", "model": "gpt",
                "retry_after_millis": 2000,
            }),
            json!({"type": "step_limit", "limit": 50}),
            json!({"type": "call_limit", "limit": 500}),
            json!({"type": "timed_out", "limit_millis": 1500}),
            json!({"type": "output_schema", "problems": ["answer: not JSON"]}),
        ];
        for (error, detail) in errors().iter().zip(details) {
            let failure = Failure::from(error);
            let expected =
                json!({"kind": error.kind(), "message": error.to_string(), "detail": detail});
            let written = serde_json::to_string(&failure).unwrap();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), expected);
            assert_eq!(serde_json::from_str::<Failure>(&written).unwrap(), failure);
        }
    }

    #[test]
    fn failures_of_earlier_and_of_later_versions_are_read() {
        let earlier = r#"{"kind":"budget","message":"global daily budget: $1 needed"}"#;
        let failure: Failure = serde_json::from_str(earlier).unwrap();
        assert_eq!(failure, Failure::new(ErrorKind::Budget, "global daily budget: $1 needed"));
        assert_eq!(serde_json::to_string(&failure).unwrap(), earlier);
        let later = r#"{"kind":"budget","message":"m","detail":{"type":"quota","left":[1]}}"#;
        let failure: Failure = serde_json::from_str(later).unwrap();
        assert_eq!(failure.detail, Some(FailureDetail::Unknown));
    }
}
