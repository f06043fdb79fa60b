//! The engine of the rules.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use az_core::{Clock, TaskPriority};
use minijinja::Value;

use super::classifier::{Complexity, ComplexityClassifier, KeywordClassifier};
use super::cooldown::Cooldowns;
use super::draft::Draft;
use super::engine::RoutingEngine;
use super::problem::RulesError;
use super::route::{Origin, Route, Verdict};
use super::rules::RuleSet;
use super::variables::{Facts, Variable};
use crate::config::RoutingRule;
use crate::error::{Error, Result};
use crate::resolver::{
    Candidate, ModelResolver, Needs, Reads, Reported, ResolvedModel, Wanted, near,
};

/// Routes by rules, with a memory for who failed lately.
///
/// It stands in front of the resolver that knows the models by their names, and is one itself:
/// without a name it resolves to the best candidate for an empty request.
#[derive(Debug)]
pub struct RuleRouter {
    models: Arc<dyn ModelResolver>,
    names: Vec<String>,
    default: Arc<str>,
    fallback: Fallback,
    classifier: Arc<dyn ComplexityClassifier>,
    cooldowns: Cooldowns,
    clock: Arc<dyn Clock>,
    /// Locked for as long as it takes to copy or to replace a pointer.
    rules: RwLock<Arc<RuleSet>>,
}

/// Whether another model is asked when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fallback {
    Enabled,
    Disabled,
}

impl RuleRouter {
    /// Returns a router without rules, which asks the default.
    ///
    /// `names` are what rules may call models by; other names that `models` knows, such as
    /// `openai/some-model`, are good as well. `default` is one of them.
    pub fn new(
        models: Arc<dyn ModelResolver>,
        names: Vec<String>,
        default: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            models,
            names,
            default: default.into(),
            fallback: Fallback::Enabled,
            classifier: Arc::new(KeywordClassifier),
            cooldowns: Cooldowns::default(),
            clock,
            rules: RwLock::default(),
        }
    }

    /// Returns the router with rules.
    ///
    /// # Errors
    ///
    /// All that is wrong with them.
    pub fn with_rules(self, rules: Vec<RoutingRule>) -> Result<Self, RulesError> {
        let rules = RwLock::new(Arc::new(self.check(rules)?));
        Ok(Self { rules, ..self })
    }

    /// Returns the router with another way of telling what sort of work a text asks for.
    #[must_use]
    pub fn with_classifier(mut self, classifier: Arc<dyn ComplexityClassifier>) -> Self {
        self.classifier = classifier;
        self
    }

    /// Returns the router as one that names a single candidate: what fails has failed.
    #[must_use]
    pub const fn without_fallback(mut self) -> Self {
        self.fallback = Fallback::Disabled;
        self
    }

    fn check(&self, rules: Vec<RoutingRule>) -> Result<RuleSet, RulesError> {
        RuleSet::check(rules, |name| {
            let listed = self.names.iter().any(|known| known == name);
            let unknown =
                || matches!(self.models.resolve(Some(name)), Err(Error::UnknownModel { .. }));
            let names = self.names.iter().map(String::as_str);
            (!listed && unknown()).then(|| near(name, names))
        })
    }

    fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn facts(&self, wanted: &Wanted<'_>, rules: &RuleSet) -> Arc<Facts> {
        let complexity = if rules.reads(Variable::Complexity) {
            self.classifier.classify(wanted.text)
        } else {
            Complexity::default()
        };
        Arc::new(Facts::of(wanted, complexity))
    }
}

#[async_trait]
impl RoutingEngine for RuleRouter {
    fn route(&self, wanted: &Wanted<'_>) -> Result<Route> {
        let rules = self.rules();
        let facts = self.facts(wanted, &rules);
        let values = Value::from_dyn_object(Arc::clone(&facts));
        let mut draft = Draft::new(&*self.models, &self.cooldowns, self.clock.now(), wanted);
        let enabled = self.fallback == Fallback::Enabled;
        if let Some(name) = wanted.model {
            // A name that is wrong is said so, rather than replaced by somebody else.
            self.models.resolve(Some(name))?;
            draft.propose(Origin::Named, &name.into());
        }
        for rule in &rules.rules {
            let reached = !rule.is_fallback()
                && match wanted.model {
                    None => enabled || draft.is_open(),
                    Some(_) => enabled && rule.reads().contains(&Variable::Model),
                };
            let verdict = if reached { rule.ask(&values) } else { Verdict::NotReached };
            let reads = if reached { rule.reads() } else { &[] };
            let saw = reads.iter().map(|variable| (*variable, facts.get(*variable)));
            draft.judge(rule, verdict, saw.collect());
        }
        let last_resort = enabled || (wanted.model.is_none() && draft.is_open());
        if last_resort {
            draft.propose_fallbacks(&rules.rules);
        }
        if wanted.model.is_none() && (enabled || draft.is_open()) {
            draft.propose(Origin::Default, &self.default);
        }
        draft.finish()
    }

    fn report(&self, model: &ResolvedModel, result: Reported) {
        self.cooldowns.report(model.client.provider(), result, self.clock.now());
    }

    async fn update_routing_rules(&self, rules: Vec<RoutingRule>) -> Result<(), RulesError> {
        let rules = Arc::new(self.check(rules)?);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
        Ok(())
    }
}

impl ModelResolver for RuleRouter {
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel> {
        if model.is_some() {
            return self.models.resolve(model);
        }
        let nothing = Wanted {
            model: None,
            text: "",
            priority: TaskPriority::default(),
            tokens: 0,
            max_tokens: 0,
            needs: Needs::default(),
            budget_left: None,
        };
        let first = self.route(&nothing)?.candidates.into_iter().next();
        first.map_or_else(|| self.models.resolve(Some(&self.default)), |choice| Ok(choice.model))
    }

    fn candidates(&self, wanted: &Wanted<'_>) -> Result<Vec<Candidate>> {
        Ok(self.route(wanted)?.candidates.into_iter().map(Candidate::from).collect())
    }

    fn reads(&self, _model: Option<&str>) -> Reads {
        // Windows are compared with tokens whatever the rules say.
        Reads { tokens: true, budget_left: self.rules().reads(Variable::BudgetLeft) }
    }

    fn report(&self, model: &ResolvedModel, result: Reported) {
        RoutingEngine::report(self, model, result);
    }
}
