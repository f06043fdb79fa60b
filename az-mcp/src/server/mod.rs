//! The MCP server: offers the tools of a toolbox to MCP clients, in all versions of the protocol.
//!
//! ```no_run
//! # async fn serve(tools: az_mcp::ToolRegistry) -> az_core::Result<()> {
//! use std::sync::Arc;
//!
//! use az_core::CancellationToken;
//! use az_mcp::server::McpServer;
//!
//! McpServer::new(Arc::new(tools)).serve_stdio(CancellationToken::new()).await
//! # }
//! ```
//!
//! A client can call every tool: no policy applies. To limit the calls, serve a
//! toolbox whose [`prepare`](az_core::Toolbox::prepare) or [`invoke`](az_core::Toolbox::invoke) refuses
//! what is not allowed.

mod call;
mod handler;
mod listing;
mod options;
mod progress;
mod stdio;
mod tasks;

#[cfg(feature = "server-http")]
mod http;
#[cfg(feature = "server-http")]
mod token;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use az_core::Toolbox;
use tokio::sync::Semaphore;

#[cfg(feature = "server-http")]
pub use http::{HttpLimits, HttpServer};
pub use options::{CallerOptions, ServeOptions};
pub use tasks::{ServeTasks, ServedTask, TASK_TOOLS, TaskRequest, task_tools};

/// Offers the tools of a toolbox to MCP clients. A clone shares the toolbox and the limit of concurrent
/// calls.
///
/// Tools that ask a person a question are not offered, and a call that asks one is refused.
#[derive(Debug, Clone)]
pub struct McpServer {
    toolbox: Arc<dyn Toolbox>,
    options: Arc<ServeOptions>,
    /// One permit for each call that may run.
    slots: Arc<Semaphore>,
    /// The number of calls so far.
    calls: Arc<AtomicUsize>,
}

impl McpServer {
    /// Creates a server with the default options.
    pub fn new(toolbox: Arc<dyn Toolbox>) -> Self {
        Self::with_options(toolbox, ServeOptions::default())
    }

    /// Creates a server.
    pub fn with_options(toolbox: Arc<dyn Toolbox>, options: ServeOptions) -> Self {
        let slots = Arc::new(Semaphore::new(options.max_calls.get()));
        Self { toolbox, options: Arc::new(options), slots, calls: Arc::default() }
    }
}
