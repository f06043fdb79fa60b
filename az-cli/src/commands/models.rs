//! `az models`: show the models, their prices, and which one a task is routed to.

mod explained;
mod list;
mod price;
mod route;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

/// Show the models, their prices, and which one a task is routed to.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models that have a name, or all whose price is known
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    /// Show one model: who offers it, where its key is, its prices
    Show(show::ShowArgs),
    /// Work out what a provider's usage object costs
    Price(price::PriceArgs),
    /// Explain which model would be asked, rule by rule
    Route(route::RouteArgs),
}

/// Runs the subcommand.
///
/// # Errors
///
/// The subcommand's.
pub async fn run(command: &ModelsCommand, services: &Services) -> Result<ExitCode, CliError> {
    match command {
        ModelsCommand::List(args) => list::run(args, services),
        ModelsCommand::Show(args) => show::run(args, services).await,
        ModelsCommand::Price(args) => price::run(args, services).await,
        ModelsCommand::Route(args) => route::run(args, services).await,
    }
}
