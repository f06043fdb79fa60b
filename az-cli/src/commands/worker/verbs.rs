//! The verbs of `az worker`.

use std::process::ExitCode;

use clap::Subcommand;

use super::run as run_worker;
use crate::error::CliError;
use crate::services::Services;

/// Work off queued tasks.
#[derive(Debug, Subcommand)]
pub enum WorkerCommand {
    /// Run queued tasks, the most urgent first
    Run(run_worker::RunArgs),
}

/// Does what the verb says.
///
/// # Errors
///
/// Whatever kept it from it.
pub async fn run(command: &WorkerCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        WorkerCommand::Run(args) => run_worker::run(args, services).await,
    }
}
