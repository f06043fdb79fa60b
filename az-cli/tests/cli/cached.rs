//! What is shown of the caches of providers.

use serde_json::{Value, json};

use crate::support::{Az, script};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A scripted model has no prices, so that what the cache saved is unknown, and not zero.
#[test]
fn the_cached_share_of_a_task_is_shown_where_its_cost_is() {
    let az = Az::new().with_var("NO_COLOR", "1");
    let usage = json!({"input": 50, "cache_read": 950, "output": 20});
    let line = json!({"text": "done", "usage": usage, "cost_nanos": 70, "price_nanos": 70});
    let model = script(&az, &[line]);
    let run = az.az(&["task", "run", "go", "--model", &model]);
    let last = run.stderr.lines().find(|line| line.starts_with("✔ completed")).unwrap();
    let expected =
        " · 1 step · 1020 tokens · $0.00000007 · 95% of input from cache, savings unknown";
    assert!(last.ends_with(expected), "{run:?}");

    let id = az.only_id();
    let shown = az.ok(&["task", "show", &id, "--format", "table"]);
    let expected = "\ncached     95% of input from cache, savings unknown\n";
    assert!(shown.contains(expected), "{shown}");
    let sums = az.ok(&["cost", "show", "--by", "model", "--format", "table"]);
    let (head, row) = sums.split_once('\n').unwrap();
    let columns: Vec<_> = head.split_whitespace().collect();
    assert_eq!(columns, ["MODEL", "CALLS", "IN", "CACHED", "OUT", "COST", "SAVED"]);
    let cells: Vec<_> = row.split_whitespace().skip(1).take(6).collect();
    assert_eq!(cells, ["1", "1000", "95%", "20", "$0.00000007", "unknown"], "{sums}");

    let names =
        ["input_tokens", "cached_tokens", "saved_nanos", "saved_usd", "unknown_saving_calls"];
    let expected = [json!(1000), json!(950), json!(0), json!("0.00"), json!(1)];
    let task = az.shown(&id);
    let sum = parsed(&az.ok(&["cost", "show", "--by", "model", "--format", "json"]))[0].clone();
    let events = az.ok(&["task", "logs", &id, "--format", "json"]);
    let finished = parsed(events.lines().last().unwrap());
    for view in [&task, &sum, &finished["totals"]] {
        assert_eq!(names.map(|name| view[name].clone()), expected, "{view}");
    }
    assert_eq!(task["entries"][0]["saved_nanos"], Value::Null);
}

#[test]
fn a_request_that_does_not_begin_with_the_one_before_is_noted() {
    let az = Az::new().with_var("NO_COLOR", "1");
    let call = json!({"name": "filesystem.list", "arguments": {"path": "."}});
    let refused = json!({
        "kind": "unavailable", "message": "tools param requires --jinja flag", "status": 500,
        "times": 1,
    });
    let lines = [json!({"calls": [call]}), json!({"text": "Final Answer: done", "error": refused})];
    let model = script(&az, &lines);
    let run = az.az(&["task", "run", "go", "--model", &model]);
    assert_eq!((run.code, run.stdout.trim()), (Some(0), "done"), "{run:?}");
    let note = "from the tools on, the request differs from the one before, without a recorded cut: \
                the provider's cache does not have it";
    assert!(run.stderr.contains(&format!("  · {note}\n")), "{run:?}");

    let id = az.only_id();
    let shown = az.ok(&["task", "show", &id, "--format", "table"]);
    assert!(shown.contains(&format!("\nprefix     step 2: {note}\n")), "{shown}");
    assert_eq!(az.shown(&id)["prefix_changes"], json!([{"step": 2, "part": "the tools"}]));
    let trace = az.ok(&["task", "trace", &id]);
    assert!(trace.contains(" · differs from the tools on"), "{trace}");
}
