//! Descriptions of tools and results: for people, for MCP, and as JSON Schema.

mod argument;
mod convert;
mod derive;
mod result;
mod tool;
mod wire;

pub use argument::{ArgumentType, ToolArgument};
pub use convert::annotations;
pub use derive::{argument_order, input_schema, output_schema};
pub use result::McpToolResult;
pub use tool::McpTool;
pub use wire::{Content, WireResult, WireTool};
