//! Routing decisions, and the steps that led to them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::variables::{Variable, VariableValue};
use crate::config::RoutingRule;
use crate::resolver::{Candidate, ResolvedModel};

/// The candidates for a request, and why they are candidates.
#[derive(Debug, Clone)]
pub struct Route {
    /// At least one, best first: each is the fallback of those before it.
    pub candidates: Vec<Choice>,
    /// The steps of the decision: the requested model, or the one that the task keeps; then each rule,
    /// then the default.
    pub steps: Vec<Step>,
}

/// A model that may be called.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its name in rules.
    pub name: Arc<str>,
    /// The model.
    pub model: ResolvedModel,
    /// The reason that a rule gives.
    pub reason: Option<String>,
}

impl From<Choice> for Candidate {
    fn from(choice: Choice) -> Self {
        let Choice { name, model, reason } = choice;
        Self { model, reason, name: Some(name) }
    }
}

/// A step of a decision: one model that was considered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Why the model was considered.
    pub origin: Origin,
    /// The name of the model.
    pub name: Arc<str>,
    /// Whether the rule applied.
    pub outcome: RuleOutcome,
    /// The variables that the condition used, with their values.
    pub inputs: Vec<(Variable, VariableValue)>,
    /// Whether the model became a candidate, if the rule applied.
    pub status: Option<CandidateStatus>,
}

/// Why a model is considered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was requested by name.
    Named,
    /// It was chosen before for the same task.
    Kept,
    /// By a rule.
    Rule(Arc<RoutingRule>),
    /// It is the default.
    Default,
}

/// Whether a rule applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleOutcome {
    /// The condition holds.
    Held,
    /// The condition does not hold.
    NotHeld,
    /// The condition could not be evaluated, which counts as not holding; with the error.
    Failed(String),
    /// The condition was not evaluated, because the decision does not depend on it.
    NotReached,
}

/// Whether a model that was considered is usable for the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CandidateStatus {
    /// It became a candidate.
    Candidate,
    /// An earlier step considered it already.
    AlreadyConsidered,
    /// It is excluded.
    Excluded(Obstacle),
    /// It is the only candidate in spite of an obstacle, because every model has one.
    LastResort(Obstacle),
}

/// Why a model is not a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Its client cannot be used: a key is missing, for example.
    NotSetUp {
        /// The error, as text.
        reason: String,
    },
    /// Its provider failed recently.
    CoolingDown {
        /// How much longer it is excluded.
        left: Duration,
    },
    /// Request and reply do not fit into its context window.
    Window {
        /// The size of the window in tokens.
        window: u64,
        /// The size of request and reply in tokens.
        needed: u64,
    },
    /// It does not support a feature that the request requires.
    Lacks {
        /// The feature, by its name in rules.
        feature: &'static str,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSetUp { reason } => f.write_str(reason),
            Self::CoolingDown { left } => {
                // Rounded up, so that the last second is not shown as 0 s.
                let seconds = left.as_millis().div_ceil(1000);
                write!(f, "its provider failed and is avoided for {seconds} s")
            }
            Self::Window { window, needed } => {
                write!(
                    f,
                    "its context window of {window} tokens is smaller than the {needed} needed"
                )
            }
            Self::Lacks { feature } => write!(f, "it does not support {feature}"),
        }
    }
}
