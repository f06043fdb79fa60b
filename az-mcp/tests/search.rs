//! Tests of toolboxes with so many tools that a model searches for them.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::Arc;

use async_trait::async_trait;
use az_core::testing::toolbox::{Example, ExpectedOutcome, ToolboxFixture};
use az_core::testing::{Capabilities, FakeTool, FakeToolbox, Fixture};
use az_core::tool::{Invocation, SENT_AT_ONCE, Toolbox};
use az_mcp::search::SearchToolbox;
use serde_json::{Value, json};

/// Returns a toolbox with this many tools.
fn of(number: usize) -> FakeToolbox {
    (0..number).fold(FakeToolbox::new(), |tools, i| tools.with(FakeTool::new(format!("tool.t{i}"))))
}

fn searchable(number: usize) -> SearchToolbox {
    SearchToolbox::new(Arc::new(of(number))).unwrap()
}

fn call(tool: &str, arguments: Value) -> Invocation {
    Invocation::bare(tool, arguments).unwrap()
}

#[test]
fn the_tools_that_find_others_are_added_above_forty() {
    let few = searchable(SENT_AT_ONCE);
    assert_eq!(few.specs().len(), SENT_AT_ONCE);
    assert!(few.prepare(call("tool_search", json!({"query": "x"}))).is_err());
    let specs = searchable(SENT_AT_ONCE + 1).specs();
    let added: Vec<_> = specs[SENT_AT_ONCE + 1..].iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(added, ["tool_search", "tool_call"]);
    // A toolbox with a tool of that name keeps it.
    let own = SearchToolbox::new(Arc::new(of(50).with(FakeTool::new("tool_search")))).unwrap();
    assert_eq!(own.specs().len(), 51);
}

#[tokio::test]
async fn a_search_returns_names_descriptions_and_schemas_of_the_best_matches() {
    let tools = searchable(200);
    let output = tools.call(call("tool_search", json!({"query": "t7"}))).await.unwrap();
    let spec = &tools.specs()[7];
    let expected = json!([{
        "name": "tool.t7", "description": spec.description, "input_schema": *spec.input_schema,
    }]);
    let text = output.text().into_owned();
    assert_eq!((output.ok, output.data), (true, Some(expected.clone())));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);

    let found = async |arguments| {
        let output = tools.call(call("tool_search", arguments)).await.unwrap();
        output.data.unwrap().as_array().unwrap().len()
    };
    assert_eq!(found(json!({"query": "tool"})).await, 5);
    assert_eq!(found(json!({"query": "tool", "limit": 20})).await, 20);
    assert_eq!(found(json!({"query": "weather"})).await, 0);
    // A task that may use some of the tools finds those.
    let some = Arc::from(&of(3).specs()[..2]);
    let restricted = call("tool_search", json!({"query": "tool"})).with_tools(some);
    let output = tools.call(restricted).await.unwrap();
    assert_eq!(output.data.unwrap().as_array().unwrap().len(), 2);
}

#[test]
fn bad_searches_and_calls_outside_of_a_task_are_refused() {
    let tools = searchable(50);
    for (tool, arguments, message) in [
        ("tool_search", json!({"query": " "}), "query: must not be empty"),
        ("tool_search", json!({"query": "x", "limit": 0}), "limit: must be between 1 and 20"),
        ("tool_search", json!({"query": "x", "limit": 21}), "limit: must be between 1 and 20"),
        ("tool_search", json!({}), "arguments.query: is missing; must be a string"),
        ("tool_call", json!({"name": "tool.t1"}), "call the tool by its own name"),
    ] {
        let error = tools.prepare(call(tool, arguments)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

/// Many tools behind the decorator.
struct Searchable;

#[async_trait]
impl Fixture<dyn Toolbox> for Searchable {
    async fn open(&self) -> Arc<dyn Toolbox> {
        Arc::new(searchable(50))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl ToolboxFixture for Searchable {
    fn examples(&self) -> Vec<Example> {
        vec![
            Example::new(call("tool.t3", json!({})), ExpectedOutcome::Done),
            Example::new(call("tool_search", json!({"query": "tool"})), ExpectedOutcome::Done),
            Example::new(call("tool_search", json!({})), ExpectedOutcome::Invalid),
        ]
    }
}

#[tokio::test]
async fn the_decorator_keeps_the_contract_of_toolboxes() {
    let report = az_core::testing::toolbox::toolbox(|| Searchable).await;
    assert_eq!(report.failed(), [] as [&str; 0], "\n{report}");
}
