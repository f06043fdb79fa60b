//! `az tools call`.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use az_core::approval::{Approval, Approver};
use az_core::content::describe;
use az_core::cost::Payer;
use az_core::engine::{Stop, StopReason};
use az_core::id::PayerId;
use az_core::policy::{Policy, PolicyDecision, access_check};
use az_core::text::plural;
use az_core::tool::{Invocation, PreparedCall, ToolOutput, ToolSpec};
use az_core::{CallId, Error, Task, Toolbox};
use az_mcp::McpToolResult;
use az_mcp::client::PREFIX;
use clap::Args;

use super::arguments;
use super::find::{find_tool, specs};
use crate::commands::workspace::workspace;
use crate::config::parse_duration;
use crate::error::CliError;
use crate::output::Live;
use crate::services::Services;
use crate::signal::stop_on_signals;

const EXAMPLES: &str = "\
Examples:
  az tools call filesystem.read '{\"path\": \"README.md\"}'
  az tools call filesystem.list path=src recursive=true
  az tools call process.list filter=cargo --yes --json

The call is made in the current directory, and the policy applies as to a task. At a terminal it
asks about a call that needs approval; elsewhere such a call is refused, unless --yes allows it.

Exit codes: 1 if the tool fails, 2 for invalid arguments, 66 for an unknown tool, 77 for a call
that is denied or not approved, 124 after --timeout, 130 after Ctrl-C.";

/// Call a tool in the current directory
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CallArgs {
    /// Name of the tool
    #[arg(value_name = "NAME", id = "tool")]
    tool: String,
    /// Arguments: a JSON object, name=value pairs, or `-` for JSON from standard input
    #[arg(value_name = "ARGUMENTS")]
    arguments: Vec<String>,
    /// Stop the call after this time, such as 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Make the call without asking; a protected file still needs a rule that names its path
    #[arg(long, short)]
    yes: bool,
}

/// Calls the tool and prints its output.
///
/// # Errors
///
/// `UnknownTool`, a usage error for invalid arguments, `ApprovalRequired` for a call that is not
/// approved, and `ToolFailed`.
pub(super) async fn run(args: &CallArgs, services: &Services) -> Result<ExitCode, CliError> {
    if args.tool.starts_with(PREFIX) {
        services.list_new_servers().await;
    }
    let specs = specs(services)?;
    let spec = find_tool(&specs, &args.tool)?;
    let tools = services.tools()?;
    let mut task = services.new_task(format!("call {}", spec.name), None)?;
    task.options.workspace = Some(workspace(None)?);
    if args.yes {
        task.options.allow.push(spec.name.clone());
    }
    let arguments = arguments::read(spec, &args.arguments)?;
    let mut call = Invocation::new(task.id.clone(), CallId::tool(0, 0), &spec.name, arguments)
        .with_timeout(args.timeout);
    call.workspace.clone_from(&task.options.workspace);
    if spec.category == "ai" {
        // Costs are booked in the store, to a payer of their own: there is no such task.
        services.store().await?;
        call = call.paid_by(Payer::other("az", PayerId::new("tools")?)?);
    }
    let stop = Stop::new();
    stop_on_signals(&stop, StopReason::Cancelled, services.printer())?;
    let (cancel, task) = (call.cancel.clone(), Arc::new(task));
    let mut prepared = tools.prepare(call)?;
    permit(&task, spec, &prepared, (&stop, services)).await?;
    if !prepared.accesses.is_empty() {
        let policy: Arc<dyn Policy> = services.policy()?;
        prepared.invocation.access = access_check(&policy, &task, spec, &prepared);
    }
    let started = Instant::now();
    let making = tools.invoke(prepared);
    tokio::pin!(making);
    let output = tokio::select! {
        output = &mut making => output,
        () = stop.requested() => {
            cancel.cancel();
            making.await
        }
    };
    let took = started.elapsed();
    end_background(&task, &*tools, services).await?;
    services.close_servers().await;
    report(spec, output?, (took, args.timeout, &stop), services)
}

/// Decides whether the call may be made, as for a task.
async fn permit(
    task: &Task,
    spec: &ToolSpec,
    call: &PreparedCall,
    (stop, services): (&Stop, &Services),
) -> Result<(), CliError> {
    let tool = spec.name.clone();
    let terms = match services.policy()?.evaluate(task, spec, call) {
        PolicyDecision::Allow => return Ok(()),
        PolicyDecision::Deny { reason } => return Err(CliError::ToolDenied { tool, reason }),
        PolicyDecision::Ask(terms) => terms,
    };
    let attended = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let live = attended.then(|| Live::start(services.printer(), None)).transpose()?.map(Arc::new);
    let approver = services.approver(live.clone())?;
    let answer = tokio::select! {
        answer = approver.ask(task, call, &terms) => answer?,
        () = stop.requested() => return Err(Error::Cancelled.into()),
    };
    if let Some(live) = live {
        live.finish();
    }
    match answer {
        Approval::Granted { .. } => Ok(()),
        Approval::Denied { .. } => {
            Err(CliError::ToolDenied { tool, reason: "it was not approved".to_owned() })
        }
        Approval::Unattended => Err(Error::ApprovalRequired { tool, reason: terms.reason }.into()),
    }
}

/// Ends what the call left running, and says so.
async fn end_background(
    task: &Task,
    tools: &dyn Toolbox,
    services: &Services,
) -> Result<(), CliError> {
    let ended = tools.end_background(&task.id).await?;
    if !ended.is_empty() {
        let ended = plural(ended.len(), "background process");
        services.printer().say(&format!("{ended} of the call ended with it"));
    }
    Ok(())
}

/// Prints the output, and returns the exit code.
fn report(
    spec: &ToolSpec,
    output: ToolOutput,
    (took, timeout, stop): (Duration, Option<Duration>, &Stop),
    services: &Services,
) -> Result<ExitCode, CliError> {
    let printer = services.printer();
    let ok = output.ok;
    let code = match (ok, stop.reason().is_some()) {
        (true, _) => 0,
        (false, true) => 130,
        (false, false) if output.unknown && timeout.is_some_and(|limit| took >= limit) => 124,
        (false, false) => 1,
    };
    if printer.is_json() {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        printer.json(&McpToolResult::from(output).with_metadata("duration_ms", millis))?;
        return Ok(ExitCode::from(code));
    }
    let text = describe(&output.content).into_owned();
    if !ok {
        return Err(CliError::ToolFailed { tool: spec.name.clone(), text, code });
    }
    printer.foreign(&text)?;
    Ok(ExitCode::SUCCESS)
}
