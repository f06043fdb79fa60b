//! `az cost budget show`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{BudgetStatus, Payer, Period, Scope};
use az_core::{Clock, Usd};
use clap::Args;
use serde::Serialize;

use super::super::payer::PayerArg;
use crate::error::CliError;
use crate::output::{FormatArgs, Table, bar, short};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az cost budget show
  az cost budget show --payer key:test
  az cost budget show --format json";

/// Show the budgets and where they stand
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    #[command(flatten)]
    payer: PayerArg,
    #[command(flatten)]
    format: FormatArgs,
}

/// A budget as programs get it. Money is in nano-dollars.
#[derive(Debug, Serialize)]
struct Row {
    scope: String,
    period: Period,
    amount: Usd,
    spent: Usd,
    held: Usd,
    left: Usd,
    limit: &'static str,
    alerts: String,
    until: Option<String>,
}

impl From<&BudgetStatus> for Row {
    fn from(status: &BudgetStatus) -> Self {
        let budget = &status.budget;
        let alerts: Vec<_> = budget.alerts.iter().map(|alert| format!("{alert}%")).collect();
        Self {
            scope: budget.scope.to_string(),
            period: budget.period,
            amount: budget.amount,
            spent: status.spent,
            held: status.held,
            left: status.left(),
            limit: budget.limit.as_str(),
            alerts: alerts.join(" "),
            until: (budget.period != Period::Total).then(|| status.span.end.to_string()),
        }
    }
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
    let rows: Vec<Row> = budgets.iter().map(Row::from).collect();
    let mut table =
        Table::new(&["scope", "period", "amount", "spent", "held", "left", "limit", "alerts", ""]);
    for (row, status) in rows.iter().zip(&budgets) {
        table.row(vec![
            match &status.budget.scope {
                Scope::Payer(Payer::Task(id)) => format!("task {}", short(id.as_str())),
                Scope::Global | Scope::Payer(_) | Scope::Model(_) => row.scope.clone(),
            },
            row.period.to_string(),
            row.amount.to_string(),
            row.spent.to_string(),
            row.held.to_string(),
            row.left.to_string(),
            row.limit.to_owned(),
            row.alerts.clone(),
            bar(row.spent.plus(row.held), row.amount),
        ]);
    }
    let printer = services.printer();
    if rows.is_empty() {
        printer.say(&payer.map_or_else(
            || "no budgets; `az cost budget set --amount 100` sets one".to_owned(),
            |payer| {
                let set = format!("az cost budget set --amount 100 --payer {payer}");
                format!("no budgets of {payer}; `{set}` sets one")
            },
        ));
    }
    table.print(&rows, args.format.choose(printer), printer)?;
    Ok(ExitCode::SUCCESS)
}
