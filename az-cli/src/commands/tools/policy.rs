//! `az tools policy check`.

use std::path::PathBuf;
use std::process::ExitCode;

use az_core::CallId;
use az_core::tool::Invocation;
use clap::{Args, Subcommand};

use super::arguments;
use super::find::{find_tool, specs};
use crate::commands::task::rules_of;
use crate::commands::workspace::workspace;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, csv, verdict_in_words};
use crate::services::Services;
use crate::views::VerdictView;

const EXAMPLES: &str = "\
Examples:
  az tools policy check shell.execute '{\"command\": \"git push\"}'
  az tools policy check filesystem.write path=.git/hooks/pre-commit content=x
  az tools policy check shell.execute command='cargo test' --allow 'shell.execute(cargo test *)'";

/// Show what the policy decides.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum PolicyCommand {
    /// Show whether a call would be made, and which rule says so
    Check(CheckArgs),
}

/// Show whether a call would be made, and which rule says so
///
/// The call is not made. Its arguments are checked, and are those that `az tools call` takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Name of the tool
    #[arg(value_name = "NAME", id = "tool")]
    tool: String,
    /// Arguments: a JSON object, name=value pairs, or `-` for JSON from standard input
    #[arg(value_name = "ARGUMENTS")]
    arguments: Vec<String>,
    /// As for a task with this option
    #[arg(long, value_name = "RULES")]
    allow: Vec<String>,
    /// As for a task with this option
    #[arg(long, value_name = "RULES")]
    deny: Vec<String>,
    /// As for a task in this directory [default: the current one]
    #[arg(long, short = 'C', value_name = "DIR")]
    workspace: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the decision.
///
/// # Errors
///
/// `UnknownTool`, and a usage error for invalid arguments or rules.
pub(super) fn run(command: &PolicyCommand, services: &Services) -> Result<ExitCode, CliError> {
    let PolicyCommand::Check(args) = command;
    let specs = specs(services)?;
    let spec = find_tool(&specs, &args.tool)?;
    let (allow, deny) = rules_of(&args.allow, &args.deny, services)?;
    let mut task = services.new_task(format!("call {}", spec.name), None)?;
    task.options = task.options.with_allow(allow).with_deny(deny);
    task.options.workspace = Some(workspace(args.workspace.as_deref())?);
    let arguments = arguments::read(spec, &args.arguments)?;
    let mut call = Invocation::new(task.id.clone(), CallId::tool(0, 0), &spec.name, arguments);
    call.workspace.clone_from(&task.options.workspace);
    let call = services.tools()?.prepare(call)?;
    let view = VerdictView::new(&spec.name, &services.policy()?.explain(&task, spec, &call));
    let printer = services.printer();
    match args.format.choose(printer) {
        Format::Json => printer.json(&view)?,
        Format::Csv => printer.out(&csv([&view])?)?,
        Format::Table => printer.out(&verdict_in_words(&view, printer.out_style()))?,
    }
    Ok(ExitCode::SUCCESS)
}
