//! `az cost show`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{BudgetStatus, Calendar, Grouping, Payer, Period, Scope, TimeRange};
use az_core::store::Store;
use az_core::{Clock, Timestamp};
use clap::{Args, ValueEnum};

use super::payer::{PayerArg, note_unknown};
use super::sums::{sums, sums_by_task};
use crate::commands::one_of;
use crate::commands::time_range::TimeRangeArgs;
use crate::error::CliError;
use crate::output::{FormatArgs, Printer, cost_table};
use crate::services::Services;
use crate::views::CostSumView;

const EXAMPLES: &str = "\
Examples:
  az cost show
  az cost show --period daily
  az cost show --period monthly --by model
  az cost show --since 7d --by day
  az cost show --by task --format csv
  az cost show --by model --payer key:test

Without --period and --by it shows all periods with their global budgets. Days, weeks and months
begin in UTC, or in the time zone that cost.time_zone in the configuration names.";

/// Show costs by period, model, provider, payer, task or day
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// Sum up the current day, week or month, or everything
    #[arg(long, short, value_name = "PERIOD", value_parser = one_of::period())]
    period: Option<Period>,
    /// Print a line for each of these
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<By>,
    #[command(flatten)]
    range: TimeRangeArgs,
    #[command(flatten)]
    payer: PayerArg,
    #[command(flatten)]
    format: FormatArgs,
}

/// What a line is the sum of.
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

/// Shows the sums.
///
/// # Errors
///
/// Bad arguments, or the store's.
pub(super) async fn run(args: &ShowArgs, services: &Services) -> Result<ExitCode, CliError> {
    let now = SystemClock.now();
    let calendar = services.settings().calendar();
    let zone = &services.settings().time_zone;
    let range = args.range.within(args.period, (&calendar, zone), now)?;
    let store = services.store_to_read().await?;
    let store = store.as_deref();
    let payer = args.payer.payer(store.map(|store| store as _)).await?;
    let payer = payer.as_ref();
    let rows = match args.by {
        Some(by) => grouped(store, (range, payer), by, calendar).await?,
        None if args.period.is_some() || !args.range.is_empty() => {
            one(store, (range, payer), args.period, now).await?
        }
        None => periods(store, payer, &calendar, now).await?,
    };
    let printer = services.printer();
    let what = args.by.map_or("period", By::as_str);
    cost_table(&rows, what).print(&rows, args.format.choose(printer), printer)?;
    note_gaps(&rows, printer);
    if rows.iter().all(|row| row.calls == 0) {
        note_unknown(store.map(|store| store as _), payer, printer).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the sum of a time range, with the budget if it is a whole period. The sum of a payer has
/// none, because a payer's budget also counts what its descendants spend.
async fn one(
    store: Option<&dyn Store>,
    (range, payer): (TimeRange, Option<&Payer>),
    period: Option<Period>,
    now: Timestamp,
) -> Result<Vec<CostSumView>, CliError> {
    let key = period.map_or("chosen", Period::as_str).to_owned();
    let Some(store) = store else { return Ok(vec![CostSumView::new(key, None, None)]) };
    let sums = sums(store, (range, payer), &Grouping::All).await?;
    let budgets = store.budgets(now).await?;
    let period = period.filter(|_| payer.is_none());
    let budget = period.and_then(|period| global(&budgets, period));
    let whole = budget.filter(|status| status.span == range);
    Ok(vec![CostSumView::new(key, sums.first(), whole)])
}

/// Returns the sums of the periods around now.
async fn periods(
    store: Option<&dyn Store>,
    payer: Option<&Payer>,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Vec<CostSumView>, CliError> {
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
) -> Result<Vec<CostSumView>, CliError> {
    let Some(store) = store else { return Ok(Vec::new()) };
    let sums = match by {
        By::Model => sums(store, entries, &Grouping::Model).await?,
        By::Provider => sums(store, entries, &Grouping::Provider).await?,
        By::Payer => sums(store, entries, &Grouping::Payer).await?,
        By::Task => sums_by_task(store, entries).await?,
        By::Day => sums(store, entries, &Grouping::Day(calendar)).await?,
    };
    Ok(sums.iter().map(|sum| CostSumView::new(sum.key.clone(), Some(sum), None)).collect())
}

fn global(budgets: &[BudgetStatus], period: Period) -> Option<&BudgetStatus> {
    let is_it = |status: &&BudgetStatus| {
        status.budget.scope == Scope::Global && status.budget.period == period
    };
    budgets.iter().find(is_it)
}

fn note_gaps(rows: &[CostSumView], printer: &Printer) {
    if rows.iter().all(|row| row.calls == 0) {
        printer.say("no calls in this time");
    }
    let most = |count: fn(&CostSumView) -> u64| rows.iter().map(count).max().unwrap_or(0);
    if most(|row| row.unpriced_calls) > 0 {
        printer.say(
            "some calls have an unknown price and are not included; `az models list --all` lists \
             the known prices; input_cost_per_token and output_cost_per_token of an entry of the \
             configuration, or llm.prices_file, add one",
        );
    }
    if most(|row| row.uncertain_calls) > 0 {
        printer.say(
            "a part of the cost is uncertain: it is of calls that failed and may not be billed; \
             `az cost reconcile` lists them, and releases or confirms them",
        );
    }
    if rows.iter().any(|row| row.estimated_calls > row.uncertain_calls) {
        printer.say(
            "some costs are upper bounds or estimates: the provider reported no plausible usage",
        );
    }
}
