//! The verbs of `az cost budget`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{clear, set, show};
use crate::error::CliError;
use crate::services::Services;

/// Set, show and clear budgets.
#[derive(Debug, Subcommand)]
pub enum BudgetCommand {
    /// Say what may be spent in a period
    Set(set::SetArgs),
    /// Show the budgets and where they stand
    Show(show::ShowArgs),
    /// Remove a budget
    Clear(clear::ClearArgs),
}

/// Does what the verb says.
///
/// # Errors
///
/// Whatever kept it from it.
pub(in crate::commands::cost) async fn run(
    command: &BudgetCommand,
    services: &Services,
) -> Result<ExitCode, CliError> {
    match command {
        BudgetCommand::Set(args) => set::run(args, services).await,
        BudgetCommand::Show(args) => show::run(args, services).await,
        BudgetCommand::Clear(args) => clear::run(args, services).await,
    }
}
