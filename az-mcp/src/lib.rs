//! Tools for agents: how they are described, written, registered and called, and the built-in
//! ones.
//!
//! | To decide | implement | bundled |
//! |---|---|---|
//! | what a tool does | [`tool::TypedTool`], or [`tool::Tool`] | [`builtin`] |
//! | what a call that was interrupted left behind | [`tool::RecoverableTool`] | `filesystem.write`, `shell.execute` |
//! | which tools there are | [`az_core::Toolbox`] | [`registry::ToolRegistry`] |
//!
//! A tool is written once, as typed Rust, and seen three ways: as [`schema::McpTool`] by people, as
//! [`schema::WireTool`] by MCP peers, as [`az_core::ToolSpec`] by the engine and by models. Models
//! accept fewer names than MCP does; [`az_ai::provider::tool_names::ToolNames`] translates.
//!
//! ```
//! use az_core::tool::{EffectClass, Invocation, ToolOutput};
//! use az_mcp::{ToolRegistry, TypedTool};
//!
//! /// Says hello.
//! #[derive(Debug)]
//! struct Greet;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Whom {
//!     /// Who is greeted
//!     name: String,
//! }
//!
//! impl TypedTool for Greet {
//!     type Args = Whom;
//!     const NAME: &'static str = "people.greet";
//!     const DESCRIPTION: &'static str = "Greet a person";
//!     const CATEGORY: &'static str = "people";
//!     const RETURNS: &'static str = "string";
//!     const EFFECT: EffectClass = EffectClass::Read;
//!
//!     async fn call(&self, args: Whom, _call: &Invocation) -> az_core::Result<ToolOutput> {
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
pub mod registry;

pub mod builtin;

pub use registry::ToolRegistry;
pub use schema::{McpTool, McpToolResult, ToolArgument};
pub use tool::{RecoverableTool, Tool, TypedTool};
