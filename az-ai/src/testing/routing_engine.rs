//! The conformance kit of [`RoutingEngine`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::clock::ManualClock;
use az_core::testing::{Checked, Violation, sample};
use az_core::{ErrorKind, ensure, ensure_eq, ensure_refused, scenarios};

use super::routing_actor::Actor;
use crate::client::{Capabilities, LlmClient};
use crate::config::RoutingRule;
use crate::error::Error;
use crate::resolver::{CallReport, ModelResolver, Models, Requirements, RoutingQuery};
use crate::routing::{Origin, Route, RoutingEngine};

/// The configuration of an engine under test.
#[derive(Debug)]
pub struct RoutingSetup {
    /// The models: `small`, with a context window of 1,000 tokens and neither images nor structured
    /// output; `middle`, with 10,000; and `large`, with everything. Each has a provider of its own
    /// name.
    pub models: Models,
    /// The clock of the engine.
    pub clock: Arc<ManualClock>,
    /// The rules. Conditions are `tokens < NUMBER` and `fallback`; fallback is enabled.
    pub rules: Vec<RoutingRule>,
    actors: Vec<Arc<Actor>>,
}

impl RoutingSetup {
    /// The names of the models.
    pub const NAMES: [&'static str; 3] = ["small", "middle", "large"];
    /// The default model.
    pub const DEFAULT: &'static str = "large";

    /// Creates the configuration with rules, each a condition and the name of a model.
    pub fn new(rules: &[(&str, &str)]) -> Self {
        let capabilities = [
            Capabilities::TEXT.with_context_window(1000),
            Capabilities::FULL.with_context_window(10_000),
            Capabilities::FULL,
        ];
        let actors: Vec<_> = Self::NAMES
            .into_iter()
            .zip(capabilities)
            .map(|(name, capabilities)| Arc::new(Actor::new(name, capabilities)))
            .collect();
        let offline: Arc<dyn LlmClient> = Arc::new(Actor::new("none", Capabilities::TEXT));
        let models = actors.iter().fold(Models::new("none", offline, "none"), |all, actor| {
            let client: Arc<dyn LlmClient> = Arc::<Actor>::clone(actor);
            all.with(client.provider().to_owned(), Arc::clone(&client), "model-1")
        });
        let clock = Arc::new(ManualClock::at(sample::at(0)).with_boot("boot"));
        Self { models, clock, rules: rules_of(rules), actors }
    }

    /// Returns the total number of calls.
    pub fn calls(&self) -> usize {
        self.actors.iter().map(|actor| actor.calls()).sum()
    }

    /// Makes the calls of a model fail.
    pub fn fail(&self, name: &str, kind: ErrorKind) {
        let named = self.actors.iter().filter(|actor| actor.provider() == name);
        named.for_each(|actor| actor.fail(Some(kind)));
    }
}

/// Creates engines for the kit.
#[async_trait]
pub trait RoutingFixture: Send + Sync {
    /// Creates an engine with a configuration.
    async fn set(&self, setup: &RoutingSetup) -> Arc<dyn RoutingEngine>;
}

scenarios! {
    $crate
    /// Runs every scenario of [`RoutingEngine`]'s contract.
    routing_engine for RoutingFixture, in routing_engine_conformance;

    the_first_rule_that_holds_decides_and_the_others_follow;
    fallback_holds_when_no_other_rule_does;
    a_decision_performs_no_io_and_is_deterministic;
    there_is_a_candidate_and_none_is_repeated;
    a_requested_model_comes_first;
    an_unknown_name_is_an_error;
    a_rate_limited_provider_is_excluded_for_the_requested_time;
    a_failing_provider_is_excluded;
    a_reply_ends_the_cooldown;
    an_invalid_request_starts_no_cooldown;
    when_all_are_excluded_the_shortest_cooldown_is_chosen;
    a_model_with_too_small_a_window_is_excluded;
    the_largest_window_is_chosen_when_all_are_too_small;
    a_model_without_a_required_capability_is_excluded;
    rules_are_replaced_all_together_or_not_at_all;
    decisions_continue_while_rules_change;
    every_rule_has_a_step_in_order;
    rules_compare_the_prompt_and_windows_the_request;
    the_model_that_a_task_keeps_comes_first_while_it_is_usable;
}

type Fixture<'a> = &'a dyn RoutingFixture;
type Engine = Arc<dyn RoutingEngine>;

/// Two rules and a fallback, in an order in which the fallback is not last.
const RULES: &[(&str, &str)] =
    &[("fallback", "large"), ("tokens < 500", "small"), ("tokens < 5000", "middle")];

fn rules_of(rules: &[(&str, &str)]) -> Vec<RoutingRule> {
    rules.iter().map(|(condition, provider)| RoutingRule::new(*condition, *provider)).collect()
}

async fn set(fixture: Fixture<'_>, rules: &[(&str, &str)]) -> (RoutingSetup, Engine) {
    let setup = RoutingSetup::new(rules);
    let engine = fixture.set(&setup).await;
    (setup, engine)
}

/// Returns a query for a prompt that is sent alone.
fn query(tokens: u64) -> RoutingQuery<'static> {
    let query = RoutingQuery::new("do something").with_prompt_tokens(tokens);
    query.with_request_tokens(tokens).with_max_tokens(100)
}

