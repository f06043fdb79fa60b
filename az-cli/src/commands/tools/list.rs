//! `az tools list`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use az_ai::resolver::near;
use clap::Args;

use super::find::{is_named, summaries};
use crate::error::CliError;
use crate::models::did_you_mean;
use crate::output::{FormatArgs, tools_table};
use crate::services::Services;
use crate::views::ToolSummaryView;

const EXAMPLES: &str = "\
Examples:
  az tools list
  az tools list --category filesystem
  az tools list --server builtin --format json

Under EFFECT is what may be done about an interrupted call: `read` and `idempotent` ones are made
again, `probe` ones are looked up, `unsafe` ones are never repeated.";

/// List the tools
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// List only tools of this category
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
    /// List only tools of this server; those of az itself are of `builtin`
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Lists the tools.
///
/// # Errors
///
/// A usage error for a category or a server without tools.
pub(super) fn run(args: &ListArgs, services: &Services) -> Result<ExitCode, CliError> {
    let mut rows = summaries(services)?;
    let category = |row: &ToolSummaryView| row.category.clone();
    rows = only(rows, "--category", args.category.as_deref(), category)?;
    let server = |row: &ToolSummaryView| row.server.clone();
    rows = only(rows, "--server", args.server.as_deref(), server)?;
    let printer = services.printer();
    tools_table(&rows).print(&rows, args.format.choose(printer), printer)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the rows with a value in a column.
fn only(
    mut rows: Vec<ToolSummaryView>,
    option: &str,
    wanted: Option<&str>,
    column: impl Fn(&ToolSummaryView) -> String,
) -> Result<Vec<ToolSummaryView>, CliError> {
    let Some(wanted) = wanted else { return Ok(rows) };
    let known: BTreeSet<String> = rows.iter().map(&column).collect();
    rows.retain(|row| is_named(&column(row), wanted));
    if rows.is_empty() {
        let likely = did_you_mean(&near(wanted, known.iter().map(String::as_str)));
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        let text = format!("{option}: no tools of {wanted:?}; known: {known}{likely}");
        return Err(CliError::Usage(text));
    }
    Ok(rows)
}
