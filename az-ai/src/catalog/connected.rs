//! The models of a configuration behind its routing rules.

use std::sync::Arc;

use super::clients::ModelCatalog;
use crate::config::RoutingRule;
use crate::error::Result;
use crate::model_name::ModelName;
use crate::resolver::{
    CallReport, Candidate, ModelResolver, QueryInputs, ResolvedModel, RoutingQuery,
};
use crate::routing::{RuleRouter, RulesError};

/// The models of a configuration behind its routing rules.
///
/// For `auto` the rules choose the model. For another name the rules decide which models follow it
/// when it fails; scripts, recordings and `offline` have no fallbacks.
#[derive(Debug)]
pub struct ConnectedModels {
    catalog: Arc<ModelCatalog>,
    router: Arc<RuleRouter>,
}

impl ConnectedModels {
    /// Creates the models of a catalog behind rules.
    ///
    /// # Errors
    ///
    /// All that is wrong with the rules.
    pub fn new(catalog: Arc<ModelCatalog>, rules: Vec<RoutingRule>) -> Result<Self, RulesError> {
        let router = routing_by(&catalog, rules)?;
        Ok(Self { catalog, router: Arc::new(router) })
    }

    /// Returns the catalog.
    pub const fn catalog(&self) -> &Arc<ModelCatalog> {
        &self.catalog
    }

    /// Returns the engine that routes by the rules.
    pub const fn router(&self) -> &Arc<RuleRouter> {
        &self.router
    }

    /// Whether the rules decide which models follow the one of this name.
    pub fn is_routed(&self, name: &str) -> bool {
        let Ok(name) = name.parse::<ModelName>() else { return false };
        matches!(name, ModelName::Auto | ModelName::Local { .. })
            || (self.catalog.target(&name).is_some() && !self.catalog.is_added(&name))
    }

    /// Returns the name that a request is resolved by: its own model, or the default.
    fn name<'a>(&'a self, model: Option<&'a str>) -> Option<&'a str> {
        model.or_else(|| self.catalog.default_name().ok())
    }
}

/// Creates an engine that routes the models of a catalog by rules.
///
/// Without a default in the configuration, requests that no rule applies to go to the first entry of
/// the configuration, the first entry with a key, the model of the first rule, or `offline`.
fn routing_by(
    catalog: &Arc<ModelCatalog>,
    rules: Vec<RoutingRule>,
) -> Result<RuleRouter, RulesError> {
    let entries = catalog.entries();
    let configured = entries.iter().find(|entry| entry.configured);
    let with_key = || catalog.with_keys().next().map(|(entry, _)| entry);
    let first = || configured.or_else(with_key).map(|entry| entry.config.name.clone());
    let of_rules = || rules.first().map(|rule| rule.provider.clone());
    let default = catalog.default_provider.clone().or_else(first).or_else(of_rules);
    let default = default.unwrap_or_else(|| ModelName::Offline.to_string());
    let names = entries.names().map(str::to_owned).collect();
    let models: Arc<dyn ModelResolver> = Arc::<ModelCatalog>::clone(catalog);
    let router = RuleRouter::new(models, names, &default, catalog.clock()).with_rules(rules)?;
    Ok(if catalog.fallback_enabled { router } else { router.without_fallback() })
}

impl ModelResolver for ConnectedModels {
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel> {
        match self.name(model) {
            Some(AUTO) => self.router.resolve(None),
            _ => self.catalog.resolve(model),
        }
    }

    fn candidates(&self, query: &RoutingQuery<'_>) -> Result<Vec<Candidate>> {
        match self.name(query.model) {
            Some(AUTO) => self.router.candidates(&query.with_model(None)),
            Some(name) if self.is_routed(name) => {
                self.router.candidates(&query.with_model(Some(name)))
            }
            name => Ok(vec![Candidate::new(self.catalog.resolve(name)?)]),
        }
    }

    fn query_inputs(&self, model: Option<&str>) -> QueryInputs {
        match self.name(model) {
            Some(name) if self.is_routed(name) => self.router.query_inputs(Some(name)),
            _ => QueryInputs::default(),
        }
    }

    fn report(&self, model: &ResolvedModel, result: CallReport) {
        self.router.report(model, result);
    }
}

const AUTO: &str = "auto";
