//! A decision in the making.

use std::cmp::Reverse;
use std::sync::Arc;

use az_core::Timestamp;

use super::cooldown::Cooldowns;
use super::route::{Choice, Obstacle, Origin, Route, Standing, Step, Verdict};
use super::rules::Rule;
use super::variables::{Fact, Variable};
use crate::config::RoutingRule;
use crate::error::{Error, Result};
use crate::resolver::{ModelResolver, ResolvedModel, Wanted};

/// Candidates so far, and those who were passed over.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    models: &'a dyn ModelResolver,
    cooldowns: &'a Cooldowns,
    now: Timestamp,
    wanted: &'a Wanted<'a>,
    candidates: Vec<Choice>,
    passed: Vec<Passed>,
    steps: Vec<Step>,
}

/// Someone who was passed over.
#[derive(Debug)]
struct Passed {
    step: usize,
    obstacle: Obstacle,
    /// Who it is, or why nobody can tell.
    choice: Result<Choice>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        models: &'a dyn ModelResolver,
        cooldowns: &'a Cooldowns,
        now: Timestamp,
        wanted: &'a Wanted<'a>,
    ) -> Self {
        let (candidates, passed) = (Vec::new(), Vec::new());
        Self { models, cooldowns, now, wanted, candidates, passed, steps: Vec::new() }
    }

    /// Whether nobody was found yet who can be asked.
    pub(super) const fn is_open(&self) -> bool {
        self.candidates.is_empty()
    }

    /// Adds a model that no rule brought up.
    pub(super) fn propose(&mut self, origin: Origin, name: &Arc<str>) {
        let number = self.steps.len();
        let standing = Some(self.stand(number, name, None));
        let (name, verdict, saw) = (Arc::clone(name), Verdict::Held, Vec::new());
        self.steps.push(Step { origin, name, verdict, saw, standing });
    }

    /// Adds what came of a rule, and its model if it held.
    pub(super) fn judge(&mut self, rule: &Rule, verdict: Verdict, saw: Vec<(Variable, Fact)>) {
        let number = self.steps.len();
        let held = verdict == Verdict::Held;
        let standing = held.then(|| self.stand(number, &rule.name, Some(&rule.rule)));
        let (origin, name) = (Origin::Rule(Arc::clone(&rule.rule)), Arc::clone(&rule.name));
        self.steps.push(Step { origin, name, verdict, saw, standing });
    }

    /// Adds the models of the fallback rules, which were judged as not reached before.
    pub(super) fn propose_fallbacks(&mut self, rules: &[Rule]) {
        // Their steps stand where the rules do, after that of a name.
        let first = self.steps.len().saturating_sub(rules.len());
        for (rule, number) in rules.iter().zip(first..).filter(|(rule, _)| rule.is_fallback()) {
            let standing = self.stand(number, &rule.name, Some(&rule.rule));
            if let Some(step) = self.steps.get_mut(number) {
                step.verdict = Verdict::Held;
                step.standing = Some(standing);
            }
        }
    }

    /// Returns the decision; takes one of those who were passed over if there is nobody else.
    pub(super) fn finish(mut self) -> Result<Route> {
        if self.is_open() {
            let second_best = self.second_best()?;
            self.candidates.push(second_best);
        }
        Ok(Route { candidates: self.candidates, steps: self.steps })
    }

    fn stand(&mut self, step: usize, name: &Arc<str>, rule: Option<&RoutingRule>) -> Standing {
        let known = |choice: &Choice| choice.name == *name;
        let passed = self.passed.iter().filter_map(|passed| passed.choice.as_ref().ok());
        if self.candidates.iter().chain(passed).any(known) {
            return Standing::Already;
        }
        let model = match self.models.resolve(Some(name)) {
            Ok(model) => model,
            Err(error) => {
                let obstacle = Obstacle::NotSetUp { reason: error.to_string() };
                self.passed.push(Passed { step, obstacle: obstacle.clone(), choice: Err(error) });
                return Standing::PassedOver(obstacle);
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
            return Standing::Candidate;
        };
        self.passed.push(Passed { step, obstacle: obstacle.clone(), choice: Ok(choice) });
        Standing::PassedOver(obstacle)
    }

    /// Finds what speaks against a model. What passes by itself comes last.
    fn obstacle(&self, model: &ResolvedModel) -> Option<Obstacle> {
        let can = model.client.capabilities(&model.model);
        let needs = self.wanted.needs;
        if needs.images && !can.vision {
            return Some(Obstacle::Lacks { feature: "vision" });
        }
        if needs.format && !can.formats {
            return Some(Obstacle::Lacks { feature: "format" });
        }
        let reply = u64::from(self.wanted.max_tokens).min(can.max_output.unwrap_or(u64::MAX));
        let needed = self.wanted.tokens.saturating_add(reply);
        if let Some(window) = can.context_window.filter(|window| *window < needed) {
            return Some(Obstacle::Window { window, needed });
        }
        let left = self.cooldowns.left(model.client.provider(), self.now)?;
        Some(Obstacle::CoolingDown { left })
    }

    /// Finds the one to ask although something speaks against it: it might have passed, or the
    /// caller may say less.
    fn second_best(&mut self) -> Result<Choice> {
        let passed = self.passed.iter().enumerate();
        let best = passed.filter_map(|(i, passed)| Some((rank(&passed.obstacle)?, i))).min();
        let Some((_, i)) = best else { return Err(self.nobody()) };
        let Passed { step, obstacle, choice } = self.passed.swap_remove(i);
        if let Some(step) = self.steps.get_mut(step) {
            step.standing = Some(Standing::InSpiteOf(obstacle));
        }
        choice
    }

    /// Says why nobody can be asked.
    fn nobody(&mut self) -> Error {
        if let [Passed { choice: Err(_), .. }] = self.passed.as_slice()
            && let Some(Passed { choice: Err(error), .. }) = self.passed.pop()
        {
            return error;
        }
        let set_up = self.passed.iter().any(|passed| passed.choice.is_ok());
        let told = self.steps.iter().filter_map(|step| match &step.standing {
            Some(Standing::PassedOver(obstacle)) => Some(format!("{}: {obstacle}", step.name)),
            _ => None,
        });
        let told: Vec<_> = told.collect();
        let provider = "routing".to_owned();
        let reason = format!("no model can be asked ({})", told.join("; "));
        if set_up {
            Error::Unsupported { provider, reason }
        } else {
            Error::Setup { provider, reason }
        }
    }
}

/// Ranks what speaks against someone; nothing when it rules them out.
fn rank(obstacle: &Obstacle) -> Option<(u8, u128, Reverse<u64>)> {
    match obstacle {
        Obstacle::CoolingDown { left } => Some((0, left.as_nanos(), Reverse(0))),
        Obstacle::Window { window, .. } => Some((1, 0, Reverse(*window))),
        Obstacle::NotSetUp { .. } | Obstacle::Lacks { .. } => None,
    }
}
