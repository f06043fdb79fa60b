//! The kit of [`McpClient`].

use std::sync::Arc;
use std::time::Duration;

use az_core::CancellationToken;
use az_core::testing::{Checked, Fixture, Violation};
use az_core::tool::{Progress, progress_channel};
use az_core::{ensure, ensure_eq, ensure_refused, scenarios};
use serde_json::{Map, Value, json};

use super::server::echo_definition;
use crate::client::{ClientCall, ClientError, McpClient, digest_of};
use crate::schema::{WireResult, WireTool};

scenarios! {
    $crate
    /// Runs every scenario of [`McpClient`]'s contract.
    ///
    /// Each client that a fixture opens is of a server of its own, which [`serve`](super::server::serve) is.
    client for Fixture<dyn McpClient>, in client_conformance;

    tools_are_listed_as_the_server_defines_them;
    a_tool_is_described_by_its_name;
    a_tool_that_fails_has_a_result;
    a_tool_that_is_missing_or_changed_is_not_called;
    a_call_ends_at_its_limit_and_others_go_on;
    a_lost_connection_is_opened_again;
    progress_reaches_the_call_that_it_is_about;
}

/// How long a call that does not end by itself may last.
const LIMIT: Duration = Duration::from_millis(100);
/// How long a call may take that ends by itself.
const SOON: Duration = Duration::from_secs(20);

/// The fixture of a scenario.
type Clients<'a> = &'a dyn Fixture<dyn McpClient>;

fn call(tool: &str, text: &str) -> ClientCall {
    let arguments = match json!({ "text": text }) {
        Value::Object(arguments) => arguments,
        _ => Map::new(),
    };
    ClientCall::new(tool, arguments).with_timeout(Some(SOON))
}

fn unexpected(error: &ClientError) -> Violation {
    Violation::Broken(format!("an unexpected error: {error}"))
}

async fn text_of(client: &Arc<dyn McpClient>, call: ClientCall) -> Checked<String> {
    let WireResult { content, .. } = client.call(call).await.map_err(|error| unexpected(&error))?;
    let text = content.first().and_then(|part| part.0.get("text")).and_then(Value::as_str);
    Ok(text.unwrap_or_default().to_owned())
}

async fn tools(client: &Arc<dyn McpClient>) -> Checked<Vec<WireTool>> {
    client.list_tools().await.map_err(|error| unexpected(&error))
}

/// Returns the calls that have reached the server.
async fn received(client: &Arc<dyn McpClient>) -> Checked<String> {
    text_of(client, call("received", "")).await
}

