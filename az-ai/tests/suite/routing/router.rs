//! The kit, run against the rule router, and its behaviour beyond the contract.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_ai::config::RoutingRule;
use az_ai::error::Error;
use az_ai::resolver::{CallReport, ModelResolver, Requirements, RoutingQuery};
use az_ai::routing::{Complexity, ComplexityClassifier, RoutingEngine, RuleRouter};
use az_ai::testing::routing_engine::{RoutingFixture, RoutingSetup};
use az_core::{ErrorKind, TaskPriority, Usd};

/// Creates a router with a setup.
pub(super) fn router(setup: &RoutingSetup) -> RuleRouter {
    let names = RoutingSetup::NAMES.map(str::to_owned).to_vec();
    let clock = Arc::<az_core::clock::ManualClock>::clone(&setup.clock);
    let router =
        RuleRouter::new(Arc::new(setup.models.clone()), names, RoutingSetup::DEFAULT, clock);
    router.with_rules(setup.rules.clone()).unwrap()
}

/// Returns a query for a prompt of this size that is sent alone.
pub(super) fn query(text: &str, tokens: u64) -> RoutingQuery<'_> {
    let query = RoutingQuery::new(text).with_prompt_tokens(tokens);
    query.with_request_tokens(tokens).with_max_tokens(100)
}

pub(super) fn names(router: &dyn RoutingEngine, query: &RoutingQuery<'_>) -> Vec<String> {
    let candidates = router.route(query).unwrap().candidates;
    candidates.iter().map(|choice| choice.name.to_string()).collect()
}

#[derive(Debug)]
pub(super) struct ByRules;

#[async_trait]
impl RoutingFixture for ByRules {
    async fn set(&self, setup: &RoutingSetup) -> Arc<dyn RoutingEngine> {
        Arc::new(router(setup))
    }
}

mod kit {
    az_ai::routing_engine_conformance! { make: || super::ByRules, skips: [] }
}

#[track_caller]
fn check(condition: &str, query: &RoutingQuery<'_>, holds: &str) {
    let router = router(&RoutingSetup::new(&[(condition, "middle")]));
    let first = names(&router, query).into_iter().next();
    assert_eq!(first.as_deref(), Some(holds), "{condition}");
}

#[test]
fn a_condition_can_use_every_variable() {
    let plain = query("Héllo", 10);
    let (yes, no) = ("middle", "large");
    check("tokens == 10 and max_tokens == 100 and text_length == 5", &plain, yes);
    check("tokens == 10 and request_tokens == 900", &plain.with_request_tokens(900), yes);
    check("priority in ['high', 'urgent']", &plain, no);
    check("priority in ['high', 'urgent']", &plain.with_priority(TaskPriority::High), yes);
    let required = Requirements { images: true, ..Requirements::default() };
    check(
        "'vision' in features and 'tools' not in features",
        &plain.with_requirements(required),
        yes,
    );
    check("complexity == 'code'", &query("Fix the bug in main.rs", 10), yes);
    check("complexity == 'code'", &query("Good morning", 10), no);
}

#[test]
fn without_a_budget_the_remaining_amount_is_very_large() {
    let left = |nanos| query("x", 1).with_budget_left(Some(Usd::from_nanos(nanos)));
    let tight = "budget_left < 0.25";
    check(tight, &query("x", 1), "large");
    check(tight, &left(249_999_999), "middle");
    check(tight, &left(250_000_000), "large");
    check(tight, &left(-1), "middle");
    check("budget_left > 1000000", &query("x", 1), "middle");
}

#[test]
fn only_rules_that_use_the_model_add_fallbacks_to_a_requested_one() {
    let setup = RoutingSetup::new(&[("tokens < 500", "middle"), ("model == 'small'", "large")]);
    let router = router(&setup);
    let named = query("x", 1).with_model(Some("small"));
    assert_eq!(names(&router, &named), ["small", "large"]);
    assert_eq!(names(&router, &named.with_model(Some("large"))), ["large"]);
    let router = router_without_fallback(&setup);
    assert_eq!(names(&router, &named), ["small"]);
}

fn router_without_fallback(setup: &RoutingSetup) -> RuleRouter {
    router(setup).without_fallback()
}

