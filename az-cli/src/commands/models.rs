//! `az models`: show the models, their prices, and which one a task is routed to.

mod list;
mod price;
mod route;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az models list
  az models show claude
  az models route \"write a function isPrime\"";

/// Show the models, their prices, and which one a task is routed to.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES, defer = true)]
pub enum ModelsCommand {
    /// List the named models, or all models whose price is known
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    /// Show one model: its provider, key, limits and prices
    Show(show::ShowArgs),
    /// Compute what a provider's usage object costs
    Price(price::PriceArgs),
    /// Explain which model would be called, rule by rule
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
