//! The routing engine that evaluates rules.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use az_core::Clock;
use az_core::clock::steady;
use minijinja::Value;

use super::classifier::{Complexity, ComplexityClassifier, KeywordClassifier};
use super::cooldown::Cooldowns;
use super::draft::Draft;
use super::engine::RoutingEngine;
use super::problem::RulesError;
use super::route::{Origin, Route, RuleOutcome};
use super::rules::RuleSet;
use super::variables::{Variable, VariableValues};
use crate::config::RoutingRule;
use crate::error::{Error, Result};
use crate::resolver::{
    CallReport, Candidate, ModelResolver, QueryInputs, ResolvedModel, RoutingQuery, near,
};

/// Routes by rules, and avoids providers that failed recently.
///
/// Wraps the resolver that finds models by name, and is a resolver itself: without a name it
/// resolves to the best candidate for an empty request.
#[derive(Debug)]
pub struct RuleRouter {
    models: Arc<dyn ModelResolver>,
    names: Vec<String>,
    default: Arc<str>,
    fallback: Fallback,
    classifier: Arc<dyn ComplexityClassifier>,
    cooldowns: Cooldowns,
    clock: Arc<dyn Clock>,
    /// Locked only to clone or to replace a pointer.
    rules: RwLock<Arc<RuleSet>>,
}

/// Whether a route has more than one candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fallback {
    Enabled,
    Disabled,
}

impl RuleRouter {
    /// Creates a router without rules, which always chooses the default.
    ///
    /// `names` are the names of models in rules; other names that `models` resolves, such as
    /// `openai/some-model`, are valid as well. `default` is one of them.
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

    /// Sets the rules.
    ///
    /// # Errors
    ///
    /// All errors in the rules, together.
    pub fn with_rules(self, rules: Vec<RoutingRule>) -> Result<Self, RulesError> {
        let rules = RwLock::new(Arc::new(self.check(rules)?));
        Ok(Self { rules, ..self })
    }

    /// Sets the classifier for `complexity`.
    #[must_use]
    pub fn with_classifier(mut self, classifier: Arc<dyn ComplexityClassifier>) -> Self {
        self.classifier = classifier;
        self
    }

    /// Limits routes to one candidate, so that a failed call has no fallback.
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

    fn facts(&self, query: &RoutingQuery<'_>, rules: &RuleSet) -> Arc<VariableValues> {
        let complexity = if rules.reads(Variable::Complexity) {
            self.classifier.classify(query.text)
        } else {
            Complexity::default()
        };
        Arc::new(VariableValues::of(query, complexity))
    }
}

#[async_trait]
impl RoutingEngine for RuleRouter {
    fn route(&self, query: &RoutingQuery<'_>) -> Result<Route> {
        let rules = self.rules();
        let facts = self.facts(query, &rules);
        let values = Value::from_dyn_object(Arc::clone(&facts));
        let mut draft = Draft::new(&*self.models, &self.cooldowns, steady(&*self.clock), query);
        let enabled = self.fallback == Fallback::Enabled;
        if let Some(name) = query.model {
            // An unknown name is an error rather than a reason for another model.
            self.models.resolve(Some(name))?;
            draft.propose(Origin::Named, &name.into());
        } else if let Some(name) = query.kept {
            draft.propose(Origin::Kept, &name.into());
        }
        for rule in &rules.rules {
            let reached = !rule.is_fallback()
                && match query.model {
                    None => enabled || draft.is_empty(),
                    Some(_) => enabled && rule.reads().contains(&Variable::Model),
                };
            let outcome = if reached { rule.evaluate(&values) } else { RuleOutcome::NotReached };
            let reads = if reached { rule.reads() } else { &[] };
            let inputs = reads.iter().map(|variable| (*variable, facts.get(*variable)));
            draft.add_rule(rule, outcome, inputs.collect());
        }
        let last_resort = enabled || (query.model.is_none() && draft.is_empty());
        if last_resort {
            draft.propose_fallbacks(&rules.rules);
        }
        if query.model.is_none() && (enabled || draft.is_empty()) {
            draft.propose(Origin::Default, &self.default);
        }
        draft.finish()
    }

    fn report(&self, model: &ResolvedModel, result: CallReport) {
        self.cooldowns.report(model.client.provider(), result, steady(&*self.clock));
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
        let empty = RoutingQuery::new("").with_request_tokens(0).with_max_tokens(0);
        let first = self.route(&empty)?.candidates.into_iter().next();
        first.map_or_else(|| self.models.resolve(Some(&self.default)), |choice| Ok(choice.model))
    }

    fn candidates(&self, query: &RoutingQuery<'_>) -> Result<Vec<Candidate>> {
        Ok(self.route(query)?.candidates.into_iter().map(Candidate::from).collect())
    }

    fn query_inputs(&self, _model: Option<&str>) -> QueryInputs {
        // Context windows are compared with the size of the request whatever the rules use.
        QueryInputs { request_tokens: true, budget_left: self.rules().reads(Variable::BudgetLeft) }
    }

    fn report(&self, model: &ResolvedModel, result: CallReport) {
        RoutingEngine::report(self, model, result);
    }
}
