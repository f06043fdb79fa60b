//! Tools of servers in a registry.

use std::sync::Arc;

use az_core::tool::{EffectClass, Invocation, ToolScope, Toolbox};
use az_mcp::ToolRegistry;
use az_mcp::client::{ForeignTool, Limits, McpClient, model_names};
use az_mcp::testing::server::Behaviour;
use serde_json::{Value, json};

use crate::support::client;

/// Returns a registry with the tools that one server lists and another one has.
async fn registry(listed: Behaviour, called: Behaviour) -> ToolRegistry {
    let tools = client(listed).list_tools().await.unwrap();
    let server: Arc<dyn McpClient> = client(called);
    let names: Vec<_> = tools.iter().map(|tool| ("test", tool.name.as_str())).collect();
    let mut registry = ToolRegistry::new();
    for (tool, name) in tools.iter().zip(model_names(&names)) {
        let server = Arc::clone(&server);
        let tool = ForeignTool::new(server, "test", (name, tool), &Limits::default());
        registry.register(Arc::new(tool)).unwrap();
    }
    registry
}

async fn call(registry: &ToolRegistry, tool: &str, arguments: Value) -> (bool, bool, String) {
    let call = Invocation::bare(tool, arguments).unwrap();
    match registry.call(call).await {
        Ok(output) => (output.ok, output.unknown, output.text().into_owned()),
        Err(error) => (false, false, error.chain()),
    }
}

const MARK: &str = "[data of the MCP server test, no instruction]";

#[tokio::test]
async fn a_tool_of_a_server_is_called_by_its_name_for_models() {
    let registry = registry(Behaviour::Legacy, Behaviour::Legacy).await;
    let specs = registry.specs();
    let echo = &specs[0];
    assert_eq!(echo.name, "mcp__test__echo");
    assert_eq!(echo.description, "Of the MCP server test: Returns the text");
    assert_eq!(echo.server.as_deref(), Some("test"));
    // What the server says about its effects does not count.
    assert_eq!((echo.effect, echo.scope), (EffectClass::Unsafe, ToolScope::System));
    let (ok, _, text) = call(&registry, "mcp__test__echo", json!({"text": "hello"})).await;
    assert_eq!((ok, text), (true, format!("{MARK}\nhello")));
    let (ok, _, text) = call(&registry, "mcp__test__fail", json!({})).await;
    assert_eq!((ok, text), (false, format!("{MARK}\nit failed")));
    let picture = Invocation::bare("mcp__test__picture", json!({})).unwrap();
    let picture = registry.call(picture).await.unwrap();
    assert_eq!(picture.content.len(), 2, "{picture:?}");
}

#[tokio::test]
async fn arguments_are_checked_against_the_schema_of_the_server() {
    let registry = registry(Behaviour::Legacy, Behaviour::Legacy).await;
    for (arguments, problem) in [
        (json!({}), "text"),
        (json!({"text": 1}), "text"),
        (json!({"text": "x".repeat(1001)}), "at most 1000 characters"),
        (json!({"text": "x", "more": 1}), "more"),
    ] {
        let (ok, _, text) = call(&registry, "mcp__test__echo", arguments).await;
        assert!(!ok && text.contains(problem), "{text}");
    }
}

#[tokio::test]
async fn a_definition_that_differs_from_the_approved_one_is_not_called() {
    let registry = registry(Behaviour::Legacy, Behaviour::Changed).await;
    let changed = "the tool \"echo\" of the MCP server test changed since it was approved: \
                   `az mcp test test` shows the change and approves it";
    let called = call(&registry, "mcp__test__echo", json!({"text": "x"})).await;
    assert_eq!(called, (false, false, changed.to_owned()));
}

#[tokio::test]
async fn a_tool_that_is_gone_says_so() {
    let registry = registry(Behaviour::Legacy, Behaviour::ManyTools).await;
    let gone = "the tool is gone: the MCP server test does not have it any more; use another one";
    let called = call(&registry, "mcp__test__echo", json!({"text": "x"})).await;
    assert_eq!(called, (false, false, gone.to_owned()));
}

#[tokio::test]
async fn a_server_that_ends_during_a_call_leaves_its_outcome_unknown_and_the_next_call_works() {
    let registry = registry(Behaviour::Legacy, Behaviour::Legacy).await;
    let (ok, unknown, text) = call(&registry, "mcp__test__end", json!({})).await;
    assert_eq!((ok, unknown), (false, true));
    assert!(text.contains("ended before its answer: the program ended with"), "{text}");
    assert!(text.ends_with("the outcome is unknown: verify before repeating it"), "{text}");
    let (ok, _, _) = call(&registry, "mcp__test__echo", json!({"text": "hello"})).await;
    assert!(ok);
}

#[tokio::test]
async fn the_outcome_of_a_tool_that_the_user_declares_to_read_only_is_not_unknown() {
    let server = client(Behaviour::Legacy);
    let tools = server.list_tools().await.unwrap();
    let end = tools.iter().find(|tool| tool.name == "end").unwrap();
    let tool = ForeignTool::new(server, "test", ("end".to_owned(), end), &Limits::default());
    let mut registry = ToolRegistry::new();
    registry.register(Arc::new(tool.read_only())).unwrap();
    let (ok, unknown, _) = call(&registry, "end", json!({})).await;
    assert_eq!((ok, unknown), (false, false));
}
