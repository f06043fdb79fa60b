//! `az config schema`.

use std::process::ExitCode;

use clap::Args;

use super::Context;
use crate::config::FileConfig;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  az config schema > az.schema.json";

/// Print the JSON Schema of the files, for editors
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SchemaArgs {}

/// Prints the schema.
///
/// # Errors
///
/// When it cannot be written.
pub(super) fn run(_: &SchemaArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    context.printer.json(&schemars::schema_for!(FileConfig))?;
    Ok(ExitCode::SUCCESS)
}
