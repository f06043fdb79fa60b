//! `az log`: show and export the log, and list the commands that were run.

mod commands;
mod export;
mod filter;
mod follow;
mod pages;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az log show --level error --since \"2024-01-01\"
  az log show --follow
  az log export --format json --output logs.json
  az log commands --since yesterday

AZ_LOG or log.filter in the configuration sets what is recorded, log.keep and log.max_megabytes
how long it is kept. `az task logs` shows the journal of one task.";

/// Show and export the log, and list the commands that were run.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum LogCommand {
    /// Show log records, the newest last
    Show(show::ShowArgs),
    /// Write log records as JSON or CSV
    Export(export::ExportArgs),
    /// List the commands that were run, with their durations and exit codes
    Commands(commands::CommandsArgs),
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub async fn run(command: &LogCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        LogCommand::Show(args) => show::run(args, services).await,
        LogCommand::Export(args) => export::run(args, services).await,
        LogCommand::Commands(args) => commands::run(args, services).await,
    }
}