#[test]
fn without_fallback_there_is_one_usable_candidate() {
    let rules = [("tokens < 500", "small"), ("tokens < 5000", "middle"), ("fallback", "large")];
    let setup = RoutingSetup::new(&rules);
    let router = router_without_fallback(&setup);
    assert_eq!(names(&router, &query("x", 1)), ["small"]);
    assert_eq!(names(&router, &query("x", 6000)), ["large"]);
    let busy = CallReport::Failed { kind: ErrorKind::RateLimited, retry_after: None };
    RoutingEngine::report(&router, &setup.models.resolve(Some("small")).unwrap(), busy);
    assert_eq!(names(&router, &query("x", 1)), ["middle"]);
    setup.clock.advance(Duration::from_secs(30));
    assert_eq!(names(&router, &query("x", 1)), ["small"]);
}

#[test]
fn a_router_is_a_resolver() {
    let setup = RoutingSetup::new(&[("tokens < 500", "small")]);
    let router: Arc<dyn ModelResolver> = Arc::new(router(&setup));
    let provider = |model| router.resolve(model).unwrap().client.provider().to_owned();
    assert_eq!(
        (provider(None), provider(Some("middle"))),
        ("small".to_owned(), "middle".to_owned())
    );
    let candidates = |router: &dyn ModelResolver| -> Vec<_> {
        let candidates = router.candidates(&query("x", 1)).unwrap().into_iter();
        candidates.map(|c| (c.model.client.provider().to_owned(), c.reason)).collect()
    };
    let small = ("small".to_owned(), Some("tokens < 500".to_owned()));
    let large = ("large".to_owned(), None);
    assert_eq!(candidates(&*router), [small, large.clone()]);
    let busy = CallReport::Failed { kind: ErrorKind::RateLimited, retry_after: None };
    router.report(&router.resolve(None).unwrap(), busy);
    assert_eq!(candidates(&*router), [large]);
}

#[test]
fn a_model_without_a_key_is_excluded_and_named_if_none_has_one() {
    #[derive(Debug)]
    struct NoKeys(RoutingSetup);
    impl ModelResolver for NoKeys {
        fn resolve(&self, model: Option<&str>) -> az_ai::Result<az_ai::resolver::ResolvedModel> {
            match model {
                Some("large") => self.0.models.resolve(model),
                name => Err(Error::Setup {
                    provider: name.unwrap_or_default().to_owned(),
                    reason: "it has no key".to_owned(),
                }),
            }
        }
    }
    let setup = RoutingSetup::new(&[]);
    let clock = Arc::<az_core::clock::ManualClock>::clone(&setup.clock);
    let names_of = RoutingSetup::NAMES.map(str::to_owned).to_vec();
    let router = |default| {
        let models = Arc::new(NoKeys(RoutingSetup::new(&[])));
        let clock = Arc::<az_core::clock::ManualClock>::clone(&clock);
        let router = RuleRouter::new(models, names_of.clone(), default, clock);
        router.with_rules(vec![RoutingRule::new("tokens < 500", "small")]).unwrap()
    };
    assert_eq!(names(&router("large"), &query("x", 1)), ["large"]);
    assert_eq!(
        router("middle").route(&query("x", 1)).unwrap_err().to_string(),
        "routing is not set up: no model is usable (small is not set up: it has no key; \
         middle is not set up: it has no key)"
    );
    let named = query("x", 1).with_model(Some("small"));
    let error = router("large").route(&named).unwrap_err();
    assert_eq!(error.to_string(), "small is not set up: it has no key");
}

#[test]
fn a_request_that_no_model_supports_is_refused_with_every_reason() {
    let router = router(&RoutingSetup::new(&[]));
    let required = Requirements { images: true, ..Requirements::default() };
    let named = query("x", 1).with_model(Some("small")).with_requirements(required);
    let error = router.route(&named).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::BadRequest,
            "routing cannot do this: no model is usable (small: it does not support vision)"
        )
    );
}

#[test]
fn a_condition_that_cannot_be_evaluated_does_not_hold() {
    let overflows = "tokens ** 3 > 0";
    check(overflows, &query("x", 10), "middle");
    check(overflows, &query("x", u64::MAX), "large");
}

#[test]
fn the_classifier_can_be_replaced() {
    #[derive(Debug)]
    struct AllIsCode;
    impl ComplexityClassifier for AllIsCode {
        fn classify(&self, _text: &str) -> Complexity {
            Complexity::Code
        }
    }
    let router = router(&RoutingSetup::new(&[("complexity == 'code'", "middle")]));
    let router = router.with_classifier(Arc::new(AllIsCode));
    assert_eq!(names(&router, &query("good morning", 1)), ["middle", "large"]);
}
