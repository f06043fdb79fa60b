//! `az cost show`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{BudgetStatus, Calendar, CostSum, Grouping, Payer, Period, Scope, TimeRange};
use az_core::store::Store;
use az_core::{Clock, Timestamp, Usd};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::payer::PayerArg;
use super::span::SpanArgs;
use super::sums::{sums, sums_by_task};
use crate::error::CliError;
use crate::output::{FormatArgs, Printer, Table, amount, bar, short};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az cost show
  az cost show --period daily
  az cost show --period monthly --by model
  az cost show --since 7d --by day
  az cost show --by task --format csv
  az cost show --by model --payer key:test

Without --period and --by it shows all periods, with the global budgets on them. Days, weeks and
months are UTC's unless cost.time_zone in the configuration says otherwise.";

/// Show what was spent: by period, model, provider, payer, task or day
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// Of the present day, week or month, or in all: daily, weekly, monthly, total
    #[arg(long, short, value_name = "PERIOD")]
    period: Option<Period>,
    /// A line for each of these
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<By>,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    payer: PayerArg,
    #[command(flatten)]
    format: FormatArgs,
}

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// A model.
    Model,
    /// A provider.
    Provider,
    /// A payer, such as a task or a key.
    Payer,
    /// A task; other payers have lines of their own.
    Task,
    /// A day.
    Day,
}

impl By {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Payer => "payer",
            Self::Task => "task",
            Self::Day => "day",
        }
    }
}

/// A line as programs get it. Money is in nano-dollars.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost: Usd,
    /// Calls whose cost nobody knows.
    unpriced: u64,
    /// Calls whose cost rests on a guess.
    estimated: u64,
    budget: Option<Usd>,
    held: Option<Usd>,
}

impl Row {
    fn new(key: String, sum: Option<&CostSum>, budget: Option<&BudgetStatus>) -> Self {
        Self {
            key,
            calls: sum.map_or(0, |sum| sum.calls),
            input_tokens: sum.map_or(0, |sum| sum.input_tokens),
            output_tokens: sum.map_or(0, |sum| sum.output_tokens),
            cost: sum.map_or(Usd::ZERO, |sum| sum.cost),
            unpriced: sum.map_or(0, |sum| sum.unpriced),
            estimated: sum.map_or(0, |sum| sum.estimated),
            budget: budget.map(|status| status.budget.amount),
            held: budget.map(|status| status.held),
        }
    }
}

/// Shows.
///
/// # Errors
///
/// Bad arguments, or the store's.
pub(super) async fn run(args: &ShowArgs, services: &Services) -> Result<ExitCode, CliError> {
    let now = SystemClock.now();
    let calendar = services.settings().calendar();
    let zone = &services.settings().time_zone;
    let span = args.span.span(args.period, (&calendar, zone), now)?;
    let store = services.store_to_read().await?;
    let store = store.as_deref();
    let payer = args.payer.payer(store.map(|store| store as _)).await?;
    let payer = payer.as_ref();
    let rows = match args.by {
        Some(by) => grouped(store, (span, payer), by, calendar).await?,
        None if args.period.is_some() || !args.span.is_empty() => {
            one(store, (span, payer), args.period, now).await?
        }
        None => periods(store, payer, &calendar, now).await?,
    };
    let printer = services.printer();
    let what = args.by.map_or("period", By::as_str);
    table(&rows, what, args.by).print(&rows, args.format.choose(printer), printer)?;
    say_what_is_missing(&rows, printer);
    Ok(ExitCode::SUCCESS)
}

/// Returns a line for all of a span, with the budget on it if it is a whole period. A payer's line has
/// none, because a payer's budget also counts what its descendants spend.
async fn one(
    store: Option<&dyn Store>,
    (span, payer): (TimeRange, Option<&Payer>),
    period: Option<Period>,
    now: Timestamp,
) -> Result<Vec<Row>, CliError> {
    let key = period.map_or("chosen", Period::as_str).to_owned();
    let Some(store) = store else { return Ok(vec![Row::new(key, None, None)]) };
    let sums = sums(store, (span, payer), &Grouping::All).await?;
    let budgets = store.budgets(now).await?;
    let period = period.filter(|_| payer.is_none());
    let budget = period.and_then(|period| global(&budgets, period));
    let whole = budget.filter(|status| status.span == span);
    Ok(vec![Row::new(key, sums.first(), whole)])
}

/// Returns a line for each period around now.
async fn periods(
    store: Option<&dyn Store>,
    payer: Option<&Payer>,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Vec<Row>, CliError> {
    let mut rows = Vec::new();
    for period in Period::ALL {
        rows.extend(one(store, (calendar.span(*period, now), payer), Some(*period), now).await?);
    }
    Ok(rows)
}

async fn grouped(
    store: Option<&dyn Store>,
    entries: (TimeRange, Option<&Payer>),
    by: By,
    calendar: Calendar,
) -> Result<Vec<Row>, CliError> {
    let Some(store) = store else { return Ok(Vec::new()) };
    let sums = match by {
        By::Model => sums(store, entries, &Grouping::Model).await?,
        By::Provider => sums(store, entries, &Grouping::Provider).await?,
        By::Payer => sums(store, entries, &Grouping::Payer).await?,
        By::Task => sums_by_task(store, entries).await?,
        By::Day => sums(store, entries, &Grouping::Day(calendar)).await?,
    };
    Ok(sums.iter().map(|sum| Row::new(sum.key.clone(), Some(sum), None)).collect())
}

fn global(budgets: &[BudgetStatus], period: Period) -> Option<&BudgetStatus> {
    let is_it = |status: &&BudgetStatus| {
        status.budget.scope == Scope::Global && status.budget.period == period
    };
    budgets.iter().find(is_it)
}

/// Bars show the share of the budget where there is one, else of the sum of the lines.
fn table(rows: &[Row], what: &'static str, by: Option<By>) -> Table {
    let sum = rows.iter().map(|row| row.cost).sum();
    let budgeted = rows.iter().any(|row| row.budget.is_some());
    let mut table = Table::new(&[what, "calls", "in", "out", "cost", "budget", ""]);
    if !budgeted {
        table = Table::new(&[what, "calls", "in", "out", "cost", ""]);
    }
    for row in rows {
        // The name of a payer that is not a task is not shortened.
        let is_task = by == Some(By::Task) && row.key.parse::<Payer>().is_err();
        let key = if is_task { short(&row.key) } else { row.key.clone() };
        let mut cells = vec![
            key,
            row.calls.to_string(),
            row.input_tokens.to_string(),
            row.output_tokens.to_string(),
            amount(row.cost, row.unpriced > 0),
        ];
        if budgeted {
            cells.push(row.budget.map_or_else(String::new, |budget| budget.to_string()));
        }
        let whole = if budgeted { row.budget } else { by.map(|_| sum) };
        cells.push(whole.map_or_else(String::new, |whole| bar(row.cost, whole)));
        table.row(cells);
    }
    table
}

fn say_what_is_missing(rows: &[Row], printer: &Printer) {
    if rows.iter().all(|row| row.calls == 0) {
        printer.say("nothing was spent in this time");
    }
    let most = |count: fn(&Row) -> u64| rows.iter().map(count).max().unwrap_or(0);
    if most(|row| row.unpriced) > 0 {
        printer.say(
            "the price of some models is not known; `az models list` shows which are, and \
             docs/prices.md how to add one",
        );
    }
    if most(|row| row.estimated) > 0 {
        printer
            .say("some of it is an upper bound or an estimate: calls whose usage was not learnt");
    }
}
