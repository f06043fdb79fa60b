//! `az mcp serve`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use az_core::cost::Payer;
use az_core::engine::{Stop, StopReason};
use az_core::id::PayerId;
use az_core::policy::Policy;
use az_core::store::StoreAccess;
use az_core::task::TaskOptions;
use az_mcp::server::{CallerOptions, McpServer, ServeOptions};
use clap::Args;

use crate::commands::config::Context;
use crate::commands::task::rules_of;
use crate::commands::workspace::workspace;
use crate::config::parse_duration;
use crate::error::CliError;
use crate::mcp_server::{ServeLimits, ServedTools};
use crate::services::Services;
use crate::signal::stop_on_signals;

const EXAMPLES: &str = "\
Examples:
  az mcp serve
  az mcp serve --tools filesystem.read,filesystem.list --workspace ~/notes
  az mcp serve --allow 'shell.execute(git *)'

Other programs start it: their configuration has the command `az mcp serve`. It reads messages of
the Model Context Protocol from standard input, writes them to standard output, and ends with its
input.

The policy of your configuration applies to each call. A call that it would ask about is refused,
since no one can be asked. shell.execute is offered only if --allow has a rule about it.

Exit codes: 2 for invalid options, 73 if the database cannot be opened, 78 for an invalid
configuration.";

/// Offer the tools of az to MCP clients
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// Offer only these tools, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "TOOLS")]
    tools: Option<Vec<String>>,
    /// Make these calls without approval: tools, or TOOL(PATTERN), separated by commas
    #[arg(long, value_name = "RULES")]
    allow: Vec<String>,
    /// Never make these calls: tools, or TOOL(PATTERN), separated by commas
    #[arg(long, value_name = "RULES")]
    deny: Vec<String>,
    /// Let the tools work in this directory [default: the current one]
    #[arg(long, short = 'C', value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Stop a call after this time, such as 90s or 10m [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
}

/// Serves until the client goes, or a signal comes.
///
/// # Errors
///
/// A usage error for options that cannot be read, and the store's.
pub(super) async fn run(args: &ServeArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let services = context.services()?.with_stored_settings(StoreAccess::ReadWrite).await?;
    let limits = limits(args, &services)?;
    // The calls are recorded in its log, and their costs in its ledger.
    services.store().await?;
    let stop = Stop::new();
    stop_on_signals(&stop, StopReason::Shutdown, services.printer())?;
    if std::io::stdin().is_terminal() {
        let what = "this is a server that other programs start, and the terminal is no MCP client";
        services.printer().say(&format!("{what}; Ctrl-D ends it"));
    }
    let server = server(args, limits, &services)?;
    let served = server.serve_stdio(stop.token()).await;
    services.close_servers().await;
    served?;
    Ok(ExitCode::SUCCESS)
}

fn limits(args: &ServeArgs, services: &Services) -> Result<ServeLimits, CliError> {
    services.check_tools(args.tools.iter().flatten())?;
    let (allow, deny) = rules_of(&args.allow, &args.deny, services)?;
    let mut options = TaskOptions::default().with_allow(allow).with_deny(deny);
    options.tools.clone_from(&args.tools);
    options.workspace = Some(workspace(args.workspace.as_deref())?);
    Ok(ServeLimits { options })
}

fn server(
    args: &ServeArgs,
    limits: ServeLimits,
    services: &Services,
) -> Result<McpServer, CliError> {
    let task = services.new_task("serve the tools of az to MCP clients", None)?;
    let payer = Payer::other("mcp", PayerId::new("stdio")?)?;
    let mut caller = CallerOptions::new(task.id.clone()).paid_by(payer);
    caller.workspace.clone_from(&limits.options.workspace);
    let mut options = ServeOptions::default().with_caller(caller);
    options.timeout = args.timeout.or(options.timeout);
    let policy: Arc<dyn Policy> = services.policy()?;
    let tools = ServedTools::new(services.tools()?, policy, task, limits);
    Ok(McpServer::with_options(Arc::new(tools), options))
}
