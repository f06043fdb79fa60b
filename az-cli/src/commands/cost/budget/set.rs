//! `az cost budget set`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{Budget, BudgetStatus, Limit, Period};
use az_core::{Clock, Usd};
use clap::Args;

use super::super::payer::Unknown;
use super::scope::ScopeArgs;
use crate::commands::one_of;
use crate::error::CliError;
use crate::models::{Booked, did_you_mean};
use crate::output::budget_in_words;
use crate::services::Services;
use crate::views::{BudgetView, NoticeView};

const EXAMPLES: &str = "\
Examples:
  az cost budget set --amount 100 --alert 80
  az cost budget set --amount 2.50 --period daily --alert 50,90
  az cost budget set --amount 20 --scope model --of claude
  az cost budget set --amount 0.10 --period total --payer task:4f2a9c81d0e7 --soft
  az cost budget set --amount 5 --period daily --payer key:test

A hard budget refuses a call that could exceed it, before anything is sent; if a shorter reply
fits, the reply is limited instead. A soft budget only reports. What the period has spent
already counts.";

/// Set the amount that may be spent in a period
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SetArgs {
    /// Amount in US dollars
    #[arg(long, short, value_name = "DOLLARS", allow_negative_numbers = true)]
    amount: Usd,
    /// Percentages of the amount at which an alert is reported, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "80", value_name = "PERCENT",
          allow_negative_numbers = true, value_parser = percent)]
    alert: Vec<u8>,
    /// Period after which the budget starts anew
    #[arg(long, short, default_value = "monthly", value_name = "PERIOD", value_parser = one_of::period())]
    period: Period,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Refuse calls that could exceed the budget; this is the default
    #[arg(long, conflicts_with = "soft")]
    hard: bool,
    /// Only report when the budget is exceeded
    #[arg(long)]
    soft: bool,
}

/// Sets a budget.
///
/// # Errors
///
/// A usage error for an invalid amount or scope, or the store's.
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
    let is_it = |status: &BudgetStatus| {
        status.budget.scope == budget.scope && status.budget.period == budget.period
    };
    let status = store.budgets(now).await?.into_iter().find(is_it);
    let status = status.unwrap_or_else(|| BudgetStatus {
        span: services.settings().calendar().span(budget.period, now),
        spent: Usd::ZERO,
        held: Usd::ZERO,
        uncertain: Usd::ZERO,
        budget,
    });
    warn_if_exceeded(&status, services);
    let view = BudgetView::from(&status);
    let text = budget_in_words(&view);
    services.printer().done(&text, &NoticeView::BudgetSet(view))?;
    Ok(ExitCode::SUCCESS)
}

fn warn_if_exceeded(status: &BudgetStatus, services: &Services) {
    let (used, amount) = (status.used(), status.budget.amount);
    if used > amount {
        let effect = match status.budget.limit {
            Limit::Hard => "every call that it covers is refused",
            Limit::Soft => "it is exceeded already",
        };
        services.printer().say(&format!("{used} of {amount} is used: {effect}"));
    }
}

/// Returns the name that a model's calls are booked under; warns if the model is unknown.
fn booked_as(name: &str, services: &Services) -> Result<String, CliError> {
    match services.models()?.booked_as(name)? {
        Booked::As(model) => Ok(model),
        Booked::Unknown(near) => {
            let near = did_you_mean(&near);
            services.printer().say(&format!(
                "unknown model {name:?}: the budget counts calls that are booked under this \
                 name{near}"
            ));
            Ok(name.to_owned())
        }
    }
}

/// Parses `80` or `80%`.
fn percent(text: &str) -> Result<u8, &'static str> {
    let percent = text.strip_suffix('%').unwrap_or(text).parse();
    let percent = percent.ok().filter(|percent| (1..=100).contains(percent));
    percent.ok_or("percentages from 1 to 100, such as 80 or 50,90")
}
