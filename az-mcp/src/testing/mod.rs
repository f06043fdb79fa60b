//! The conformance kits of this crate's contracts, for implementations of one's own, and an MCP server for
//! tests.

pub mod sandbox;
pub mod server;

#[cfg(feature = "client")]
pub mod client;

#[cfg(feature = "client")]
pub use client::client;
pub use sandbox::sandbox;
