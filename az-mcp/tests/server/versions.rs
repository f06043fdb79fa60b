//! The lifecycles of the versions.

use az_mcp::server::ServeOptions;
use serde_json::{Value, json};

use crate::support::{Client, tools};

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    })
}

#[tokio::test]
async fn a_client_shakes_hands_and_learns_the_name_of_the_server() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = Client::of(tools(), ServeOptions::default().with_instructions("be kind"));
        let info = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": info});
        let answer = client.ask(0, "initialize", params).await;
        let expected = json!({
            "protocolVersion": version,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "az-os", "version": env!("CARGO_PKG_VERSION")},
            "instructions": "be kind",
        });
        assert_eq!(answer["result"], expected);
    }
}

#[tokio::test]
async fn a_client_without_a_handshake_discovers_lists_and_calls() {
    let mut client = Client::of(tools(), ServeOptions::default());
    let found = client.ask(1, "server/discover", json!({"_meta": meta()})).await;
    assert_eq!(found["result"]["capabilities"], json!({"tools": {}}));
    assert!(found["result"]["supportedVersions"].to_string().contains("2026-07-28"));
    let listed = client.ask(2, "tools/list", json!({"_meta": meta()})).await;
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 2);
    assert_eq!(listed["result"]["resultType"], "complete");
    let params = json!({"name": "test.echo", "arguments": {"text": "x"}, "_meta": meta()});
    let called = client.ask(3, "tools/call", params).await;
    let content = json!([{"type": "text", "text": "x"}]);
    let expected = json!({
        "resultType": "complete", "content": content, "isError": false
    });
    assert_eq!(called["result"], expected);
}

#[tokio::test]
async fn a_client_that_goes_without_a_word_or_is_stopped_is_no_error() {
    let client = Client::of(tools(), ServeOptions::default());
    client.close().await.unwrap();
    let client = Client::legacy(tools(), ServeOptions::default()).await;
    client.stop.cancel();
    client.served.await.unwrap().unwrap();
}
