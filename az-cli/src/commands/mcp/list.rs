//! `az mcp list`.

use std::process::ExitCode;

use clap::Args;

use crate::error::CliError;
use crate::output::{FormatArgs, mcp_servers_table};
use crate::services::Services;
use crate::views::McpServerView;

const EXAMPLES: &str = "\
Examples:
  az mcp list
  az mcp list --format json

No server is started: the tools are those that were approved last.";

/// List the servers
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
}

/// Lists the servers of the configuration.
///
/// # Errors
///
/// When the output cannot be written.
pub(super) fn run(args: &ListArgs, services: &Services) -> Result<ExitCode, CliError> {
    let servers = services.servers();
    let views = servers.all().iter().map(|server| {
        let listing = servers.approved(server);
        McpServerView::new(
            (&server.name, server.in_words()),
            server.section.enabled,
            listing.as_ref(),
        )
    });
    let views: Vec<_> = views.collect();
    let printer = services.printer();
    mcp_servers_table(&views).print(&views, args.format.choose(printer), printer)?;
    Ok(ExitCode::SUCCESS)
}
