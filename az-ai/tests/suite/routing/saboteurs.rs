//! Routing engines that each break one clause, to check that the kit notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use az_ai::config::RoutingRule;
use az_ai::resolver::{CallReport, ModelResolver, Requirements, ResolvedModel, RoutingQuery};
use az_ai::routing::{Route, RoutingEngine, RuleRouter, RulesError};
use az_ai::testing::routing_engine;
use az_ai::testing::routing_engine::{RoutingFixture, RoutingSetup};

use super::router::router;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sabotage {
    /// Breaks `RoutingEngine` 1.
    ForgetsTheOthers,
    /// Breaks `RoutingEngine` 1.
    AsksTheLastFirst,
    /// Breaks `RoutingEngine` 2.
    ChangesItsMind,
    /// Breaks `RoutingEngine` 3.
    Repeats,
    /// Breaks `RoutingEngine` 4.
    OverlooksNames,
    /// Breaks `RoutingEngine` 4.
    GuessesNames,
    /// Breaks `RoutingEngine` 5.
    ForgetsFailures,
    /// Breaks `RoutingEngine` 5.
    NeverForgives,
    /// Breaks `RoutingEngine` 5.
    BlamesEverybody,
    /// Breaks `RoutingEngine` 6.
    IgnoresSizes,
    /// Breaks `RoutingEngine` 9.
    RoutesByTheRequest,
    /// Breaks `RoutingEngine` 9.
    ComparesThePrompt,
    /// Breaks `RoutingEngine` 6.
    IgnoresRequirements,
    /// Breaks `RoutingEngine` 7.
    TakesHalf,
    /// Breaks `RoutingEngine` 7.
    RefusesAll,
    /// Breaks `RoutingEngine` 8.
    HidesSteps,
    /// Breaks `RoutingEngine` 10.
    ChoosesAnew,
    /// Breaks `RoutingEngine` 10.
    KeepsForced,
}

#[derive(Debug)]
struct Saboteur {
    inner: RuleRouter,
    how: Sabotage,
    decisions: AtomicUsize,
}

#[async_trait]
impl RoutingEngine for Saboteur {
    fn route(&self, query: &RoutingQuery<'_>) -> az_ai::Result<Route> {
        let query = match self.how {
            Sabotage::OverlooksNames => query.with_model(None),
            Sabotage::GuessesNames => {
                let known = query.model.filter(|name| self.inner.resolve(Some(name)).is_ok());
                query.with_model(known)
            }
            Sabotage::ChoosesAnew => query.with_kept(None),
            Sabotage::KeepsForced => query.with_model(query.model.or(query.kept)),
            Sabotage::IgnoresSizes => query.with_request_tokens(1),
            Sabotage::RoutesByTheRequest => query.with_prompt_tokens(query.request_tokens),
            Sabotage::ComparesThePrompt => query.with_request_tokens(query.prompt_tokens),
            Sabotage::IgnoresRequirements => query.with_requirements(Requirements::default()),
            _ => *query,
        };
        let mut route = self.inner.route(&query)?;
        match self.how {
            Sabotage::ForgetsTheOthers => route.candidates.truncate(1),
            Sabotage::AsksTheLastFirst => route.candidates.reverse(),
            Sabotage::ChangesItsMind => {
                let times = self.decisions.fetch_add(1, Ordering::SeqCst);
                let of = route.candidates.len();
                route.candidates.rotate_left(times % of);
            }
            Sabotage::Repeats => route.candidates.extend(route.candidates.last().cloned()),
            Sabotage::HidesSteps => route.steps.clear(),
            _ => {}
        }
        Ok(route)
    }

    fn report(&self, model: &ResolvedModel, result: CallReport) {
        let result = match (self.how, result) {
            (Sabotage::ForgetsFailures, _) => return,
            (Sabotage::NeverForgives, CallReport::Replied) => return,
            (Sabotage::BlamesEverybody, CallReport::Failed { retry_after, .. }) => {
                CallReport::Failed { kind: az_core::ErrorKind::Unavailable, retry_after }
            }
            (_, result) => result,
        };
        RoutingEngine::report(&self.inner, model, result);
    }

    async fn update_routing_rules(&self, rules: Vec<RoutingRule>) -> Result<(), RulesError> {
        match self.how {
            Sabotage::TakesHalf => {
                // One by one, until the first that fails.
                for upto in 1..=rules.len() {
                    self.inner.update_routing_rules(rules[..upto].to_vec()).await?;
                }
                Ok(())
            }
            Sabotage::RefusesAll => Err(RulesError { problems: Vec::new() }),
            _ => self.inner.update_routing_rules(rules).await,
        }
    }
}

#[derive(Debug)]
struct Sabotaged(Sabotage);

#[async_trait]
impl RoutingFixture for Sabotaged {
    async fn set(&self, setup: &RoutingSetup) -> Arc<dyn RoutingEngine> {
        Arc::new(Saboteur { inner: router(setup), how: self.0, decisions: AtomicUsize::new(0) })
    }
}

#[tokio::test]
async fn the_kit_notices_every_sabotage() {
    let check = async |how: Sabotage, expected: &[&str]| {
        let report = routing_engine(|| Sabotaged(how)).await;
        for scenario in expected {
            assert!(report.failed().contains(scenario), "{how:?}\n{report}");
        }
    };
    let first = "the_first_rule_that_holds_decides_and_the_others_follow";
    let same = "a_decision_performs_no_io_and_is_deterministic";
    let twice = "there_is_a_candidate_and_none_is_repeated";
    let patience = "a_rate_limited_provider_is_excluded_for_the_requested_time";
    let trouble = "a_failing_provider_is_excluded";
    let window = "a_model_with_too_small_a_window_is_excluded";
    let together = "rules_are_replaced_all_together_or_not_at_all";
    check(Sabotage::ForgetsTheOthers, &[first]).await;
    check(Sabotage::AsksTheLastFirst, &[first]).await;
    check(Sabotage::ChangesItsMind, &[same]).await;
    check(Sabotage::Repeats, &[first, twice]).await;
    check(Sabotage::OverlooksNames, &["a_requested_model_comes_first"]).await;
    check(Sabotage::GuessesNames, &["an_unknown_name_is_an_error"]).await;
    let soonest = "when_all_are_excluded_the_shortest_cooldown_is_chosen";
    check(Sabotage::ForgetsFailures, &[patience, trouble, soonest]).await;
    check(Sabotage::NeverForgives, &["a_reply_ends_the_cooldown"]).await;
    let wrong = "an_invalid_request_starts_no_cooldown";
    check(Sabotage::BlamesEverybody, &[wrong]).await;
    let largest = "the_largest_window_is_chosen_when_all_are_too_small";
    check(Sabotage::IgnoresSizes, &[window, largest]).await;
    let sizes = "rules_compare_the_prompt_and_windows_the_request";
    check(Sabotage::RoutesByTheRequest, &[sizes]).await;
    check(Sabotage::ComparesThePrompt, &[sizes]).await;
    check(Sabotage::IgnoresRequirements, &["a_model_without_a_required_capability_is_excluded"])
        .await;
    check(Sabotage::TakesHalf, &[together]).await;
    check(Sabotage::RefusesAll, &[together, "decisions_continue_while_rules_change"]).await;
    check(Sabotage::HidesSteps, &["every_rule_has_a_step_in_order"]).await;
    let kept = "the_model_that_a_task_keeps_comes_first_while_it_is_usable";
    check(Sabotage::ChoosesAnew, &[kept]).await;
    check(Sabotage::KeepsForced, &[kept]).await;
}