/// Checks `McpClient` 1.
async fn tools_are_listed_as_the_server_defines_them(fixture: Clients<'_>) -> Checked {
    let client = fixture.open().await;
    let listed = tools(&client).await?;
    let first = listed.first().map(|tool| serde_json::to_value(tool).unwrap_or_default());
    ensure_eq!(first, Some(echo_definition(false)), "the definition of the first tool");
    let names: Vec<_> = listed.iter().map(|tool| tool.name.as_str()).collect();
    ensure_eq!(names.get(..3), Some(&["echo", "fail", "wait"][..]), "the order of the tools");
    client.call(call("change", "")).await.map_err(|error| unexpected(&error))?;
    // The notification is on its way.
    for _ in 0..1_000 {
        let now = tools(&client).await?;
        let first = now.first().map(|tool| serde_json::to_value(tool).unwrap_or_default());
        if first == Some(echo_definition(true)) {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
    Err(Violation::Broken("a change of a tool is not listed".to_owned()))
}

/// Checks `McpClient` 2.
async fn a_tool_is_described_by_its_name(fixture: Clients<'_>) -> Checked {
    let client = fixture.open().await;
    let listed = tools(&client).await?;
    for (name, expected) in [("fail", listed.get(1)), ("Fail", None), ("", None)] {
        let info = client.get_tool_info(name).await.map_err(|error| unexpected(&error))?;
        ensure_eq!(info.as_ref(), expected, "the tool {name:?}");
    }
    Ok(())
}

/// Checks `McpClient` 3.
async fn a_tool_that_fails_has_a_result(fixture: Clients<'_>) -> Checked {
    let client = fixture.open().await;
    let result = client.call_tool("fail", Map::new(), Some(SOON)).await;
    let result = result.map_err(|error| unexpected(&error))?;
    ensure!(result.is_error, "the result is no error");
    ensure_eq!(text_of(&client, call("echo", "a\nb")).await?, "a\nb", "the result of another tool");
    Ok(())
}

/// Checks `McpClient` 4.
async fn a_tool_that_is_missing_or_changed_is_not_called(fixture: Clients<'_>) -> Checked {
    let client = fixture.open().await;
    let missing = client.call(call("missing", "")).await;
    ensure_refused!(missing, ClientError::NoSuchTool { .. }, "a tool that does not exist");
    let listed = tools(&client).await?;
    let pin = listed.first().map(digest_of).unwrap_or_default();
    let echoed = text_of(&client, call("echo", "x").with_pin(pin)).await?;
    ensure_eq!(echoed, "x", "a call with the digest of the definition");
    let changed = client.call(call("echo", "").with_pin("0123")).await;
    ensure_refused!(changed, ClientError::Changed { .. }, "a call with another digest");
    let received = received(&client).await?;
    ensure!(!received.contains("missing"), "a call of a missing tool was sent: {received}");
    let calls = received.matches("tools/call echo").count();
    ensure_eq!(calls, 1, "the calls that were sent");
    Ok(())
}

/// Checks `McpClient` 5.
async fn a_call_ends_at_its_limit_and_others_go_on(fixture: Clients<'_>) -> Checked {
    let client = fixture.open().await;
    let cancel = CancellationToken::new();
    let waiting = call("wait", "").with_cancel(cancel.clone());
    let other = async {
        let echoed = text_of(&client, call("echo", "x")).await;
        cancel.cancel();
        echoed
    };
    let limited = client.call(call("wait", "").with_timeout(Some(LIMIT)));
    let calls = async { tokio::join!(client.call(waiting), other, limited) };
    let Ok((cancelled, echoed, limited)) = tokio::time::timeout(SOON, calls).await else {
        return Err(Violation::Broken("a call did not end".to_owned()));
    };
    ensure_refused!(cancelled, ClientError::Cancelled { .. }, "a call that was cancelled");
    ensure_refused!(limited, ClientError::TimedOut { .. }, "a call beyond its limit");
    ensure_eq!(echoed?, "x", "another call");
    ensure_eq!(text_of(&client, call("echo", "y")).await?, "y", "the next call");
    Ok(())
}

/// Checks `McpClient` 6.
async fn a_lost_connection_is_opened_again(fixture: Clients<'_>) -> Checked {
    let client = fixture.open().await;
    let Ok(ended) = tokio::time::timeout(SOON, client.call(call("end", ""))).await else {
        return Err(Violation::Broken("the call did not end".to_owned()));
    };
    ensure_refused!(ended, ClientError::Lost { .. }, "a call during which the server ended");
    ensure_eq!(text_of(&client, call("echo", "x")).await?, "x", "the next call");
    Ok(())
}

/// Checks `McpClient` 7.
async fn progress_reaches_the_call_that_it_is_about(fixture: Clients<'_>) -> Checked {
    let client = fixture.open().await;
    let report = async |text: &str| {
        let (sender, mut receiver) = progress_channel();
        let called = text_of(&client, call("report", text).with_progress(sender)).await;
        called.map(
            |_| async move { tokio::time::timeout(SOON, receiver.next()).await.ok().flatten() },
        )
    };
    let (one, two) = tokio::join!(report("one"), report("two"));
    let expected = |text: &str| Some(Progress::message(text).with_count(1, Some(2)));
    ensure_eq!(one?.await, expected("one"), "the progress of a call");
    ensure_eq!(two?.await, expected("two"), "the progress of another call");
    Ok(())
}
