//! Routing decisions, step by step.

use az_ai::resolver::RoutingQuery;
use az_ai::routing::{CandidateStatus, Origin, Route, RuleOutcome, Step};
use schemars::JsonSchema;
use serde::Serialize;

/// A routing decision with its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RouteView {
    /// The tokens of the prompt.
    pub prompt_tokens: u64,
    /// The tokens of the whole request.
    pub request_tokens: u64,
    /// The models that are called, each if those before it fail.
    pub candidates: Vec<RouteCandidateView>,
    /// What was considered, in this order.
    pub steps: Vec<RouteStepView>,
}

/// A model that is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RouteCandidateView {
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// The provider's name for it.
    pub model: String,
    /// The reason that the rule gives.
    pub reason: Option<String>,
}

/// A rule or a default that was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RouteStepView {
    /// The condition; absent if the step is not a rule.
    pub rule: Option<String>,
    /// The name of the model.
    pub name: String,
    /// Whether the condition holds.
    pub outcome: StepOutcomeView,
    /// The variables that the condition used, with their values.
    pub inputs: Vec<String>,
    /// What became of the model; absent if the condition does not hold.
    pub health: Option<StepHealthView>,
    /// The obstacle or the error.
    pub detail: Option<String>,
    /// The reason that the rule gives, or why the model is considered without a rule.
    pub reason: Option<String>,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepOutcomeView {
    /// It holds.
    Holds,
    /// It does not hold.
    DoesNotHold,
    /// It cannot be evaluated.
    Fails,
    /// A rule before it decided.
    NotEvaluated,
}

/// What became of a model whose condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepHealthView {
    /// It is called first.
    First,
    /// It is called if the models before it fail.
    Fallback,
    /// A step before it considered it.
    AlreadyConsidered,
    /// It is not called.
    Excluded,
    /// It is called although something is against it, because nothing else is left.
    LastResort,
}

impl RouteView {
    /// Returns the view of a route; `requested` says why a model that no rule chose is considered.
    pub fn new(query: &RoutingQuery<'_>, route: &Route, requested: &str) -> Self {
        let candidates = route.candidates.iter().map(|choice| RouteCandidateView {
            name: choice.name.to_string(),
            provider: choice.model.client.provider().to_owned(),
            model: choice.model.model.clone(),
            reason: choice.reason.as_deref().map(str::to_owned),
        });
        let first = route.candidates.first().map_or("", |choice| &*choice.name);
        let steps = route.steps.iter().map(|step| RouteStepView::new(step, first, requested));
        Self {
            prompt_tokens: query.prompt_tokens,
            request_tokens: query.request_tokens,
            candidates: candidates.collect(),
            steps: steps.collect(),
        }
    }
}

impl RouteStepView {
    fn new(step: &Step, first: &str, requested: &str) -> Self {
        let (rule, reason) = match &step.origin {
            Origin::Named => (None, Some(requested)),
            Origin::Kept => (None, Some("the model that the task keeps")),
            Origin::Default => (None, Some("the default")),
            Origin::Rule(rule) => {
                let reason = Some(rule.reason.as_str()).filter(|reason| !reason.is_empty());
                (Some(rule.condition.clone()), reason)
            }
        };
        let (outcome, failure) = match &step.outcome {
            RuleOutcome::Held => (StepOutcomeView::Holds, None),
            RuleOutcome::NotHeld => (StepOutcomeView::DoesNotHold, None),
            RuleOutcome::Failed(error) => (StepOutcomeView::Fails, Some(error.clone())),
            RuleOutcome::NotReached => (StepOutcomeView::NotEvaluated, None),
        };
        let is_first = *step.name == *first;
        let (health, obstacle) = step.status.as_ref().map(|it| health(it, is_first)).unzip();
        let inputs =
            step.inputs.iter().map(|(variable, fact)| format!("{} = {fact}", variable.name()));
        Self {
            rule,
            name: step.name.to_string(),
            outcome,
            inputs: inputs.collect(),
            health,
            detail: failure.or(obstacle.flatten()),
            reason: reason.map(str::to_owned),
        }
    }
}

/// Returns what became of a model, and what is against it.
fn health(status: &CandidateStatus, is_first: bool) -> (StepHealthView, Option<String>) {
    match status {
        CandidateStatus::Candidate if is_first => (StepHealthView::First, None),
        CandidateStatus::Candidate => (StepHealthView::Fallback, None),
        CandidateStatus::AlreadyConsidered => (StepHealthView::AlreadyConsidered, None),
        CandidateStatus::Excluded(why) => (StepHealthView::Excluded, Some(why.to_string())),
        CandidateStatus::LastResort(why) => (StepHealthView::LastResort, Some(why.to_string())),
    }
}
