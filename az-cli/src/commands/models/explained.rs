//! The explanation of a routing decision, as JSON and as text.

use std::fmt::Write;

use az_ai::resolver::RoutingQuery;
use az_ai::routing::{Origin, ProviderHealth, Route, RuleOutcome, Step};
use serde::Serialize;

use crate::output::Style;

/// A routing decision with its steps.
#[derive(Debug, Serialize)]
pub(super) struct Explained<'a> {
    prompt_tokens: u64,
    request_tokens: u64,
    candidates: Vec<Candidate<'a>>,
    steps: Vec<Explanation<'a>>,
}

#[derive(Debug, Serialize)]
struct Candidate<'a> {
    name: &'a str,
    provider: &'a str,
    model: &'a str,
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Explanation<'a> {
    rule: Option<&'a str>,
    name: &'a str,
    outcome: Outcome,
    inputs: Vec<String>,
    health: Option<Health>,
    detail: Option<String>,
    reason: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Holds,
    DoesNotHold,
    Fails,
    NotEvaluated,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    First,
    Fallback,
    AlreadyConsidered,
    Excluded,
    LastResort,
}

impl<'a> Explained<'a> {
    /// Creates the explanation of a route.
    pub(super) fn new(query: &RoutingQuery<'_>, route: &'a Route) -> Self {
        let candidates = route.candidates.iter().map(|choice| Candidate {
            name: &choice.name,
            provider: choice.model.client.provider(),
            model: &choice.model.model,
            reason: choice.reason.as_deref(),
        });
        let first = route.candidates.first().map_or("", |choice| &*choice.name);
        let steps = route.steps.iter().map(|step| Explanation::new(step, first));
        Self {
            prompt_tokens: query.prompt_tokens,
            request_tokens: query.request_tokens,
            candidates: candidates.collect(),
            steps: steps.collect(),
        }
    }

    /// Formats the explanation for a terminal: a line for each step, then the candidates.
    pub(super) fn in_words(&self, style: Style) -> String {
        let Self { prompt_tokens, request_tokens, .. } = self;
        let mut text =
            format!("about {prompt_tokens} tokens in the prompt, {request_tokens} sent\n");
        for step in &self.steps {
            step.write_to(&mut text, style);
        }
        let names = self
            .candidates
            .iter()
            .map(|candidate| format!("{} ({})", style.bold(candidate.name), candidate.model));
        text.push_str(&names.collect::<Vec<_>>().join(", then "));
        let reason = self.candidates.first().and_then(|first| first.reason);
        text.push_str(&reason.map_or_else(String::new, |reason| format!(": {reason}")));
        text.push('\n');
        text
    }
}

impl<'a> Explanation<'a> {
    fn new(step: &'a Step, first: &str) -> Self {
        let (rule, reason) = match &step.origin {
            Origin::Named => (None, Some("the requested model")),
            Origin::Default => (None, Some("the default")),
            Origin::Rule(rule) => {
                let reason = Some(rule.reason.as_str()).filter(|reason| !reason.is_empty());
                (Some(rule.condition.as_str()), reason)
            }
        };
        let (outcome, failure) = match &step.outcome {
            RuleOutcome::Held => (Outcome::Holds, None),
            RuleOutcome::NotHeld => (Outcome::DoesNotHold, None),
            RuleOutcome::Failed(error) => (Outcome::Fails, Some(error.clone())),
            RuleOutcome::NotReached => (Outcome::NotEvaluated, None),
        };
        let (health, obstacle) = match &step.health {
            None => (None, None),
            Some(ProviderHealth::Candidate) if *step.name == *first => (Some(Health::First), None),
            Some(ProviderHealth::Candidate) => (Some(Health::Fallback), None),
            Some(ProviderHealth::AlreadyConsidered) => (Some(Health::AlreadyConsidered), None),
            Some(ProviderHealth::Excluded(why)) => (Some(Health::Excluded), Some(why.to_string())),
            Some(ProviderHealth::LastResort(why)) => {
                (Some(Health::LastResort), Some(why.to_string()))
            }
        };
        let inputs =
            step.inputs.iter().map(|(variable, fact)| format!("{} = {fact}", variable.name()));
        let (inputs, detail) = (inputs.collect(), failure.or(obstacle));
        Self { rule, name: &step.name, outcome, inputs, health, detail, reason }
    }

    fn write_to(&self, text: &mut String, style: Style) {
        let mark = match (self.outcome, self.health) {
            (Outcome::Holds, Some(Health::First | Health::Fallback | Health::LastResort)) => {
                style.green("✓")
            }
            (Outcome::Holds, Some(Health::Excluded) | None) => style.yellow("!"),
            (Outcome::Fails, _) => style.red("✗"),
            (Outcome::Holds, Some(Health::AlreadyConsidered))
            | (Outcome::DoesNotHold | Outcome::NotEvaluated, _) => style.dim("·"),
        };
        let what = self.rule.or(self.reason).unwrap_or_default();
        let outcome = self.outcome.in_words();
        // Writing to a string cannot fail.
        write!(text, "  {mark} {what} → {}: {outcome}", self.name).ok();
        if !self.inputs.is_empty() {
            text.push_str(&style.dim(&format!(" ({})", self.inputs.join(", "))));
        }
        let health = self.health.map(|health| health.in_words().to_owned());
        let parts = [health, self.detail.clone()].into_iter().flatten().collect::<Vec<_>>();
        if !parts.is_empty() {
            write!(text, "; {}", parts.join(": ")).ok();
        }
        text.push('\n');
    }
}

impl Outcome {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Fails => "fails",
            Self::NotEvaluated => "not evaluated",
        }
    }
}

impl Health {
    const fn in_words(self) -> &'static str {
        match self {
            Self::First => "called first",
            Self::Fallback => "called if the models before it fail",
            Self::AlreadyConsidered => "considered already",
            Self::Excluded => "excluded",
            Self::LastResort => "called as a last resort",
        }
    }
}
