//! `az cost`: show costs and manage budgets.

mod budget;
mod export;
mod payer;
mod reconcile;
mod show;
mod sums;

use std::process::ExitCode;

use az_core::store::StoreAccess;
use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az cost show --period monthly --by model
  az cost budget set --amount 100 --alert 80
  az cost reconcile
  az cost export > costs.csv";

/// Show costs and manage budgets.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum CostCommand {
    /// Show costs by period, model, provider, payer, task or day
    Show(show::ShowArgs),
    /// Set, show and clear budgets
    #[command(subcommand)]
    Budget(budget::BudgetCommand),
    /// Write the ledger, one entry per line
    Export(export::ExportArgs),
    /// List the costs of failed calls that may not be billed, and release or confirm them
    Reconcile(reconcile::ReconcileArgs),
}

impl CostCommand {
    /// Returns how the command uses the store.
    pub(crate) const fn access(&self) -> StoreAccess {
        let writes = match self {
            Self::Show(_) | Self::Export(_) => false,
            Self::Budget(command) => command.writes(),
            Self::Reconcile(args) => args.decision().is_some(),
        };
        if writes { StoreAccess::ReadWrite } else { StoreAccess::ReadOnly }
    }
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
        CostCommand::Reconcile(args) => reconcile::run(args, services).await,
    }
}
