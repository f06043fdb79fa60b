//! Why a request to a server failed.

use std::time::Duration;

/// Why a request to a server failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server could not be started or reached. The request was not sent.
    #[error("the MCP server {server} cannot be used: {reason}")]
    Unavailable {
        /// The server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server has no tool of this name. The call was not sent.
    #[error("the MCP server {server} has no tool {tool:?}")]
    NoSuchTool {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
    /// The definition of the tool is not the one that the call is for. The call was not sent.
    #[error(
        "the tool {tool:?} of the MCP server {server} changed since it was approved: \
         `az mcp test {server}` shows the change and approves it"
    )]
    Changed {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
    /// The server answered with an error of the protocol.
    #[error("the MCP server {server} refused the request: {message} (code {code})")]
    Refused {
        /// The server.
        server: String,
        /// The code of JSON-RPC.
        code: i32,
        /// The server's message.
        message: String,
    },
    /// There was no answer within the time limit. The server was told that the request is cancelled.
    #[error("the MCP server {server} did not answer within {} s", limit.as_secs_f64())]
    TimedOut {
        /// The server.
        server: String,
        /// The limit.
        limit: Duration,
    },
    /// The request was cancelled. The server was told.
    #[error("the request to the MCP server {server} was cancelled")]
    Cancelled {
        /// The server.
        server: String,
    },
    /// The connection ended before the answer.
    #[error("the connection to the MCP server {server} ended before its answer: {reason}")]
    Lost {
        /// The server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The answer is none that the protocol allows.
    #[error("the answer of the MCP server {server} is invalid: {reason}")]
    Invalid {
        /// The server.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// Whether the server may have done what it was asked for. A request that it says was not valid was not.
    pub const fn is_unknown(&self) -> bool {
        match self {
            Self::TimedOut { .. }
            | Self::Cancelled { .. }
            | Self::Lost { .. }
            | Self::Invalid { .. } => true,
            // Not JSON, no request, no such method, invalid parameters; and the range that the protocol reserves.
            Self::Refused { code, .. } => {
                !matches!(code, -32_700 | -32_602..=-32_600 | -32_099..=-32_020)
            }
            Self::Unavailable { .. } | Self::NoSuchTool { .. } | Self::Changed { .. } => false,
        }
    }
}
