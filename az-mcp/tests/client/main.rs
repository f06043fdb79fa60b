//! The client of MCP servers, against programs that are servers.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is the right outcome"
)]

mod foreign_tools;
mod hostile;
mod kit;
mod questions;
mod support;
