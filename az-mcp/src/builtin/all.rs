//! A registry with the built-in tools.

use std::path::PathBuf;
use std::sync::Arc;

use az_core::Result;

use super::filesystem::{EditTool, GlobTool, ListTool, ReadTool, Roots, SearchTool, WriteTool};
use super::output::{OutputFiles, OutputReadTool};
use super::person::AskTool;
use super::process::ProcessListTool;
use super::shell::{ShellOptions, ShellTool};
use super::todo::TodoSetTool;
use crate::registry::ToolRegistry;

/// Returns a registry with `filesystem.list`, `filesystem.read`, `filesystem.write`,
/// `filesystem.edit`, `filesystem.search`, `filesystem.glob`, `shell.execute`, `process.list`, `output.read`,
/// `todo.set` and `person.ask`.
///
/// # Errors
///
/// Those of [`ToolRegistry::register`]; the built-in tools cause none.
pub fn builtin_tools(shell: ShellOptions) -> Result<ToolRegistry> {
    let home = shell.env.get("HOME").map(PathBuf::from).or_else(std::env::home_dir);
    let roots = Arc::new(Roots::new(home).with_secrets(shell.secrets.clone()));
    let mut tools = ToolRegistry::new();
    tools.add(ListTool::new(Arc::clone(&roots)))?;
    tools.add(ReadTool::new(Arc::clone(&roots)))?;
    tools.add_recoverable(WriteTool::new(Arc::clone(&roots)))?;
    tools.add_recoverable(EditTool::new(Arc::clone(&roots)))?;
    tools.add(SearchTool::new(Arc::clone(&roots)))?;
    tools.add(GlobTool::new(roots))?;
    let files = OutputFiles::new(shell.output_dir.clone());
    tools.add_recoverable(ShellTool::new(shell))?;
    tools.add(ProcessListTool)?;
    tools.add(OutputReadTool::new(files))?;
    tools.add(TodoSetTool)?;
    tools.register(Arc::new(AskTool::default()))?;
    Ok(tools)
}
