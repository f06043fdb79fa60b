//! `az cost`: show what was spent, and manage budgets.

mod budget;
mod export;
mod payer;
mod show;
mod span;
mod sums;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

/// Show what was spent, and manage budgets.
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

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub async fn run(command: &CostCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        CostCommand::Show(args) => show::run(args, services).await,
        CostCommand::Budget(command) => budget::run(command, services).await,
        CostCommand::Export(args) => export::run(args, services).await,
    }
}
