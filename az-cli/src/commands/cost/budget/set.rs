//! `az cost budget set`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{Budget, BudgetKeeper, Limit, Period};
use az_core::{Clock, Usd};
use clap::Args;
use serde_json::json;

use super::scope::{ScopeArgs, in_words};
use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az cost budget set --amount 100 --alert 80
  az cost budget set --amount 2.50 --period daily --alert 50,90
  az cost budget set --amount 20 --scope model --of claude
  az cost budget set --amount 0.10 --period total --scope task --of 4f2a9c81d0e7 --soft

A hard budget refuses a call that could exceed it before anything is sent; replies are shortened
first where that helps. A soft one only reports. What the period has spent already counts.";

/// Say what may be spent in a period
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SetArgs {
    /// How much, in US dollars
    #[arg(long, short, value_name = "DOLLARS")]
    amount: Usd,
    /// At which percentages of it to say so, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "80", value_name = "PERCENT")]
    alert: Vec<u8>,
    /// Until when it lasts: daily, weekly, monthly, total
    #[arg(long, short, default_value = "monthly", value_name = "PERIOD")]
    period: Period,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Refuse what could exceed it; this is the default
    #[arg(long, conflicts_with = "soft")]
    hard: bool,
    /// Only report when it is exceeded
    #[arg(long)]
    soft: bool,
}

/// Sets a budget.
///
/// # Errors
///
/// Bad figures, or the store's.
pub(super) async fn run(args: &SetArgs, services: &Services) -> Result<ExitCode, CliError> {
    let mut alerts = args.alert.clone();
    alerts.sort_unstable();
    alerts.dedup();
    let budget = Budget {
        scope: args.scope.scope(services).await?,
        period: args.period,
        amount: args.amount,
        alerts,
        limit: if args.soft { Limit::Soft } else { Limit::Hard },
    };
    budget.check()?;
    let store = services.store()?;
    let now = SystemClock.now();
    store.set_budget(&budget, now).await?;
    let all = store.budgets(now).await?;
    let status = all.iter().find(|status| status.budget == budget);
    let used = status.map_or(Usd::ZERO, |status| status.spent.plus(status.held));
    let record = json!({"event": "budget_set", "budget": budget, "used": used});
    let text = format!("{}; {used} of it used so far", in_words(&budget));
    services.printer().done(&text, &record)?;
    Ok(ExitCode::SUCCESS)
}
