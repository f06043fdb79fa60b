//! Calls of tools.

use std::num::NonZeroUsize;
use std::time::Duration;

use az_core::CancellationToken;
use az_mcp::ToolRegistry;
use az_mcp::server::ServeOptions;
use serde_json::json;

use crate::support::{Client, Echo, Parts, Waits, tools};

fn waiting(ended: &CancellationToken) -> ToolRegistry {
    let mut tools = tools();
    tools.add(Waits(ended.clone())).unwrap();
    tools
}

#[tokio::test]
async fn images_links_and_data_of_a_result_are_kept() {
    let mut client = Client::legacy(tools(), ServeOptions::default()).await;
    let expected = json!({
        "content": [
            {"type": "text", "text": "text"},
            {"type": "image", "mimeType": "image/png", "data": "aW1n"},
            {"type": "resource_link", "uri": "https://example.org", "name": "example"},
        ],
        "structuredContent": {"count": 3},
        "isError": false,
    });
    assert_eq!(client.call("test.parts", json!({})).await, expected);
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_of_the_request() {
    let mut client = Client::legacy(tools(), ServeOptions::default()).await;
    let answer = client.ask(1, "tools/call", json!({"name": "test.none"})).await;
    let expected = json!({"code": -32602, "message": "unknown tool: test.none"});
    assert_eq!(answer["error"], expected);
}

#[tokio::test]
async fn a_failed_call_and_wrong_arguments_are_results_that_failed() {
    let mut registry = ToolRegistry::new();
    registry.add(Echo).unwrap();
    registry.add(Parts(false)).unwrap();
    let mut client = Client::legacy(registry, ServeOptions::default()).await;
    let content = json!([{"type": "text", "text": "no parts"}]);
    let expected = json!({"content": content, "isError": true});
    assert_eq!(client.call("test.parts", json!({})).await, expected);
    let wrong = client.call("test.echo", json!({"texts": 1})).await;
    assert_eq!(wrong["isError"], true);
    assert!(wrong["content"][0]["text"].as_str().unwrap().contains("text"), "{wrong}");
}

#[tokio::test]
async fn progress_is_sent_and_a_cancelled_call_ends() {
    let ended = CancellationToken::new();
    let mut client = Client::legacy(waiting(&ended), ServeOptions::default()).await;
    let params = json!({"name": "test.wait", "arguments": {}, "_meta": {"progressToken": "p"}});
    let progress = client.ask(7, "tools/call", params).await;
    let expected =
        json!({"progressToken": "p", "progress": 1.0, "total": 4.0, "message": "waiting"});
    assert_eq!(progress["params"], expected);
    let cancelled = json!({"requestId": 7, "reason": "no longer needed"});
    let method = "notifications/cancelled";
    client.send(&json!({"jsonrpc": "2.0", "method": method, "params": cancelled})).await;
    ended.cancelled().await;
    // A cancelled request has no answer.
    assert_eq!(client.ask(8, "ping", json!({})).await["id"], 8);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_the_time_limit() {
    let ended = CancellationToken::new();
    let options = ServeOptions::default().with_timeout(Some(Duration::from_millis(20)));
    let mut client = Client::legacy(waiting(&ended), options).await;
    let result = client.call("test.wait", json!({})).await;
    assert_eq!(result["isError"], true);
    assert_eq!(result["_meta"], json!({"dev.azos/unknown": true}));
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_and_end_with_the_server() {
    let ended = CancellationToken::new();
    let options = ServeOptions::default().with_max_calls(NonZeroUsize::MIN);
    let mut client = Client::legacy(waiting(&ended), options).await;
    let progress = json!({"progressToken": "p"});
    let wait = json!({"name": "test.wait", "arguments": {}, "_meta": progress});
    client.ask(1, "tools/call", wait).await;
    let echo = json!({"name": "test.echo", "arguments": {"text": "late"}});
    client.request(2, "tools/call", echo).await;
    // Requests that call nothing are answered meanwhile.
    assert_eq!(client.ask(3, "ping", json!({})).await["id"], 3);
    let cancelled = json!({"requestId": 1});
    let method = "notifications/cancelled";
    client.send(&json!({"jsonrpc": "2.0", "method": method, "params": cancelled})).await;
    assert_eq!(client.message().await["id"], 2);
    client.close().await.unwrap();
}
