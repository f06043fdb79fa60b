//! `az worker`: run queued tasks.

mod run;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az worker run --until-idle";

/// Run queued tasks.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum WorkerCommand {
    /// Run queued tasks, most urgent first
    Run(run::RunArgs),
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub async fn run(command: &WorkerCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        WorkerCommand::Run(args) => run::run(args, services).await,
    }
}