fn route(engine: &Engine, query: &RoutingQuery<'_>) -> Checked<Route> {
    engine.route(query).map_err(|error| Violation::Broken(format!("no route: {}", error.chain())))
}

/// Returns the names of the candidates.
fn names(engine: &Engine, query: &RoutingQuery<'_>) -> Checked<Vec<String>> {
    let candidates = route(engine, query)?.candidates;
    Ok(candidates.into_iter().map(|choice| choice.name.as_ref().to_owned()).collect())
}

fn report(setup: &RoutingSetup, engine: &Engine, name: &str, result: CallReport) -> Checked {
    let model = setup.models.resolve(Some(name));
    let model = model.map_err(|error| Violation::Broken(error.chain()))?;
    engine.report(&model, result);
    Ok(())
}

const fn failed(kind: ErrorKind, seconds: u64) -> CallReport {
    CallReport::Failed { kind, retry_after: Some(Duration::from_secs(seconds)) }
}

/// Checks `RoutingEngine` 1.
async fn the_first_rule_that_holds_decides_and_the_others_follow(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, RULES).await;
    let found = names(&engine, &query(499))?;
    ensure_eq!(found, ["small", "middle", "large"], "clause 1: candidates");
    let found = names(&engine, &query(500))?;
    ensure_eq!(found, ["middle", "large"], "clause 1: candidates if a rule does not hold");
    Ok(())
}

/// Checks `RoutingEngine` 1.
async fn fallback_holds_when_no_other_rule_does(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, &[("fallback", "middle"), ("tokens < 500", "small")]).await;
    let found = names(&engine, &query(600))?;
    ensure_eq!(found.first().map(String::as_str), Some("middle"), "clause 1: candidates");
    let found = names(&engine, &query(400))?;
    let first: Vec<_> = found.iter().take(2).collect();
    ensure_eq!(first, ["small", "middle"], "clause 1: the first two candidates");
    Ok(())
}

/// Checks `RoutingEngine` 2.
async fn a_decision_performs_no_io_and_is_deterministic(f: Fixture<'_>) -> Checked {
    let (setup, engine) = set(f, RULES).await;
    let first = route(&engine, &query(10))?;
    let again = route(&engine, &query(10))?;
    ensure_eq!(names(&engine, &query(10))?, names(&engine, &query(10))?, "clause 2: again");
    ensure_eq!(again.steps, first.steps, "clause 2: the steps of the second decision");
    ensure_eq!(setup.calls(), 0, "clause 2: the number of calls");
    Ok(())
}

/// Checks `RoutingEngine` 3.
async fn there_is_a_candidate_and_none_is_repeated(f: Fixture<'_>) -> Checked {
    let twice = [("tokens < 500", "large"), ("tokens < 900", "large"), ("fallback", "large")];
    let (_, engine) = set(f, &twice).await;
    ensure_eq!(names(&engine, &query(10))?, ["large"], "clause 3: candidates");
    let (_, engine) = set(f, &[]).await;
    ensure_eq!(
        names(&engine, &query(10))?,
        [RoutingSetup::DEFAULT],
        "clause 3: candidates without rules"
    );
    Ok(())
}

/// Checks `RoutingEngine` 4.
async fn a_requested_model_comes_first(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, RULES).await;
    let found = names(&engine, &query(10).with_model(Some("middle")))?;
    ensure_eq!(found, ["middle", "large"], "clause 4: candidates with a requested model");
    Ok(())
}

/// Checks `RoutingEngine` 4.
async fn an_unknown_name_is_an_error(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, RULES).await;
    let found = engine.route(&query(10).with_model(Some("midle")));
    ensure_refused!(
        found.map(|route| route.steps),
        Error::UnknownModel { .. },
        "clause 4: an unknown name"
    );
    Ok(())
}

/// Checks `RoutingEngine` 5.
async fn a_rate_limited_provider_is_excluded_for_the_requested_time(f: Fixture<'_>) -> Checked {
    let (setup, engine) = set(f, RULES).await;
    report(&setup, &engine, "small", failed(ErrorKind::RateLimited, 60))?;
    setup.clock.advance(Duration::from_secs(59));
    let found = names(&engine, &query(10))?;
    ensure_eq!(found, ["middle", "large"], "clause 5: candidates during the cooldown");
    for minute in [sample::DAY, -sample::DAY] {
        setup.clock.set(sample::at(minute));
        let found = names(&engine, &query(10))?;
        ensure_eq!(found, ["middle", "large"], "clause 5: candidates after the clock was set");
    }
    setup.clock.advance(Duration::from_secs(1));
    let found = names(&engine, &query(10))?;
    ensure_eq!(found, ["small", "middle", "large"], "clause 5: candidates after the cooldown");
    Ok(())
}

