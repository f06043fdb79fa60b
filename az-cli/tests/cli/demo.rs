//! The demonstration: a recording plays the model, its tools really act.

use serde_json::Value;

use crate::support::Az;

#[test]
fn the_demonstration_plays_a_whole_task_and_leaves_nothing_behind() {
    let az = Az::new();
    let events = az.ok(&["demo", "--speed", "1000", "--json"]);
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    let tools = of("tool_result");
    assert!(tools.iter().all(|event| event["outcome"] == "done"), "{tools:#?}");
    assert_eq!((tools.len(), of("retry_scheduled").len()), (9, 1));
    let end = of("run_finished");
    let totals = &end[0]["totals"];
    assert_eq!(totals["unpriced"], false);
    let nanos: i64 = totals["cost_nanos"].as_i64().unwrap();
    let usd: az_core::Usd = totals["cost_usd"].as_str().unwrap().parse().unwrap();
    assert!(nanos > 0 && usd.nanos() == nanos, "{end:?}");
    assert!(!az.database().exists(), "it is no task of one's own");
    let told = az.az(&["demo", "--speed", "1000"]);
    assert!(told.stderr.contains("the model's part is a recording"), "{told:?}");
    assert!(told.stderr.contains("one of your own is kept, priced and can be resumed"), "{told:?}");
    assert!(!told.stderr.contains("$ az"), "nothing that would act here is to be pasted: {told:?}");
}
