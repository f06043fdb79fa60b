//! `az mcp`: the MCP servers whose tools tasks have, and the server that offers tools of `az`.

mod add;
mod import;
mod list;
mod prompts;
mod remove;
mod resources;
mod review;
mod serve;
mod stored;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

use super::config::Context;
use crate::error::CliError;
use crate::mcp_servers::ConfiguredServer;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az mcp add time -- uvx mcp-server-time
  az mcp list
  az mcp test time
  az tools list --server time
  az mcp serve --workspace ~/notes";

/// Use the tools of MCP servers, or offer tools as one
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum McpCommand {
    /// Add a server, start it, and list its tools
    Add(add::AddArgs),
    /// List the servers
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    /// Remove a server
    Remove(remove::RemoveArgs),
    /// Start a server, show its tools and how they have changed, and approve them
    Test(test::TestArgs),
    /// Add the servers of a file of another program, to be approved one by one
    Import(import::ImportArgs),
    /// List the resources of a server, or read one
    Resources(resources::ResourcesArgs),
    /// List the prompts of a server, or show one
    Prompts(prompts::PromptsArgs),
    /// Offer the tools of az to MCP clients
    Serve(serve::ServeArgs),
}

impl McpCommand {
    /// Whether it serves one client: one thread answers it sooner than several.
    pub(crate) const fn serves_one(&self) -> bool {
        matches!(self, Self::Serve(args) if args.is_for_one())
    }
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub(crate) async fn run(command: &McpCommand, context: &Context<'_>) -> Result<ExitCode, CliError> {
    match command {
        McpCommand::Add(args) => add::run(args, context).await,
        McpCommand::List(args) => list::run(args, &context.services()?),
        McpCommand::Remove(args) => remove::run(args, context),
        McpCommand::Test(args) => test::run(args, context).await,
        McpCommand::Import(args) => import::run(args, context),
        McpCommand::Resources(args) => resources::run(args, &context.services()?).await,
        McpCommand::Prompts(args) => prompts::run(args, &context.services()?).await,
        McpCommand::Serve(args) => serve::run(args, context).await,
    }
}

/// Parses the name of a server: names are in lower case, as keys of the configuration are.
#[expect(clippy::unnecessary_wraps, reason = "clap takes parsers that may fail")]
fn lower_case(name: &str) -> Result<String, std::convert::Infallible> {
    Ok(name.to_ascii_lowercase())
}

/// Returns a server that is used.
///
/// # Errors
///
/// `UnknownServer`, and a usage error for one that was not approved.
fn used_server<'s>(services: &'s Services, name: &str) -> Result<&'s ConfiguredServer, CliError> {
    let server = services.server(name)?;
    match server.section.enabled {
        true => Ok(server),
        false => Err(CliError::Usage(format!(
            "the MCP server {name} is not used; `az mcp test {name}` shows what it runs and approves it"
        ))),
    }
}
