//! The demo: the replies come from a recording, the tool calls are real.

use serde_json::Value;

use crate::support::Az;

#[test]
fn the_demo_plays_a_whole_task_and_leaves_nothing_behind() {
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
    assert!(!az.database().exists(), "the demo leaves no database");
    let ended = az.az(&["demo", "--speed", "1000"]);
    assert!(ended.stderr.contains("the replies of the model come from a recording"), "{ended:?}");
    assert!(ended.stderr.contains("a task of your own is kept and can be resumed"), "{ended:?}");
}
