//! `az mcp serve`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use az_core::Usd;
use az_core::blocking;
use az_core::cost::Payer;
use az_core::engine::{Stop, StopReason};
use az_core::id::PayerId;
use az_core::policy::Policy;
use az_core::store::StoreAccess;
use az_core::task::TaskOptions;
use az_mcp::server::{
    CallerOptions, HttpServer, McpServer, ServeOptions, ServeTasks, TASK_TOOLS, task_tools,
};
use clap::Args;
use tokio::net::TcpListener;

use crate::commands::config::Context;
use crate::commands::task::rules_of;
use crate::commands::workspace::workspace;
use crate::config::parse_duration;
use crate::error::CliError;
use crate::mcp_server::{QueuedTasks, ServeLimits, ServedTools, read_or_create_token};
use crate::services::Services;
use crate::signal::stop_on_signals;

const EXAMPLES: &str = "\
Examples:
  az mcp serve
  az mcp serve --tools filesystem.read,filesystem.list --workspace ~/notes
  az mcp serve --allow 'shell.execute(git *)'
  az mcp serve --http 127.0.0.1:8730

Other programs start it: their configuration has the command `az mcp serve`. It reads messages of
the Model Context Protocol from standard input, writes them to standard output, and ends with its
input.

The policy of your configuration applies to each call. A call that it would ask about is refused,
since no one can be asked. shell.execute is offered only if --allow has a rule about it.

A client can hand over tasks, which have no more than the tools, rules and workspace of the server.

With --http, clients send their requests to the address, at the path /mcp, with the header
`Authorization: Bearer TOKEN`. The token is made at the first start, in a file that only you can
read.

Exit codes: 2 for invalid options, 69 if the address cannot be listened at, 73 if the database
cannot be opened, 78 for an invalid configuration or token.";

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
    /// Let a task of a client spend at most this, in dollars
    #[arg(long, value_name = "USD", default_value = "1", value_parser = positive)]
    budget: Usd,
    /// Serve clients over streamable HTTP at this address, such as 127.0.0.1:8730
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    /// Read the token of clients from this file [default: keys/mcp-serve.token beside the
    /// configuration of the user]
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    /// Accept requests that name this host, too, such as that of a reverse proxy
    #[arg(long, value_name = "NAME", requires = "http")]
    host: Vec<String>,
}

impl ServeArgs {
    /// Whether it serves the client at its standard input.
    pub(super) const fn is_for_one(&self) -> bool {
        self.http.is_none()
    }
}

/// Serves until the client goes, or a signal comes.
///
/// # Errors
///
/// A usage error for options that cannot be read, and the store's.
pub(super) async fn run(args: &ServeArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let services = context.services()?.with_stored_settings(StoreAccess::ReadWrite).await?;
    let services = Arc::new(services);
    let limits = limits(args, &services)?;
    let tasks = QueuedTasks::new(Arc::clone(&services), limits.clone(), args.budget);
    let tasks = Arc::new(tasks);
    let clients = Clients { args, limits, tasks: &tasks, services: &services };
    // The calls are recorded in its log, and their costs in its ledger.
    services.store().await?;
    let stop = Stop::new();
    stop_on_signals(&stop, StopReason::Shutdown, services.printer())?;
    let served = match args.http {
        None => serve_stdio(clients, &stop).await,
        Some(address) => serve_http(address, clients, &stop).await,
    };
    tasks.close().await;
    services.close_servers().await;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// What the servers of clients are made from.
struct Clients<'a> {
    args: &'a ServeArgs,
    limits: ServeLimits,
    tasks: &'a Arc<QueuedTasks>,
    services: &'a Services,
}

async fn serve_stdio(clients: Clients<'_>, stop: &Stop) -> Result<(), CliError> {
    if std::io::stdin().is_terminal() {
        let what = "this is a server that other programs start, and the terminal is no MCP client";
        clients.services.printer().say(&format!("{what}; Ctrl-D ends it"));
    }
    let server = clients.server("stdio")?;
    Ok(server.serve_stdio(stop.token()).await?)
}

async fn serve_http(
    address: SocketAddr,
    clients: Clients<'_>,
    stop: &Stop,
) -> Result<(), CliError> {
    let Clients { args, services, .. } = clients;
    let path = token_file(args, services)?;
    let file = path.clone();
    let token = blocking::run(move || read_or_create_token(&file)).await??;
    let server = clients.server("http")?;
    let listen = |source| CliError::Listen { address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    let shown = path.display();
    services.printer().say(&format!("serving at http://{bound}/mcp; the token is in {shown}"));
    if !bound.ip().is_loopback() {
        let advice = "put a proxy with TLS before it";
        services.printer().say(&format!("others can read what is sent over the network; {advice}"));
    }
    let mut http = HttpServer::new().with_client(&token, server);
    if !bound.ip().is_unspecified() {
        http = http.with_host(bound.ip().to_string());
    }
    let http = args.host.iter().fold(http, HttpServer::with_host);
    Ok(http.serve(listener, stop.token()).await?)
}

/// Returns the path of the file with the token.
fn token_file(args: &ServeArgs, services: &Services) -> Result<PathBuf, CliError> {
    if let Some(file) = &args.token_file {
        return Ok(file.clone());
    }
    let user = services.settings().layers.files().user.as_deref().and_then(Path::parent);
    let none = || CliError::Usage("there is no home directory; name a --token-file".to_owned());
    Ok(user.ok_or_else(none)?.join("keys/mcp-serve.token"))
}

fn limits(args: &ServeArgs, services: &Services) -> Result<ServeLimits, CliError> {
    let is_of_az = |name: &&String| !TASK_TOOLS.contains(&name.as_str());
    services.check_tools(args.tools.iter().flatten().filter(is_of_az))?;
    let (allow, deny) = rules_of(&args.allow, &args.deny, services)?;
    let mut options = TaskOptions::default().with_allow(allow).with_deny(deny);
    options.tools.clone_from(&args.tools);
    options.workspace = Some(workspace(args.workspace.as_deref())?);
    Ok(ServeLimits { options })
}

fn positive(text: &str) -> Result<Usd, String> {
    let amount = text.parse::<Usd>().ok().filter(|amount| *amount > Usd::ZERO);
    amount.ok_or_else(|| "must be an amount of dollars greater than 0, such as 0.50".to_owned())
}

impl Clients<'_> {
    /// Returns the server of a client, whose costs are booked to this name.
    fn server(&self, client: &str) -> Result<McpServer, CliError> {
        let services = self.services;
        let task = services.new_task("serve the tools of az to MCP clients", None)?;
        let payer = Payer::other("mcp", PayerId::new(client)?)?;
        let mut caller = CallerOptions::new(task.id.clone()).paid_by(payer);
        caller.workspace.clone_from(&self.limits.options.workspace);
        let mut options = ServeOptions::default().with_caller(caller);
        options.timeout = self.args.timeout.or(options.timeout);
        let policy: Arc<dyn Policy> = services.policy()?;
        let tasks: Arc<dyn ServeTasks> = Arc::<QueuedTasks>::clone(self.tasks);
        let tools = ServedTools::new(services.tools()?, policy, task, self.limits.clone())
            .with_tasks(task_tools(&tasks)?);
        Ok(McpServer::with_options(Arc::new(tools), options))
    }
}
