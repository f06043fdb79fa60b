//! `az cost budget set`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{Budget, BudgetStatus, Limit, Period};
use az_core::{Clock, Usd};
use clap::Args;
use serde_json::json;

use super::super::payer::Unknown;
use super::scope::{ScopeArgs, in_words};
use crate::error::CliError;
use crate::models::{Booked, did_you_mean};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az cost budget set --amount 100 --alert 80
  az cost budget set --amount 2.50 --period daily --alert 50,90
  az cost budget set --amount 20 --scope model --of claude
  az cost budget set --amount 0.10 --period total --payer task:4f2a9c81d0e7 --soft
  az cost budget set --amount 5 --period daily --payer key:test

A hard budget refuses a call that could exceed it before anything is sent; replies are shortened
first where that helps. A soft one only reports. What the period has spent already counts.";

/// Say what may be spent in a period
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SetArgs {
    /// How much, in US dollars
    #[arg(long, short, value_name = "DOLLARS", allow_negative_numbers = true)]
    amount: Usd,
    /// At which percentages of it to say so, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "80", value_name = "PERCENT",
          allow_negative_numbers = true, value_parser = percent)]
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
        scope: args
            .scope
            .scope(services, Unknown::Refuse, |name| booked_as(name, services))
            .await?,
        period: args.period,
        amount: args.amount,
        alerts,
        limit: if args.soft { Limit::Soft } else { Limit::Hard },
    };
    budget.check()?;
    let store = services.store().await?;
    let now = SystemClock.now();
    store.set_budget(&budget, now).await?;
    let all = store.budgets(now).await?;
    let is_it = |status: &&BudgetStatus| {
        status.budget.scope == budget.scope && status.budget.period == budget.period
    };
    let used = all.iter().find(is_it).map_or(Usd::ZERO, BudgetStatus::used);
    if used > budget.amount {
        let then = match budget.limit {
            Limit::Hard => "every call that it covers is refused",
            Limit::Soft => "it is exceeded already",
        };
        let printer = services.printer();
        printer.say(&format!("{used} is used of {}, so {then}", budget.amount));
    }
    let record = json!({"event": "budget_set", "budget": budget, "used": used});
    let text = format!("{}; {used} of it used so far", in_words(&budget));
    services.printer().done(&text, &record)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the name that a model is booked under, and says so when nobody has heard of it.
fn booked_as(name: &str, services: &Services) -> Result<String, CliError> {
    match services.models()?.booked_as(name)? {
        Booked::As(model) => Ok(model),
        Booked::Unknown(near) => {
            let near = did_you_mean(&near);
            services.printer().say(&format!(
                "no model is known that is called {name:?}: the budget will count calls that are \
                 booked under this name{near}"
            ));
            Ok(name.to_owned())
        }
    }
}

/// Reads `80` or `80%`.
fn percent(text: &str) -> Result<u8, &'static str> {
    let percent = text.strip_suffix('%').unwrap_or(text).parse();
    let percent = percent.ok().filter(|percent| (1..=100).contains(percent));
    percent.ok_or("percentages from 1 to 100, such as 80 or 50,90")
}
