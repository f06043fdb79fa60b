//! Listing tools.

use std::num::NonZeroUsize;

use az_mcp::server::ServeOptions;
use serde_json::{Value, json};

use crate::support::{Client, tools};

#[tokio::test]
async fn a_listed_tool_has_its_schema_category_and_hints() {
    let mut client = Client::legacy(tools(), ServeOptions::default()).await;
    let answer = client.ask(1, "tools/list", json!({})).await;
    let mut echo = answer["result"]["tools"][0].clone();
    let schema = echo.as_object_mut().unwrap().remove("inputSchema").unwrap();
    assert_eq!(schema["properties"]["text"]["description"], "What is returned");
    let expected = json!({
        "name": "test.echo",
        "description": "Return a text",
        "annotations": {"readOnlyHint": true, "openWorldHint": false},
        "_meta": {"dev.azos/category": "test"},
    });
    assert_eq!(echo, expected);
    client.close().await.unwrap();
}

#[tokio::test]
async fn pages_of_the_list_are_in_the_order_of_the_registry() {
    let options = ServeOptions::default().with_page_size(NonZeroUsize::MIN);
    let mut client = Client::legacy(tools(), options).await;
    let first = client.ask(1, "tools/list", json!({})).await["result"].clone();
    let cursor = first["nextCursor"].clone();
    let second = client.ask(2, "tools/list", json!({"cursor": cursor})).await["result"].clone();
    let names = |page: &Value| page["tools"].as_array().unwrap()[0]["name"].clone();
    assert_eq!((names(&first), names(&second)), (json!("test.echo"), json!("test.parts")));
    assert_eq!(second.get("nextCursor"), None);
    let unknown = client.ask(3, "tools/list", json!({"cursor": "x"})).await;
    assert_eq!(unknown["error"]["code"], -32602);
}
