//! Tools for agents: describing, writing, registering and calling them, and the built-in tools.
//!
//! | To decide | implement | bundled |
//! |---|---|---|
//! | what a tool does | [`tool::TypedTool`], or [`tool::Tool`] | [`builtin`] |
//! | how an interrupted call is recovered | [`tool::RecoverableTool`] | `filesystem.write`, `shell.execute` |
//! | which calls may be made | [`az_core::policy::Policy`] | [`policy::RulePolicy`] |
//! | which tools are available | [`az_core::Toolbox`] | [`registry::ToolRegistry`] |
//! | how commands are confined | [`sandbox::Sandbox`] | [`sandbox::Bwrap`], [`sandbox::Landlock`] |
//! | whose tools are called | `client::McpClient` (feature `client`) | `client::ServerClient` |
//! | which tools MCP clients get | [`az_core::Toolbox`] | `server::McpServer` (feature `server`) |
//!
//! A tool is written once, as typed Rust, and has three descriptions: [`schema::McpTool`] for
//! people, [`schema::WireTool`] for MCP peers, [`az_core::ToolSpec`] for the engine and for models.
//! Models accept fewer characters in names than MCP does;
//! `az_ai::provider::tool_names::ToolNames` translates the names.
//!
//! ```
//! use az_core::tool::{EffectClass, Invocation, ToolOutput};
//! use az_mcp::{ToolRegistry, TypedTool};
//!
//! /// Greets a person.
//! #[derive(Debug)]
//! struct Greet;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct GreetArgs {
//!     /// Name of the person
//!     name: String,
//! }
//!
//! impl TypedTool for Greet {
//!     type Args = GreetArgs;
//!     const NAME: &'static str = "people.greet";
//!     const DESCRIPTION: &'static str = "Greet a person";
//!     const CATEGORY: &'static str = "people";
//!     const RETURNS: &'static str = "string";
//!     const EFFECT: EffectClass = EffectClass::Read;
//!
//!     async fn call(&self, args: GreetArgs, _call: &Invocation) -> az_core::Result<ToolOutput> {
//!         Ok(ToolOutput::done(format!("Hello, {}!", args.name)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> az_core::Result<()> {
//! let mut tools = ToolRegistry::new();
//! tools.add(Greet)?;
//! let arguments = serde_json::json!({"name": "Ada"});
//! let result = tools.call_tool("people.greet", arguments, None).await;
//! assert_eq!(result.result, Some("Hello, Ada!".into()));
//! # Ok(())
//! # }
//! ```

pub mod schema;
pub mod tool;

mod check;
mod host;
pub mod registry;
pub mod sandbox;

pub mod builtin;
pub mod policy;
pub mod search;
pub mod secrets;

#[cfg(feature = "client")]
pub mod client;

#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "testing")]
pub mod testing;

pub use registry::ToolRegistry;
pub use schema::{McpTool, McpToolResult, ToolArgument};
pub use tool::{RecoverableTool, Tool, TypedTool};
