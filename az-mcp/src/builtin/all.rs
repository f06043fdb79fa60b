//! The built-in tools, registered.

use std::sync::Arc;

use az_core::Result;

use super::filesystem::{ListTool, ReadTool, Roots, WriteTool};
use super::shell::{ShellOptions, ShellTool};
use crate::registry::ToolRegistry;

/// Returns a registry of the built-in tools that need nothing but the machine: `filesystem.list`,
/// `filesystem.read`, `filesystem.write` and `shell.execute`.
///
/// # Errors
///
/// None in practice; they are registered like any other.
pub fn builtin_tools(shell: ShellOptions) -> Result<ToolRegistry> {
    let roots = Arc::new(Roots::default());
    let mut tools = ToolRegistry::new();
    tools.add(ListTool::new(Arc::clone(&roots)))?;
    tools.add(ReadTool::new(Arc::clone(&roots)))?;
    tools.add_recoverable(WriteTool::new(roots))?;
    tools.add_recoverable(ShellTool::new(shell))?;
    Ok(tools)
}
