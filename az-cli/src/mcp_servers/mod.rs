//! The MCP servers of the configuration: their clients, and which of their tools were approved.

mod approved;
mod configured;
mod listed;
mod questions;
mod variables;

pub(crate) use approved::{Approvals, ApprovedTools};
pub(crate) use configured::ConfiguredServer;
pub(crate) use listed::McpServers;
