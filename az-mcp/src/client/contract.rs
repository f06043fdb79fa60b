//! The contract of clients.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use az_core::CancellationToken;
use az_core::tool::ProgressSender;
use serde_json::{Map, Value};

use super::error::ClientError;
use crate::schema::{WireResult, WireTool};

/// A call of a tool of a server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientCall {
    /// The tool, as the server names it.
    pub tool: String,
    /// The arguments.
    pub arguments: Map<String, Value>,
    /// How long the server may be silent; each report of progress begins this time anew. `None` is the
    /// default of the client.
    pub timeout: Option<Duration>,
    /// Cancelled when the result is no longer needed.
    pub cancel: CancellationToken,
    /// Receives the progress that the server reports.
    pub progress: ProgressSender,
    /// The digest that the definition of the tool must have; `None` accepts any.
    pub pin: Option<String>,
}

impl ClientCall {
    /// Creates a call without a pin, a time limit of its own or a receiver of progress.
    pub fn new(tool: impl Into<String>, arguments: Map<String, Value>) -> Self {
        Self {
            tool: tool.into(),
            arguments,
            timeout: None,
            cancel: CancellationToken::new(),
            progress: ProgressSender::disconnected(),
            pin: None,
        }
    }

    /// Sets how long the server may be silent.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets what cancels the call.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Sets the receiver of progress.
    #[must_use]
    pub fn with_progress(mut self, progress: ProgressSender) -> Self {
        self.progress = progress;
        self
    }

    /// Sets the digest that the definition of the tool must have.
    #[must_use]
    pub fn with_pin(mut self, digest: impl Into<String>) -> Self {
        self.pin = Some(digest.into());
        self
    }
}

/// Calls the tools of one MCP server.
///
/// # Contract
///
/// 1. [`list_tools`](Self::list_tools) returns the tools as the server defines them now, in its order,
///    with their schemas unchanged.
/// 2. [`get_tool_info`](Self::get_tool_info) returns the definition that the list has under a name, and
///    `None` for a name that it does not have.
/// 3. A call returns what the tool returned, also if the tool failed: then the result is an error
///    ([`WireResult::is_error`]), and the call is not.
/// 4. A tool that the server does not have is `NoSuchTool`, and one whose definition has another digest
///    than the pin is `Changed`. Neither call reaches the server.
/// 5. A call that is cancelled, or during which the server is silent for longer than the time limit,
///    ends soon with `Cancelled` or `TimedOut`. Other calls of the same client are not affected.
/// 6. If the connection ends during a call, that call ends soon with `Lost`, and the next one opens
///    another connection.
/// 7. Reports of progress reach the receiver of the call that they are about.
#[async_trait]
pub trait McpClient: fmt::Debug + Send + Sync + 'static {
    /// Makes a call.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]; [`ClientError::is_unknown`] says whether the tool may have run.
    async fn call(&self, call: ClientCall) -> Result<WireResult, ClientError>;

    /// Lists the tools.
    ///
    /// # Errors
    ///
    /// `Unavailable`, `Refused`, `TimedOut`, `Lost` or `Invalid`.
    async fn list_tools(&self) -> Result<Vec<WireTool>, ClientError>;

    /// Describes a tool; returns `None` if the server has none of this name.
    ///
    /// # Errors
    ///
    /// Those of [`list_tools`](Self::list_tools).
    async fn get_tool_info(&self, tool_name: &str) -> Result<Option<WireTool>, ClientError> {
        Ok(self.list_tools().await?.into_iter().find(|tool| tool.name == tool_name))
    }

    /// Calls a tool by its name, whatever its definition is.
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    async fn call_tool(
        &self,
        tool_name: &str,
        arguments: Map<String, Value>,
        timeout: Option<Duration>,
    ) -> Result<WireResult, ClientError> {
        self.call(ClientCall::new(tool_name, arguments).with_timeout(timeout)).await
    }
}
