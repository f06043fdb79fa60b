//! The MCP server, by the messages that a client sends and gets.

#![cfg(feature = "server")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test is the right outcome"
)]

mod calls;
#[cfg(feature = "server-http")]
mod http;
mod lists;
mod support;
mod versions;
