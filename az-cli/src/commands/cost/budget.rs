//! `az cost budget`: set, show and clear budgets.

mod clear;
mod scope;
mod set;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az cost budget set --amount 100 --alert 80
  az cost budget show
  az cost budget clear --period monthly";

/// Set, show and clear budgets.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum BudgetCommand {
    /// Set the amount that may be spent in a period
    Set(set::SetArgs),
    /// Show the budgets, with what is spent, held and left
    Show(show::ShowArgs),
    /// Remove a budget
    Clear(clear::ClearArgs),
}

impl BudgetCommand {
    /// Whether the command writes to the store.
    pub(super) const fn writes(&self) -> bool {
        matches!(self, Self::Set(_) | Self::Clear(_))
    }
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
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