/// Checks `RoutingEngine` 5.
async fn a_failing_provider_is_excluded(f: Fixture<'_>) -> Checked {
    let (setup, engine) = set(f, RULES).await;
    for kind in [ErrorKind::Unauthorized, ErrorKind::Unavailable, ErrorKind::Protocol] {
        report(&setup, &engine, "small", CallReport::Replied)?;
        report(&setup, &engine, "small", CallReport::Failed { kind, retry_after: None })?;
        let found = names(&engine, &query(10))?;
        ensure_eq!(found, ["middle", "large"], "clause 5: candidates after {kind:?}");
    }
    Ok(())
}

/// Checks `RoutingEngine` 5.
async fn a_reply_ends_the_cooldown(f: Fixture<'_>) -> Checked {
    let (setup, engine) = set(f, RULES).await;
    report(&setup, &engine, "small", failed(ErrorKind::RateLimited, 60))?;
    report(&setup, &engine, "small", CallReport::Replied)?;
    let found = names(&engine, &query(10))?;
    ensure_eq!(found, ["small", "middle", "large"], "clause 5: candidates after a reply");
    Ok(())
}

/// Checks `RoutingEngine` 5.
async fn an_invalid_request_starts_no_cooldown(f: Fixture<'_>) -> Checked {
    let (setup, engine) = set(f, RULES).await;
    for kind in [ErrorKind::BadRequest, ErrorKind::ContextWindow, ErrorKind::ContentPolicy] {
        report(&setup, &engine, "small", CallReport::Failed { kind, retry_after: None })?;
        let found = names(&engine, &query(10))?;
        ensure_eq!(found, ["small", "middle", "large"], "clause 5: candidates after {kind:?}");
    }
    Ok(())
}

/// Checks `RoutingEngine` 5.
async fn when_all_are_excluded_the_shortest_cooldown_is_chosen(f: Fixture<'_>) -> Checked {
    let (setup, engine) = set(f, RULES).await;
    for (name, seconds) in [("small", 50), ("middle", 30), ("large", 40)] {
        report(&setup, &engine, name, failed(ErrorKind::RateLimited, seconds))?;
    }
    let found = names(&engine, &query(10))?;
    ensure_eq!(found, ["middle"], "clause 5: candidates when all are excluded");
    Ok(())
}

/// Checks `RoutingEngine` 6.
async fn a_model_with_too_small_a_window_is_excluded(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, &[("tokens < 5000", "small"), ("fallback", "large")]).await;
    let found = names(&engine, &query(900))?;
    ensure_eq!(found, ["small", "large"], "clause 6: candidates for 900 and 100 tokens of 1000");
    let found = names(&engine, &query(901))?;
    ensure_eq!(found, ["large"], "clause 6: candidates for 901 and 100 tokens of 1000");
    Ok(())
}

/// Checks `RoutingEngine` 6.
async fn the_largest_window_is_chosen_when_all_are_too_small(f: Fixture<'_>) -> Checked {
    let (setup, engine) = set(f, &[("tokens < 99999", "small"), ("fallback", "middle")]).await;
    let named = query(20_000).with_model(Some("small"));
    let found = names(&engine, &named)?;
    ensure_eq!(found, ["middle"], "clause 6: candidates for 20,000 tokens");
    let found = names(&engine, &named.with_request_tokens(u64::MAX))?;
    ensure_eq!(found, ["middle"], "clause 6: candidates for the maximum number of tokens");
    ensure_eq!(setup.calls(), 0, "clause 2: the number of calls");
    Ok(())
}

/// Checks `RoutingEngine` 6.
async fn a_model_without_a_required_capability_is_excluded(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, RULES).await;
    for (images, format) in [(true, false), (false, true)] {
        let required = Requirements { tools: false, images, format };
        let found = names(&engine, &query(10).with_requirements(required))?;
        ensure_eq!(found, ["middle", "large"], "clause 6: candidates for {required:?}");
    }
    let required = Requirements { tools: true, ..Requirements::default() };
    let found = names(&engine, &query(10).with_requirements(required))?;
    ensure_eq!(found, ["small", "middle", "large"], "clause 6: candidates without native tools");
    Ok(())
}

