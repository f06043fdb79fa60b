//! A decision, and how it came about.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::variables::{Fact, Variable};
use crate::config::RoutingRule;
use crate::resolver::{Candidate, ResolvedModel};

/// Who is asked, and why.
#[derive(Debug, Clone)]
pub struct Route {
    /// At least one, best first: each is asked when the ones before it have failed.
    pub candidates: Vec<Choice>,
    /// How it came about: a name that was given first, then rule by rule, then the default.
    pub steps: Vec<Step>,
}

/// Someone who may be asked.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What it is called in rules.
    pub name: Arc<str>,
    /// Who it is.
    pub model: ResolvedModel,
    /// Why it, where a rule says so.
    pub reason: Option<String>,
}

impl From<Choice> for Candidate {
    fn from(choice: Choice) -> Self {
        Self { model: choice.model, reason: choice.reason }
    }
}

/// One thing that was considered for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What brought it up.
    pub origin: Origin,
    /// The name of the model that it is for.
    pub name: Arc<str>,
    /// Whether it applied.
    pub verdict: Verdict,
    /// What its condition read, and found.
    pub saw: Vec<(Variable, Fact)>,
    /// What came of its model, if it applied.
    pub standing: Option<Standing>,
}

/// What brought a model up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was named.
    Named,
    /// A rule.
    Rule(Arc<RoutingRule>),
    /// It is the default.
    Default,
}

/// Whether a rule applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It held.
    Held,
    /// It did not.
    NotHeld,
    /// It could not be worked out, and so does not hold.
    Failed(String),
    /// Nobody asked, because it was decided without it.
    NotReached,
}

/// What came of a model that was brought up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is a candidate.
    Candidate,
    /// It was one already.
    Already,
    /// It is passed over.
    PassedOver(Obstacle),
    /// It is a candidate, for want of a better one.
    InSpiteOf(Obstacle),
}

/// Why a model is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// It cannot be used, for want of a key or otherwise.
    NotSetUp {
        /// In words.
        reason: String,
    },
    /// Its provider failed a short while ago.
    CoolingDown {
        /// How much longer it is passed over.
        left: Duration,
    },
    /// The request and its reply would not fit.
    Window {
        /// How many tokens it takes.
        window: u64,
        /// How many there are.
        needed: u64,
    },
    /// It cannot do what the request needs.
    Lacks {
        /// The feature, as rules call it.
        feature: &'static str,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSetUp { reason } => f.write_str(reason),
            Self::CoolingDown { left } => {
                // Rounded up, so that nobody is told to wait for 0 s.
                let seconds = left.as_millis().div_ceil(1000);
                write!(f, "its provider cools down for {seconds} s")
            }
            Self::Window { window, needed } => {
                write!(f, "its window of {window} tokens is smaller than {needed}")
            }
            Self::Lacks { feature } => write!(f, "it has no {feature}"),
        }
    }
}
