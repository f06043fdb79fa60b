//! The kit of clients, with servers of both eras, and the faults that it finds.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::testing::{Capabilities, Fixture, Verdict};
use az_core::tool::ProgressSender;
use az_mcp::client::{ClientCall, ClientError, McpClient};
use az_mcp::schema::{WireResult, WireTool};
use az_mcp::testing::client::run;
use az_mcp::testing::server::Behaviour;

use crate::support::client;

struct Program(Behaviour, Option<Broken>);

#[async_trait]
impl Fixture<dyn McpClient> for Program {
    async fn open(&self) -> Arc<dyn McpClient> {
        let client = client(self.0);
        match self.1 {
            Some(broken) => Arc::new(Saboteur(broken, client)),
            None => client,
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

mod legacy {
    use super::{Behaviour, Program};

    az_mcp::client_conformance! {
        make: || Program(Behaviour::Legacy, None),
        skips: [],
    }
}

mod modern {
    use super::{Behaviour, Program};

    az_mcp::client_conformance! {
        make: || Program(Behaviour::Modern, None),
        skips: [],
    }
}

/// The fault of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// Breaks `McpClient` 1.
    Schemas,
    /// Breaks `McpClient` 2.
    Describing,
    /// Breaks `McpClient` 3.
    Failures,
    /// Breaks `McpClient` 4.
    Pins,
    /// Breaks `McpClient` 5.
    Limits,
    /// Breaks `McpClient` 6.
    Reopening,
    /// Breaks `McpClient` 7.
    Progress,
}

#[derive(Debug)]
struct Saboteur(Broken, Arc<dyn McpClient>);

#[async_trait]
impl McpClient for Saboteur {
    async fn call(&self, mut call: ClientCall) -> Result<WireResult, ClientError> {
        match self.0 {
            Broken::Pins => call.pin = None,
            Broken::Progress => call.progress = ProgressSender::disconnected(),
            _ => {}
        }
        let (server, tool) = ("test".to_owned(), call.tool.clone());
        match self.1.call(call).await {
            Ok(result) if self.0 == Broken::Failures && result.is_error => {
                let message = "it failed".to_owned();
                Err(ClientError::Refused { server, code: 0, message })
            }
            Err(ClientError::Lost { .. }) if self.0 == Broken::Reopening => {
                Err(ClientError::NoSuchTool { server, tool })
            }
            Err(ClientError::TimedOut { .. }) if self.0 == Broken::Limits => {
                Err(ClientError::Lost { server, reason: "it was silent".to_owned() })
            }
            result => result,
        }
    }

    async fn list_tools(&self) -> Result<Vec<WireTool>, ClientError> {
        let mut tools = self.1.list_tools().await?;
        if self.0 == Broken::Schemas {
            tools[0].input_schema["$schema"].take();
        }
        Ok(tools)
    }

    async fn get_tool_info(&self, name: &str) -> Result<Option<WireTool>, ClientError> {
        let name = if self.0 == Broken::Describing { &name.to_lowercase() } else { name };
        self.1.get_tool_info(name).await
    }
}

#[tokio::test]
async fn the_kit_finds_every_fault() {
    use Broken::*;
    for (broken, fails) in [
        (Schemas, "tools_are_listed_as_the_server_defines_them"),
        (Describing, "a_tool_is_described_by_its_name"),
        (Failures, "a_tool_that_fails_has_a_result"),
        (Pins, "a_tool_that_is_missing_or_changed_is_not_called"),
        (Reopening, "a_lost_connection_is_opened_again"),
        (Limits, "a_call_ends_at_its_limit_and_others_go_on"),
        (Progress, "progress_reaches_the_call_that_it_is_about"),
    ] {
        let verdict = run(fails, &Program(Behaviour::Legacy, Some(broken))).await;
        assert!(matches!(verdict, Verdict::Failed(_)), "{broken:?} was not found: {verdict:?}");
    }
}
