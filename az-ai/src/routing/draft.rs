//! Collects the candidates of a decision.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use az_core::Timestamp;

use super::cooldown::Cooldowns;
use super::route::{CandidateStatus, Choice, Obstacle, Origin, Route, RuleOutcome, Step};
use super::rules::Rule;
use super::variables::{Variable, VariableValue};
use crate::config::RoutingRule;
use crate::error::{Error, Result};
use crate::resolver::{ModelResolver, ResolvedModel, RoutingQuery};

/// The candidates and the exclusions so far.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    models: &'a dyn ModelResolver,
    cooldowns: &'a Cooldowns,
    now: Timestamp,
    query: &'a RoutingQuery<'a>,
    candidates: Vec<Choice>,
    excluded: Vec<Excluded>,
    steps: Vec<Step>,
}

/// A model that was excluded.
#[derive(Debug)]
struct Excluded {
    step: usize,
    obstacle: Obstacle,
    /// The model, or the error of resolving it.
    choice: Result<Choice>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        models: &'a dyn ModelResolver,
        cooldowns: &'a Cooldowns,
        now: Timestamp,
        query: &'a RoutingQuery<'a>,
    ) -> Self {
        let (candidates, excluded) = (Vec::new(), Vec::new());
        Self { models, cooldowns, now, query, candidates, excluded, steps: Vec::new() }
    }

    /// Returns whether there is no candidate yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// Considers a model that no rule names.
    pub(super) fn propose(&mut self, origin: Origin, name: &Arc<str>) {
        let number = self.steps.len();
        let status = Some(self.consider(number, name, None));
        let (name, outcome, inputs) = (Arc::clone(name), RuleOutcome::Held, Vec::new());
        self.steps.push(Step { origin, name, outcome, inputs, status });
    }

    /// Adds the outcome of a rule, and considers its model if the rule holds.
    pub(super) fn add_rule(
        &mut self,
        rule: &Rule,
        outcome: RuleOutcome,
        inputs: Vec<(Variable, VariableValue)>,
    ) {
        let number = self.steps.len();
        let held = outcome == RuleOutcome::Held;
        let status = held.then(|| self.consider(number, &rule.name, Some(&rule.rule)));
        let (origin, name) = (Origin::Rule(Arc::clone(&rule.rule)), Arc::clone(&rule.name));
        self.steps.push(Step { origin, name, outcome, inputs, status });
    }

    /// Considers the models of the fallback rules, whose steps were added as not reached.
    pub(super) fn propose_fallbacks(&mut self, rules: &[Rule]) {
        // The steps of the rules follow that of a requested model.
        let first = self.steps.len().saturating_sub(rules.len());
        for (rule, number) in rules.iter().zip(first..).filter(|(rule, _)| rule.is_fallback()) {
            let status = self.consider(number, &rule.name, Some(&rule.rule));
            if let Some(step) = self.steps.get_mut(number) {
                step.outcome = RuleOutcome::Held;
                step.status = Some(status);
            }
        }
    }

    /// Returns the decision; without a candidate, takes the best of the excluded models.
    pub(super) fn finish(mut self) -> Result<Route> {
        if self.is_empty() {
            let choice = self.last_resort()?;
            self.candidates.push(choice);
        }
        Ok(Route { candidates: self.candidates, steps: self.steps })
    }

    fn consider(
        &mut self,
        step: usize,
        name: &Arc<str>,
        rule: Option<&RoutingRule>,
    ) -> CandidateStatus {
        let known = |choice: &Choice| choice.name == *name;
        let excluded = self.excluded.iter().filter_map(|excluded| excluded.choice.as_ref().ok());
        if self.candidates.iter().chain(excluded).any(known) {
            return CandidateStatus::AlreadyConsidered;
        }
        let model = match self.models.resolve(Some(name)) {
            Ok(model) => model,
            Err(error) => {
                let obstacle = Obstacle::NotSetUp { reason: error.to_string() };
                let choice = Err(error);
                self.excluded.push(Excluded { step, obstacle: obstacle.clone(), choice });
                return CandidateStatus::Excluded(obstacle);
            }
        };
        let obstacle = self.obstacle(&model);
        let reason = rule.map(|rule| match rule.reason.as_str() {
            "" => rule.condition.clone(),
            reason => reason.to_owned(),
        });
        let choice = Choice { name: Arc::clone(name), model, reason };
        let Some(obstacle) = obstacle else {
            self.candidates.push(choice);
            return CandidateStatus::Candidate;
        };
        self.excluded.push(Excluded { step, obstacle: obstacle.clone(), choice: Ok(choice) });
        CandidateStatus::Excluded(obstacle)
    }

    /// Returns the obstacle to a model. A cooldown comes last, because it ends by itself.
    fn obstacle(&self, model: &ResolvedModel) -> Option<Obstacle> {
        let can = model.client.capabilities(&model.model);
        let required = self.query.requirements;
        if required.images && !can.vision {
            return Some(Obstacle::Lacks { feature: "vision" });
        }
        if required.format && !can.formats {
            return Some(Obstacle::Lacks { feature: "format" });
        }
        let reply = u64::from(self.query.max_tokens).min(can.max_output.unwrap_or(u64::MAX));
        let needed = self.query.request_tokens.saturating_add(reply);
        if let Some(window) = can.context_window.filter(|window| *window < needed) {
            return Some(Obstacle::Window { window, needed });
        }
        let left = self.cooldowns.left(model.client.provider(), self.now)?;
        Some(Obstacle::CoolingDown { left })
    }

    /// Returns the best of the excluded models: the cooldown may be over when it is called, or the
    /// caller may shorten the request.
    fn last_resort(&mut self) -> Result<Choice> {
        let excluded = self.excluded.iter().enumerate();
        let best = excluded.filter_map(|(i, excluded)| Some((rank(&excluded.obstacle)?, i))).min();
        let Some((_, i)) = best else { return Err(self.no_candidate()) };
        let Excluded { step, obstacle, choice } = self.excluded.swap_remove(i);
        if let Some(step) = self.steps.get_mut(step) {
            step.status = Some(CandidateStatus::LastResort(obstacle));
        }
        choice
    }

    /// Returns the error that explains why there is no candidate.
    fn no_candidate(&mut self) -> Error {
        if let [Excluded { choice: Err(_), .. }] = self.excluded.as_slice()
            && let Some(Excluded { choice: Err(error), .. }) = self.excluded.pop()
        {
            return error;
        }
        let set_up = self.excluded.iter().any(|excluded| excluded.choice.is_ok());
        let reasons = self.steps.iter().filter_map(|step| match &step.status {
            Some(CandidateStatus::Excluded(obstacle)) => Some(about(&step.name, obstacle)),
            _ => None,
        });
        let mut reasons: Vec<_> = reasons.collect();
        // Several rules may name the same model.
        let mut named = HashSet::new();
        reasons.retain(|reason| named.insert(reason.clone()));
        let provider = "routing".to_owned();
        let reason = format!("no model is usable ({})", reasons.join("; "));
        if set_up {
            Error::Unsupported { provider, reason }
        } else {
            Error::Setup { provider, reason }
        }
    }
}

/// Returns an obstacle with the name of the model, unless it begins with that.
fn about(name: &str, obstacle: &Obstacle) -> String {
    let text = obstacle.to_string();
    if text.starts_with(name) { text } else { format!("{name}: {text}") }
}

/// Ranks an obstacle, the smallest first; `None` if it cannot be overcome.
fn rank(obstacle: &Obstacle) -> Option<(u8, u128, Reverse<u64>)> {
    match obstacle {
        Obstacle::CoolingDown { left } => Some((0, left.as_nanos(), Reverse(0))),
        Obstacle::Window { window, .. } => Some((1, 0, Reverse(*window))),
        Obstacle::NotSetUp { .. } | Obstacle::Lacks { .. } => None,
    }
}
