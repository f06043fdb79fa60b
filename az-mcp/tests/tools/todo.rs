//! Tests of `todo.set`.

use az_core::Toolbox;
use serde_json::{Value, json};

use crate::support::Bench;

fn items(texts: impl IntoIterator<Item = String>) -> Value {
    let items = texts.into_iter().map(|text| json!({"text": text, "status": "pending"}));
    json!({"items": items.collect::<Vec<_>>()})
}

#[tokio::test]
async fn the_result_is_the_progress() {
    let list = json!({"items": [
        {"text": "read", "status": "completed"}, {"text": "write", "status": "in_progress"},
    ]});
    let output = Bench::new().run("todo.set", list).await;
    assert_eq!((output.ok, output.text()), (true, "1 of 2 steps done; in progress: write".into()));
}

#[test]
fn a_list_that_is_too_large_is_refused_with_the_limit() {
    let bench = Bench::new();
    let refusal = |arguments| {
        let refused = bench.tools.prepare(bench.call("todo.set", arguments)).map(drop);
        refused.unwrap_err().to_string()
    };
    for (arguments, reason) in [
        (items(vec!["x".to_owned(); 51]), "arguments.items: must be at most 50 steps, got 51"),
        (items([" ".to_owned()]), "arguments.items[0].text: must not be empty"),
        (
            items(["x".to_owned(), "é".repeat(201)]),
            "arguments.items[1].text: must be at most 200 characters, got 201",
        ),
        (
            items(vec!["x".repeat(200); 16]),
            "arguments.items: must have at most 3072 bytes of text in all, got 3200",
        ),
        (
            json!({"items": [{"text": "x", "status": "begun"}]}),
            "arguments.items[0].status: must be one of \"pending\", \"in_progress\", \"completed\"",
        ),
    ] {
        let refused = refusal(arguments);
        assert!(refused.contains(reason), "{refused}");
    }
}
