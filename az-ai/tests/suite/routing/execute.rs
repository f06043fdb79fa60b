//! Routed calls: held, booked, and with fallback.

use std::sync::Arc;

use az_ai::dispatch::DispatchOptions;
use az_ai::routing::{LlmIntegration, RoutingEngineExt, RuleRouter};
use az_ai::testing::routing_engine::RoutingSetup;
use az_core::call::RetryPolicy;
use az_core::clock::ManualClock;
use az_core::cost::{BudgetKeeper, CostTracker, Period, Scope, TimeRange};
use az_core::memory::MemoryStore;
use az_core::testing::sample::{self, at, budget};
use az_core::{ErrorKind, Task, Usd};

use super::router::{names, query, router};

fn setup() -> RoutingSetup {
    RoutingSetup::new(&[
        ("tokens < 500", "small"),
        ("tokens < 5000", "middle"),
        ("fallback", "large"),
    ])
}

fn task() -> Task {
    sample::task("a", 0)
}

/// Creates an integration of the setup's router with a store, without retries.
fn integration(router: Arc<RuleRouter>) -> (LlmIntegration, MemoryStore) {
    let (store, clock) = (MemoryStore::new(), Arc::new(ManualClock::at(at(0))));
    let options = DispatchOptions::default().with_fallback_retry(RetryPolicy::never());
    let made = LlmIntegration::new(router, Arc::new(store.clone()), clock, "x").unwrap();
    (made.with_options(options).with_retry(RetryPolicy::never()), store)
}

#[tokio::test]
async fn a_task_goes_to_the_model_of_the_first_rule_that_holds() {
    let router = router(&setup());
    assert_eq!(router.optimal_provider(&task(), 100).await.unwrap(), "middle");
    assert_eq!(router.optimal_provider(&task(), 6000).await.unwrap(), "large");
    let named = Task { model: Some("large".to_owned()), ..task() };
    assert_eq!(router.optimal_provider(&named, 100).await.unwrap(), "large");
}

#[tokio::test]
async fn the_next_candidate_is_tried_after_a_failure_that_it_may_avoid() {
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::RateLimited,
        ErrorKind::Unauthorized,
        ErrorKind::ContextWindow,
        ErrorKind::ContentPolicy,
        ErrorKind::Protocol,
        ErrorKind::BadRequest,
    ] {
        let setup = setup();
        setup.fail("middle", kind);
        let (integration, store) = integration(Arc::new(router(&setup)));
        let replied = integration.execute_with_routing(&task(), "hello", 100).await.unwrap();
        assert_eq!((replied.chat.reply.text.as_str(), setup.calls()), ("large", 2), "{kind:?}");
        let booked = store.entries(TimeRange::ALL, Some(&task().id.into())).await.unwrap();
        assert!(booked.iter().any(|entry| entry.model == replied.model.model), "{booked:?}");
        assert_eq!(store.open_holds().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_failure_that_no_candidate_can_avoid_ends_the_call() {
    let setup = setup();
    setup.fail("middle", ErrorKind::Cancelled);
    let (integration, _) = integration(Arc::new(router(&setup)));
    let error = integration.execute_with_routing(&task(), "hello", 100).await.unwrap_err();
    assert_eq!((error.kind(), setup.calls()), (ErrorKind::Cancelled, 1));
}

#[tokio::test]
async fn a_failure_is_reported_to_the_router() {
    let setup = setup();
    setup.fail("middle", ErrorKind::RateLimited);
    setup.fail("large", ErrorKind::Unavailable);
    let router = Arc::new(router(&setup));
    let (integration, _) = integration(Arc::clone(&router));
    let error = integration.execute_with_routing(&task(), "hello", 1000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(names(&*router, &query("x", 1000)), ["large"]);
}

#[tokio::test]
async fn the_cost_of_a_call_that_was_made_elsewhere_is_booked_to_its_task() {
    let (integration, store) = integration(Arc::new(router(&setup())));
    let task = task();
    for cost in [7, 8] {
        let cost = Usd::from_nanos(cost);
        integration.track_cost(&task.id, "claude", 30, cost).await.unwrap();
    }
    assert_eq!(store.cost_by_task(&task.id).await.unwrap(), Usd::from_nanos(15));
    let cap = budget(Scope::Global, Period::Daily, 20);
    store.set_budget(&cap, at(0)).await.unwrap();
    let spent = store.budgets(at(0)).await.unwrap()[0].spent;
    assert_eq!(spent, Usd::from_nanos(15));
}
