//! What a route says about how it came about.

use std::time::Duration;

use az_ai::resolver::{ModelResolver, Needs, Reported, Wanted};
use az_ai::routing::{Origin, Route, RoutingEngine, Standing, Step, Verdict};
use az_ai::testing::routing_engine::Scene;
use az_core::ErrorKind;

use super::router::{router, wanted};

/// Writes a step as a program might that shows it.
fn line(step: &Step) -> String {
    let what = match &step.origin {
        Origin::Named => "named",
        Origin::Rule(rule) => rule.condition.as_str(),
        Origin::Default => "default",
    };
    let verdict = match &step.verdict {
        Verdict::Held => "held".to_owned(),
        Verdict::NotHeld => "did not hold".to_owned(),
        Verdict::NotReached => "not reached".to_owned(),
        Verdict::Failed(why) => format!("failed: {why}"),
    };
    let saw = step.saw.iter().map(|(name, fact)| format!(" {}={fact}", name.name()));
    let standing = match &step.standing {
        None => String::new(),
        Some(Standing::Candidate) => "; candidate".to_owned(),
        Some(Standing::Already) => "; already".to_owned(),
        Some(Standing::PassedOver(why)) => format!("; passed over: {why}"),
        Some(Standing::InSpiteOf(why)) => format!("; in spite of: {why}"),
    };
    format!("{what} -> {}: {verdict}{}{standing}", step.name, saw.collect::<String>())
}

fn lines(route: &Route) -> Vec<String> {
    route.steps.iter().map(line).collect()
}

#[test]
fn a_route_says_of_each_rule_what_it_saw_and_what_came_of_it() {
    let scene = Scene::new(&[
        ("fallback", "large"),
        ("tokens < 500 and 'vision' not in features", "small"),
        ("complexity == 'code' and tokens < 20000", "middle"),
        ("budget_left < 0.5 or model == 'x'", "small"),
        ("tokens ** 3 > 0", "large"),
    ]);
    let router = router(&scene);
    let busy = Reported::Failed {
        kind: ErrorKind::RateLimited,
        retry_after: Some(Duration::from_millis(11_500)),
    };
    RoutingEngine::report(&router, &scene.models.resolve(Some("middle")).unwrap(), busy);
    let needs = Needs { images: true, tools: true, format: false };
    let route = router.route(&Wanted { needs, ..wanted("fix main.rs", u64::MAX) });
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
    let route = router.route(&wanted("fix main.rs", 950)).unwrap();
    assert_eq!(
        lines(&route)[2..],
        [
            "complexity == 'code' and tokens < 20000 -> middle: held tokens=950 complexity='code'; \
             passed over: its provider cools down for 12 s",
            "budget_left < 0.5 or model == 'x' -> small: did not hold model=none \
             budget_left=unlimited",
            "tokens ** 3 > 0 -> large: held tokens=950; candidate",
            "default -> large: held; already",
        ]
    );
}

#[test]
fn a_route_says_who_is_asked_for_want_of_a_better_one() {
    let scene = Scene::new(&[("tokens < 500", "large"), ("fallback", "middle")]);
    let router = router(&scene);
    let named = Wanted { model: Some("small"), ..wanted("x", 100_000) };
    assert_eq!(
        lines(&router.route(&named).unwrap()),
        [
            "named -> small: held; passed over: its window of 1000 tokens is smaller than 100100",
            "tokens < 500 -> large: not reached",
            "fallback -> middle: held; in spite of: its window of 10000 tokens is smaller than \
             100100",
        ]
    );
}
