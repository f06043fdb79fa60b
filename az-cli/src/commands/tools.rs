//! `az tools`: show and call the tools of tasks.

mod arguments;
mod call;
mod find;
mod info;
mod list;
mod policy;
mod usage;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az tools list --category ai
  az tools info --name filesystem
  az tools call filesystem.read path=README.md
  az tools policy check shell.execute command='git push'";

/// Show and call the tools that tasks have.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum ToolsCommand {
    /// List the tools
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    /// Show a tool, or all tools of a category or a server: arguments, effect and policy
    Info(info::InfoArgs),
    /// Call a tool in the current directory
    Call(call::CallArgs),
    /// Show what the policy decides about calls
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Show how often tools were called, how often they failed, and how long they took
    Usage(usage::UsageArgs),
}

impl ToolsCommand {
    /// Whether the command only looks something up.
    pub const fn is_short(&self) -> bool {
        match self {
            Self::List(_) | Self::Info(_) | Self::Policy(_) | Self::Usage(_) => true,
            Self::Call(_) => false,
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub async fn run(command: &ToolsCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        ToolsCommand::List(args) => list::run(args, services),
        ToolsCommand::Info(args) => info::run(args, services),
        ToolsCommand::Call(args) => call::run(args, services).await,
        ToolsCommand::Policy(command) => policy::run(command, services),
        ToolsCommand::Usage(args) => usage::run(args, services).await,
    }
}
