//! The client of MCP servers: programs of other people whose tools become tools of ours.
//!
//! [`McpClient`] is the contract. [`ServerClient`] implements it over stdio and streamable HTTP, for
//! servers of all versions of the protocol. [`ForeignTool`] is a tool of a server in a
//! [`ToolRegistry`](crate::ToolRegistry).
//!
//! What a server says is not trusted: its definitions are pinned by their digests, its annotations do
//! not count, its texts are stripped of what a person would not see, and everything is limited in size
//! and time.

mod connection;
mod contract;
mod definition;
mod error;
mod handler;
mod limits;
mod listing;
mod names;
mod options;
mod process;
mod question;
mod reader;
mod request;
mod resources;
mod result;
mod server;
mod shown;
mod start;
mod suspicious;
mod tool;

#[cfg(feature = "client-http")]
mod http;
#[cfg(not(feature = "client-http"))]
#[path = "no_http.rs"]
mod http;

pub use contract::{ClientCall, McpClient};
pub use definition::{Change, changes, digest_of};
pub use error::ClientError;
pub use http::HttpClient;
pub use limits::Limits;
pub use listing::{LeftOut, Listing, ServerIdentity};
pub use names::{PREFIX, model_names};
pub use options::{Era, HttpServer, ServerCommand, ServerOptions, ServerTransport};
pub use question::{Answerer, ServerAnswer, ServerQuestion};
pub use resources::{Prompt, PromptArgument, PromptMessage, Resource, ResourceText};
pub use server::ServerClient;
pub use shown::without_hidden;
pub use suspicious::suspicions;
pub use tool::ForeignTool;