/// Checks `RoutingEngine` 7.
async fn rules_are_replaced_all_together_or_not_at_all(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, RULES).await;
    for wrong in [("tokens << 3", "small"), ("tokens < 3", "smal"), ("", "small")] {
        let result = engine.update_routing_rules(rules_of(&[("fallback", "middle"), wrong])).await;
        let problems = result.err().map(|error| error.problems.len());
        ensure_eq!(problems, Some(1), "clause 7: problems of {wrong:?}");
        let found = names(&engine, &query(10))?;
        ensure_eq!(found, ["small", "middle", "large"], "clause 7: candidates by the old rules");
    }
    let taken = engine.update_routing_rules(rules_of(&[("fallback", "middle")])).await;
    ensure!(taken.is_ok(), "clause 7: valid rules are refused: {taken:?}");
    let found = names(&engine, &query(10))?;
    let first = found.first().map(String::as_str);
    ensure_eq!(first, Some("middle"), "clause 7: candidates by the new rules");
    Ok(())
}

/// Checks `RoutingEngine` 7.
async fn decisions_continue_while_rules_change(f: Fixture<'_>) -> Checked {
    let there = [("tokens < 500", "small"), ("tokens < 501", "middle"), ("fallback", "large")];
    let back = [("tokens < 500", "large"), ("tokens < 501", "middle"), ("fallback", "small")];
    let (_, engine) = set(f, &there).await;
    let decider = Arc::clone(&engine);
    let decisions = tokio::task::spawn_blocking(move || {
        for _ in 0..500 {
            let found = names(&decider, &query(10))?;
            let whole = [["small", "middle", "large"], ["large", "middle", "small"]];
            ensure!(
                whole.iter().any(|w| found == w),
                "clause 7: a mix of old and new rules: {found:?}"
            );
        }
        Ok(())
    });
    for rules in [back, there].iter().cycle().take(200) {
        let taken = engine.update_routing_rules(rules_of(rules)).await;
        ensure!(taken.is_ok(), "clause 7: valid rules are refused: {taken:?}");
    }
    decisions.await.map_err(|error| Violation::Broken(format!("a decision panicked: {error}")))?
}

/// Checks `RoutingEngine` 8.
async fn every_rule_has_a_step_in_order(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, RULES).await;
    for model in [None, Some("middle")] {
        let route = route(&engine, &query(10).with_model(model))?;
        let rules = route.steps.iter().filter_map(|step| match &step.origin {
            Origin::Rule(rule) => Some(rule.condition.as_str()),
            Origin::Named | Origin::Kept | Origin::Default => None,
        });
        let expected: Vec<_> = RULES.iter().map(|(condition, _)| *condition).collect();
        ensure_eq!(rules.collect::<Vec<_>>(), expected, "clause 8: the steps");
    }
    Ok(())
}

/// Checks `RoutingEngine` 9.
async fn rules_compare_the_prompt_and_windows_the_request(f: Fixture<'_>) -> Checked {
    let (_, engine) = set(f, RULES).await;
    let found = names(&engine, &query(499).with_request_tokens(900))?;
    ensure_eq!(found, ["small", "middle", "large"], "clause 9: a prompt of 499 sent with 401 more");
    let found = names(&engine, &query(499).with_request_tokens(9000))?;
    ensure_eq!(found, ["middle", "large"], "clause 9: a prompt of 499 sent with 8,501 more");
    Ok(())
}

/// Checks `RoutingEngine` 10.
async fn the_model_that_a_task_keeps_comes_first_while_it_is_usable(f: Fixture<'_>) -> Checked {
    let (setup, engine) = set(f, RULES).await;
    let kept = query(100).with_kept(Some("middle"));
    ensure_eq!(names(&engine, &kept)?, ["middle", "small", "large"], "clause 10: a usable model");
    let named = kept.with_model(Some("small"));
    ensure_eq!(names(&engine, &named)?, ["small", "large"], "clause 10: a requested model");
    let large = kept.with_request_tokens(20_000);
    ensure_eq!(names(&engine, &large)?, ["large"], "clause 10: a window of 10,000 tokens");
    let unknown = query(100).with_kept(Some("removed"));
    ensure_eq!(names(&engine, &unknown)?, names(&engine, &query(100))?, "clause 10: no such model");
    let middle = setup.models.resolve(Some("middle"));
    let middle = middle.map_err(|error| Violation::Broken(error.to_string()))?;
    let failed = CallReport::Failed { kind: ErrorKind::RateLimited, retry_after: None };
    engine.report(&middle, failed);
    ensure_eq!(names(&engine, &kept)?, ["small", "large"], "clause 10: a model that failed");
    engine.report(&middle, CallReport::Replied);
    let rules = rules_of(&[("tokens < 500", "large")]);
    ensure!(engine.update_routing_rules(rules).await.is_ok(), "clause 7: valid rules");
    ensure_eq!(names(&engine, &kept)?, ["middle", "large"], "clause 10: other rules");
    Ok(())
}
