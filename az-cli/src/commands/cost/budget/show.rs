//! `az cost budget show`.

use std::process::ExitCode;

use az_core::Clock;
use az_core::clock::SystemClock;
use az_core::cost::Scope;
use clap::Args;

use super::super::payer::PayerArg;
use crate::error::CliError;
use crate::output::{FormatArgs, budget_table};
use crate::services::Services;
use crate::views::BudgetView;

const EXAMPLES: &str = "\
Examples:
  az cost budget show
  az cost budget show --payer key:test
  az cost budget show --format json";

/// Show the budgets, with what is spent, held and left
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    #[command(flatten)]
    payer: PayerArg,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the budgets.
///
/// # Errors
///
/// The store's.
pub(super) async fn run(args: &ShowArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store_to_read().await?;
    let payer = args.payer.payer(store.as_deref().map(|store| store as _)).await?;
    let mut budgets = match &store {
        Some(store) => store.budgets(SystemClock.now()).await?,
        None => Vec::new(),
    };
    if let Some(payer) = &payer {
        budgets.retain(|status| matches!(&status.budget.scope, Scope::Payer(of) if of == payer));
    }
    let budgets: Vec<_> = budgets.iter().map(BudgetView::from).collect();
    let printer = services.printer();
    if budgets.is_empty() {
        printer.say(&payer.map_or_else(
            || "no budgets; `az cost budget set --amount 100` sets one".to_owned(),
            |payer| {
                let set = format!("az cost budget set --amount 100 --payer {payer}");
                format!("no budgets of {payer}; `{set}` sets one")
            },
        ));
    }
    budget_table(&budgets).print(&budgets, args.format.choose(printer), printer)?;
    Ok(ExitCode::SUCCESS)
}
