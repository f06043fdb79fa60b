//! Asking by a route.

use az_ai::routing::RoutingEngineExt;
use az_ai::testing::routing_engine::Scene;
use az_core::testing::sample;
use az_core::{ErrorKind, Task};

use super::router::{names, query, router};

fn scene() -> Scene {
    Scene::new(&[("tokens < 500", "small"), ("tokens < 5000", "middle"), ("fallback", "large")])
}

fn task() -> Task {
    sample::task("a", 0)
}

#[tokio::test]
async fn a_task_goes_to_the_model_of_the_first_rule_that_holds() {
    let router = router(&scene());
    assert_eq!(router.optimal_provider(&task(), 100).await.unwrap(), "middle");
    assert_eq!(router.optimal_provider(&task(), 6000).await.unwrap(), "large");
    let named = Task { model: Some("large".to_owned()), ..task() };
    assert_eq!(router.optimal_provider(&named, 100).await.unwrap(), "large");
}

#[tokio::test]
async fn the_next_one_is_asked_after_a_failure_that_it_may_not_have() {
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::RateLimited,
        ErrorKind::Unauthorized,
        ErrorKind::ContextWindow,
        ErrorKind::ContentPolicy,
        ErrorKind::Protocol,
        ErrorKind::BadRequest,
    ] {
        let scene = scene();
        scene.fail("middle", kind);
        let reply = router(&scene).execute_with_routing(&task(), "hello", 100).await.unwrap();
        assert_eq!((reply.reply.text.as_str(), scene.asked()), ("large", 2), "{kind:?}");
    }
}

#[tokio::test]
async fn what_nobody_else_can_mend_is_asked_once() {
    let scene = scene();
    scene.fail("middle", ErrorKind::Cancelled);
    let error = router(&scene).execute_with_routing(&task(), "hello", 100).await.unwrap_err();
    assert_eq!((error.kind(), scene.asked()), (ErrorKind::Cancelled, 1));
}

#[tokio::test]
async fn what_became_of_a_call_is_remembered() {
    let scene = scene();
    scene.fail("middle", ErrorKind::RateLimited);
    scene.fail("large", ErrorKind::Unavailable);
    let router = router(&scene);
    let error = router.execute_with_routing(&task(), "hello", 1000).await.unwrap_err();
    assert_eq!((error.kind(), scene.asked()), (ErrorKind::Unavailable, 2));
    assert_eq!(names(&router, &query("x", 1000)), ["large"]);
}
