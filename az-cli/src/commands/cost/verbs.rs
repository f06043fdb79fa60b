//! The verbs of `az cost`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{budget, export, show};
use crate::error::CliError;
use crate::services::Services;

/// See what was spent, and say what may be.
#[derive(Debug, Subcommand)]
pub enum CostCommand {
    /// Show what was spent: by period, model, provider, task or day
    Show(show::ShowArgs),
    /// Set, show and clear budgets
    #[command(subcommand)]
    Budget(budget::BudgetCommand),
    /// Write the ledger out, an entry a line
    Export(export::ExportArgs),
}

/// Does what the verb says.
///
/// # Errors
///
/// Whatever kept it from it.
pub async fn run(command: &CostCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        CostCommand::Show(args) => show::run(args, services).await,
        CostCommand::Budget(command) => budget::run(command, services).await,
        CostCommand::Export(args) => export::run(args, services).await,
    }
}
