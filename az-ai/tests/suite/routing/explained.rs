//! The steps of a route.

use std::time::Duration;

use az_ai::resolver::{CallReport, ModelResolver, Requirements};
use az_ai::routing::{CandidateStatus, Origin, Route, RoutingEngine, RuleOutcome, Step};
use az_ai::testing::routing_engine::RoutingSetup;
use az_core::ErrorKind;

use super::router::{query, router};

/// Formats a step.
fn line(step: &Step) -> String {
    let what = match &step.origin {
        Origin::Kept => "kept",
        Origin::Named => "named",
        Origin::Rule(rule) => rule.condition.as_str(),
        Origin::Default => "default",
    };
    let outcome = match &step.outcome {
        RuleOutcome::Held => "held".to_owned(),
        RuleOutcome::NotHeld => "did not hold".to_owned(),
        RuleOutcome::NotReached => "not reached".to_owned(),
        RuleOutcome::Failed(why) => format!("failed: {why}"),
    };
    let inputs = step.inputs.iter().map(|(name, fact)| format!(" {}={fact}", name.name()));
    let status = match &step.status {
        None => String::new(),
        Some(CandidateStatus::Candidate) => "; candidate".to_owned(),
        Some(CandidateStatus::AlreadyConsidered) => "; already".to_owned(),
        Some(CandidateStatus::Excluded(why)) => format!("; excluded: {why}"),
        Some(CandidateStatus::LastResort(why)) => format!("; last resort: {why}"),
    };
    format!("{what} -> {}: {outcome}{}{status}", step.name, inputs.collect::<String>())
}

fn lines(route: &Route) -> Vec<String> {
    route.steps.iter().map(line).collect()
}

#[test]
fn a_route_has_the_inputs_and_the_outcome_of_each_rule() {
    let setup = RoutingSetup::new(&[
        ("fallback", "large"),
        ("tokens < 500 and 'vision' not in features", "small"),
        ("complexity == 'code' and tokens < 20000", "middle"),
        ("budget_left < 0.5 or model == 'x'", "small"),
        ("tokens ** 3 > 0", "large"),
    ]);
    let router = router(&setup);
    let busy = CallReport::Failed {
        kind: ErrorKind::RateLimited,
        retry_after: Some(Duration::from_millis(11_500)),
    };
    RoutingEngine::report(&router, &setup.models.resolve(Some("middle")).unwrap(), busy);
    let required = Requirements { images: true, tools: true, format: false };
    let route = router.route(&query("fix main.rs", u64::MAX).with_requirements(required));
    assert_eq!(
        lines(&route.unwrap()),
        [
            "fallback -> large: held; candidate",
            "tokens < 500 and 'vision' not in features -> small: did not hold \
             tokens=18446744073709551615 features=['tools', 'vision']",
            "complexity == 'code' and tokens < 20000 -> middle: did not hold \
             tokens=18446744073709551615 complexity='code'",
            "budget_left < 0.5 or model == 'x' -> small: did not hold model=none \
             budget_left=unlimited",
            "tokens ** 3 > 0 -> large: failed: unable to calculate 18446744073709551615 ** 3 \
             tokens=18446744073709551615",
            "default -> large: held; already",
        ]
    );
    let route = router.route(&query("fix main.rs", 950)).unwrap();
    assert_eq!(
        lines(&route)[2..],
        [
            "complexity == 'code' and tokens < 20000 -> middle: held tokens=950 complexity='code'; \
             excluded: its provider failed and is avoided for 12 s",
            "budget_left < 0.5 or model == 'x' -> small: did not hold model=none \
             budget_left=unlimited",
            "tokens ** 3 > 0 -> large: held tokens=950; candidate",
            "default -> large: held; already",
        ]
    );
}

#[test]
fn a_route_explains_the_last_resort() {
    let setup = RoutingSetup::new(&[("tokens < 500", "large"), ("fallback", "middle")]);
    let router = router(&setup);
    let named = query("x", 100_000).with_model(Some("small"));
    assert_eq!(
        lines(&router.route(&named).unwrap()),
        [
            "named -> small: held; excluded: its context window of 1000 tokens is smaller than the \
             100100 needed",
            "tokens < 500 -> large: not reached",
            "fallback -> middle: held; last resort: its context window of 10000 tokens is smaller \
             than the 100100 needed",
        ]
    );
}
