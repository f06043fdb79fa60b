//! Servers that misbehave: typed errors, no waiting without an end, bounded memory.

use std::time::{Duration, Instant};

use az_mcp::client::{ClientCall, ClientError, Era, Limits, McpClient, ServerClient};
use az_mcp::testing::server::Behaviour;
use serde_json::{Map, Value};

use crate::support::{client, command, limited, options};

/// Limits that pass soon.
fn soon() -> Limits {
    let mut limits = Limits::default();
    limits.start = Duration::from_millis(500);
    limits.silence = Duration::from_secs(10);
    limits
}

fn reason(error: ClientError) -> String {
    match error {
        ClientError::Unavailable { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_used_says_why() {
    let silent = limited(Behaviour::Silent, soon()).list_tools().await.unwrap_err();
    assert_eq!(reason(silent), "it did not answer within 0.5 s of its start");
    let noise = client(Behaviour::Noise).list_tools().await.unwrap_err();
    let noise = reason(noise);
    assert!(noise.starts_with("it wrote more than 1048576 bytes that are no messages"), "{noise}");
    let long = reason(client(Behaviour::LongLine).list_tools().await.unwrap_err());
    assert!(long.starts_with("it wrote a message of more than 16777216 bytes"), "{long}");
    let ended = reason(client(Behaviour::EndsAtStart).list_tools().await.unwrap_err());
    assert!(ended.contains("the program ended with exit status: 0"), "{ended}");
    assert!(ended.ends_with("the database of the server is locked"), "{ended}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let mut missing = options(Behaviour::Legacy);
    let absent = az_mcp::client::ServerCommand::new("no-such-program", ["x"]);
    missing.transport = az_mcp::client::ServerTransport::Command(absent);
    let error = reason(ServerClient::new(missing).list_tools().await.unwrap_err());
    assert!(error.starts_with("no-such-program cannot be run: No such file"), "{error}");
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_started_after_breaks() {
    let server = client(Behaviour::EndsAtStart);
    for _ in 0..2 {
        let failed = reason(server.list_tools().await.unwrap_err());
        assert!(failed.contains("locked"), "{failed}");
    }
    let begun = Instant::now();
    let refused = reason(server.list_tools().await.unwrap_err());
    assert_eq!(refused, "it failed 2 times; it is started again in 1 s");
    assert!(begun.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn pages_and_tools_and_schemas_are_limited() {
    let pages = client(Behaviour::EndlessPages).listing().await.unwrap();
    assert_eq!((pages.tools.len(), pages.left_out.len()), (64, 0));
    let many = client(Behaviour::ManyTools).listing().await.unwrap();
    assert_eq!((many.tools.len(), many.left_out.len()), (100, 100));
    let huge = client(Behaviour::HugeSchemas).listing().await.unwrap();
    let left_out: Vec<_> = huge.left_out.iter().map(|left| left.reason.as_str()).collect();
    assert_eq!(huge.tools.len(), 1);
    assert_eq!(
        left_out,
        [
            "its schema has 1048610 bytes; at most 65536 are read",
            "its schema is nested more than 32 levels deep"
        ]
    );
}

#[tokio::test]
async fn completions_of_a_model_are_refused_and_the_call_returns() {
    let server = client(Behaviour::AsksForCompletions);
    let mut arguments = Map::new();
    arguments.insert("text".to_owned(), "x".into());
    let result = server.call_tool("echo", arguments, None).await.unwrap();
    assert_eq!(result.content[0].0["text"], "x");
}

#[tokio::test]
async fn a_server_of_either_era_is_recognised_and_the_known_era_is_only_a_hint() {
    for (behaviour, era) in [
        (Behaviour::Legacy, Era::Legacy),
        (Behaviour::Modern, Era::Modern),
        (Behaviour::Changed, Era::Modern),
    ] {
        for known in [Era::Auto, Era::Legacy, Era::Modern] {
            let server = ServerClient::new(options(behaviour)).with_known_era(known);
            let listing = server.listing().await.unwrap();
            let expected = match (behaviour, known) {
                (Behaviour::Changed, Era::Legacy) => Era::Legacy,
                _ => era,
            };
            assert_eq!(listing.server.era, expected, "{behaviour:?} {known:?}");
            assert_eq!(listing.server.name, "test-server");
        }
    }
}

#[tokio::test]
async fn a_program_gets_only_the_variables_that_are_listed_or_configured() {
    let environment = [("PATH", "/bin:/usr/bin"), ("LANG", "C"), ("FAKE_SECRET_TOKEN", "x")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let command = command(Behaviour::Legacy).with_inherited_env(environment);
    let mut options = options(Behaviour::Legacy);
    options.transport = az_mcp::client::ServerTransport::Command(command.with_env("OWN", "1"));
    let result = ServerClient::new(options).call_tool("variables", Map::new(), None).await;
    let result = result.unwrap();
    let text = result.content[0].0["text"].as_str().unwrap();
    let mut names: Vec<String> = serde_json::from_str(text).unwrap();
    names.sort();
    assert_eq!(names, ["AZ_TEST_MCP_SERVER", "LANG", "OWN", "PATH"]);
}

/// Whether there is a process of this id that has not ended.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn what_a_program_has_started_ends_with_it() {
    let server = client(Behaviour::Legacy);
    let command = command(Behaviour::Legacy).with_env("PATH", "/bin:/usr/bin");
    drop(server);
    let mut options = options(Behaviour::Legacy);
    options.transport = az_mcp::client::ServerTransport::Command(command);
    let server = ServerClient::new(options);
    let left = server.call_tool("leave", Map::new(), None).await.unwrap();
    let pid: u32 = left.content[0].0["text"].as_str().unwrap().parse().unwrap();
    assert!(is_running(pid));
    server.close().await;
    let begun = Instant::now();
    while is_running(pid) {
        assert!(begun.elapsed() < Duration::from_secs(10), "the process is left");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_program_has_no_terminal_to_write_to() {
    // With a terminal, the server would write to it before it answers.
    let listed = client(Behaviour::Terminal).list_tools().await.unwrap();
    assert_eq!(listed.len(), 10);
}

#[tokio::test]
async fn a_server_is_told_which_calls_are_given_up() {
    let server = client(Behaviour::Legacy);
    let limit = Some(Duration::from_millis(50));
    let waiting = ClientCall::new("wait", Map::new()).with_timeout(limit);
    assert!(matches!(server.call(waiting).await, Err(ClientError::TimedOut { .. })));
    let begun = Instant::now();
    loop {
        let received = server.call_tool("received", Map::new(), None).await.unwrap();
        let text = received.content[0].0["text"].as_str().unwrap_or_default();
        let received: Vec<Value> = serde_json::from_str(text).unwrap();
        if received.contains(&"notifications/cancelled".into()) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{received:?}");
    }
}

#[tokio::test]
async fn resources_and_prompts_are_read() {
    let server = client(Behaviour::Modern);
    let resources = server.resources().await.unwrap();
    assert_eq!((resources[0].uri.as_str(), resources[0].size), ("test://notes", Some(5)));
    let read = server.read_resource("test://notes").await.unwrap();
    assert_eq!(read[0].text.as_deref(), Some("hello"));
    let prompts = server.prompts().await.unwrap();
    assert!(prompts[0].arguments[0].required);
    let mut arguments = Map::new();
    arguments.insert("who".to_owned(), "Ada".into());
    let prompt = server.prompt("greet", arguments).await.unwrap();
    assert_eq!(prompt[0].content.0["text"], "Greet Ada");
}
