//! `az tools info`.

use std::process::ExitCode;

use az_core::Toolbox;
use az_core::policy::{Policy, PolicyDecision};
use az_core::tool::{Invocation, ToolSpec};
use az_mcp::ToolRegistry;
use clap::Args;
use serde_json::{Value, json};

use super::find::{find_tools, specs};
use crate::commands::workspace::workspace;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, csv, tool_in_words};
use crate::services::Services;
use crate::views::ToolView;

const EXAMPLES: &str = "\
Examples:
  az tools info --name filesystem
  az tools info shell.execute
  az tools info filesystem.write --schema";

/// Show a tool, or all tools of a category or a server
///
/// Shows what it does, its arguments and defaults, an example call, what it changes, and whether a call
/// needs approval.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InfoArgs {
    /// Name of a tool, a category or a server
    #[arg(value_name = "NAME", id = "tool", required_unless_present = "name")]
    tool: Option<String>,
    /// The same, as an option
    #[arg(long, value_name = "NAME", conflicts_with = "tool")]
    name: Option<String>,
    /// Print the JSON Schemas of the arguments and of the result
    #[arg(long, conflicts_with = "format")]
    schema: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the tools.
///
/// # Errors
///
/// `UnknownTool` for a name that no tool, category or server has.
pub(super) fn run(args: &InfoArgs, services: &Services) -> Result<ExitCode, CliError> {
    let specs = specs(services)?;
    let name = args.tool.as_deref().or(args.name.as_deref()).unwrap_or_default();
    let found = find_tools(&specs, name)?;
    let printer = services.printer();
    if args.schema {
        let schemas = found.iter().map(|spec| schemas(spec));
        printer.json(&match found.as_slice() {
            [one] => schemas_of(one),
            _ => schemas.collect(),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let views = found.iter().map(|spec| view(spec, services)).collect::<Result<Vec<_>, _>>()?;
    match args.format.choose(printer) {
        Format::Json => printer.json(&views)?,
        Format::Csv => printer.out(&csv(views.iter().map(|view| &view.summary))?)?,
        Format::Table => {
            let style = printer.out_style();
            let texts: Vec<_> = views.iter().map(|view| tool_in_words(view, style)).collect();
            printer.out(&texts.join("\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the schemas of a tool with its name.
fn schemas(spec: &ToolSpec) -> Value {
    let mut schemas = schemas_of(spec);
    if let Value::Object(fields) = &mut schemas {
        fields.insert("name".to_owned(), spec.name.as_str().into());
    }
    schemas
}

fn schemas_of(spec: &ToolSpec) -> Value {
    json!({"inputSchema": &*spec.input_schema, "outputSchema": spec.output_schema.as_deref()})
}

fn view(spec: &ToolSpec, services: &Services) -> Result<ToolView, CliError> {
    let registry = services.toolbox()?;
    let tool = registry.tool_info(&spec.name);
    let example = registry.example(&spec.name);
    let policy = example.as_ref().map(|example| policy(spec, example, &registry, services));
    let policy = policy.transpose()?.flatten();
    Ok(ToolView::new(spec, tool, example).with_policy(policy))
}

/// Returns what the policy says about the example call, in words; `None` if it cannot be prepared.
fn policy(
    spec: &ToolSpec,
    example: &Value,
    registry: &ToolRegistry,
    services: &Services,
) -> Result<Option<String>, CliError> {
    let mut task = services.new_task(format!("call {}", spec.name), None)?;
    task.options.workspace = Some(workspace(None)?);
    let mut call = Invocation::bare(&spec.name, example.clone())?;
    call.workspace.clone_from(&task.options.workspace);
    let Ok(call) = registry.prepare(call) else { return Ok(None) };
    Ok(Some(match services.policy()?.evaluate(&task, spec, &call) {
        PolicyDecision::Allow => "allowed".to_owned(),
        PolicyDecision::Ask(terms) => format!("asks: {}", terms.reason),
        PolicyDecision::Deny { reason } => format!("denied: {reason}"),
    }))
}
