//! A custom router: requests that are not urgent go to the cheapest model.

use std::io::Write;
use std::sync::Arc;

use async_trait::async_trait;
use az_ai::chat::ChatRequest;
use az_ai::config::RoutingRule;
use az_ai::resolver::{CallReport, ResolvedModel, RoutingQuery};
use az_ai::routing::{Choice, Route, RoutingEngine, RuleRouter, RulesError};
use az_ai::testing::routing_engine;
use az_ai::testing::routing_engine::{RoutingFixture, RoutingSetup};
use az_core::{TaskPriority, Usd};

/// Takes the candidates of another engine, and puts the cheapest first unless the request is
/// urgent.
#[derive(Debug)]
struct Thrifty<E>(E);

/// Returns the maximum cost of a request; an unknown price counts as the highest.
fn most(choice: &Choice, query: &RoutingQuery<'_>) -> Usd {
    let request = ChatRequest::prompt(&choice.model.model, query.text);
    let quote = choice.model.client.estimate_cost(&request.with_max_tokens(query.max_tokens));
    quote.max_cost.unwrap_or(Usd::MAX)
}

#[async_trait]
impl<E: RoutingEngine> RoutingEngine for Thrifty<E> {
    fn route(&self, query: &RoutingQuery<'_>) -> az_ai::Result<Route> {
        let mut route = self.0.route(query)?;
        if query.priority == TaskPriority::Low && query.model.or(query.kept).is_none() {
            route.candidates.sort_by_cached_key(|choice| most(choice, query));
        }
        Ok(route)
    }

    fn report(&self, model: &ResolvedModel, result: CallReport) {
        self.0.report(model, result);
    }

    async fn update_routing_rules(&self, rules: Vec<RoutingRule>) -> Result<(), RulesError> {
        self.0.update_routing_rules(rules).await
    }
}

/// Creates the router for the kit.
struct InFrontOfRules;

#[async_trait]
#[expect(clippy::expect_used, reason = "rules that are wrong are the kit's mistake")]
impl RoutingFixture for InFrontOfRules {
    async fn set(&self, setup: &RoutingSetup) -> Arc<dyn RoutingEngine> {
        let names = RoutingSetup::NAMES.map(str::to_owned).to_vec();
        let (models, clock) = (Arc::new(setup.models.clone()), Arc::clone(&setup.clock));
        let router = RuleRouter::new(models, names, RoutingSetup::DEFAULT, clock);
        let router = router.with_rules(setup.rules.clone()).expect("the rules of a setup are good");
        Arc::new(Thrifty(router))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let report = routing_engine(|| InFrontOfRules).await;
    writeln!(std::io::stdout(), "{report}")?;
    report.assert_passed();
    Ok(())
}
