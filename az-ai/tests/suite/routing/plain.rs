//! An engine without an expression language, to check that the kit needs only what the contract
//! has.

use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use az_ai::config::RoutingRule;
use az_ai::resolver::{CallReport, ModelResolver, Models, ResolvedModel, RoutingQuery};
use az_ai::routing::{
    CandidateStatus, Choice, Cooldowns, Obstacle, Origin, Problem, ProblemLocation, Route,
    RoutingEngine, RuleOutcome, RulesError, Step,
};
use az_ai::testing::routing_engine::{RoutingFixture, RoutingSetup};
use az_core::clock::{ManualClock, steady};

#[derive(Debug)]
struct Plain {
    models: Models,
    clock: Arc<ManualClock>,
    cooldowns: Cooldowns,
    rules: RwLock<Vec<Rule>>,
}

#[derive(Debug, Clone)]
struct Rule {
    below: Option<u64>,
    rule: Arc<RoutingRule>,
}

fn check(models: &Models, rules: Vec<RoutingRule>) -> Result<Vec<Rule>, RulesError> {
    let checked = rules.into_iter().zip(1..).map(|(rule, number)| {
        let below = match rule.condition.strip_prefix("tokens < ") {
            Some(most) => most.parse().map(Some).map_err(|_| "no number"),
            None if rule.condition == "fallback" => Ok(None),
            None => Err("no condition"),
        };
        let known = models.names().any(|name| name == rule.provider);
        let below = below.and_then(|below| known.then_some(below).ok_or("no such model"));
        let at = ProblemLocation::Rule { number, character: None };
        let problem = |what: &str| Problem { at, what: what.to_owned(), near: Vec::new() };
        below.map(|below| Rule { below, rule: Arc::new(rule) }).map_err(problem)
    });
    Ok(checked.collect::<Result<_, Problem>>()?)
}

impl Plain {
    fn obstacle(&self, model: &ResolvedModel, query: &RoutingQuery<'_>) -> Option<Obstacle> {
        let can = model.client.capabilities("");
        let needed = query.request_tokens.saturating_add(u64::from(query.max_tokens));
        if (query.requirements.images && !can.vision) || (query.requirements.format && !can.formats)
        {
            return Some(Obstacle::Lacks { feature: "what is needed" });
        }
        if let Some(window) = can.context_window.filter(|window| *window < needed) {
            return Some(Obstacle::Window { window, needed });
        }
        let left = self.cooldowns.left(model.client.provider(), steady(&*self.clock))?;
        Some(Obstacle::CoolingDown { left })
    }
}

#[async_trait]
impl RoutingEngine for Plain {
    fn route(&self, query: &RoutingQuery<'_>) -> az_ai::Result<Route> {
        let rules = self.rules.read().unwrap().clone();
        let holds = |rule: &&Rule| {
            query.model.is_none() && rule.below.is_some_and(|most| query.prompt_tokens < most)
        };
        let of = |rule: &Rule| rule.rule.provider.clone();
        let held = rules.iter().filter(holds).map(of);
        let fallbacks = rules.iter().filter(|rule| rule.below.is_none()).map(of);
        let default = query.model.is_none().then(|| RoutingSetup::DEFAULT.to_owned());
        let is_known = |name: &&str| self.models.resolve(Some(name)).is_ok();
        let named = query.model.or(query.kept.filter(is_known)).map(str::to_owned).into_iter();
        let (mut candidates, mut passed) = (Vec::<Choice>::new(), Vec::new());
        for name in named.chain(held).chain(fallbacks).chain(default) {
            let model = self.models.resolve(Some(&name))?;
            let choice = Choice { name: name.as_str().into(), model, reason: None };
            if candidates.iter().any(|known| known.name == choice.name) {
                continue;
            }
            match self.obstacle(&choice.model, query) {
                None => candidates.push(choice),
                Some(obstacle) => passed.push((obstacle, choice)),
            }
        }
        if candidates.is_empty() {
            let rank = |(obstacle, _): &(Obstacle, Choice)| match obstacle {
                Obstacle::CoolingDown { left } => (0, left.as_secs()),
                Obstacle::Window { window, .. } => (1, u64::MAX - window),
                _ => (2, 0),
            };
            let best = passed.into_iter().min_by_key(rank).unwrap();
            candidates.push(best.1);
        }
        let steps = rules.iter().map(|rule| Step {
            origin: Origin::Rule(Arc::clone(&rule.rule)),
            name: rule.rule.provider.as_str().into(),
            outcome: if holds(&rule) { RuleOutcome::Held } else { RuleOutcome::NotHeld },
            inputs: Vec::new(),
            status: holds(&rule).then_some(CandidateStatus::Candidate),
        });
        let steps = steps.collect();
        Ok(Route { candidates, steps })
    }

    fn report(&self, model: &ResolvedModel, result: CallReport) {
        self.cooldowns.report(model.client.provider(), result, steady(&*self.clock));
    }

    async fn update_routing_rules(&self, rules: Vec<RoutingRule>) -> Result<(), RulesError> {
        *self.rules.write().unwrap() = check(&self.models, rules)?;
        Ok(())
    }
}

#[derive(Debug)]
struct WithoutLanguage;

#[async_trait]
impl RoutingFixture for WithoutLanguage {
    async fn set(&self, setup: &RoutingSetup) -> Arc<dyn RoutingEngine> {
        let rules = check(&setup.models, setup.rules.clone()).unwrap();
        Arc::new(Plain {
            models: setup.models.clone(),
            clock: Arc::clone(&setup.clock),
            cooldowns: Cooldowns::default(),
            rules: RwLock::new(rules),
        })
    }
}

mod kit {
    az_ai::routing_engine_conformance! { make: || super::WithoutLanguage, skips: [] }
}
