//! `az tools usage`.

use std::process::ExitCode;

use az_core::Clock;
use az_core::clock::SystemClock;
use az_core::cost::Period;
use az_core::journal::tool_usage;
use clap::Args;

use crate::commands::one_of;
use crate::commands::time_range::TimeRangeArgs;
use crate::error::CliError;
use crate::output::{FormatArgs, tool_usage_table};
use crate::services::Services;
use crate::views::ToolUsageView;

const EXAMPLES: &str = "\
Examples:
  az tools usage
  az tools usage --period weekly
  az tools usage --since 2026-11-01 --format csv

The calls of all tasks that are not deleted count, whatever their status.";

/// Show how often tools were called, how often they failed, and how long they took
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UsageArgs {
    /// Count the current day, week or month, or everything [default: total]
    #[arg(long, short, value_name = "PERIOD", value_parser = one_of::period())]
    period: Option<Period>,
    #[command(flatten)]
    range: TimeRangeArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the usage.
///
/// # Errors
///
/// Bad arguments, or the store's.
pub(super) async fn run(args: &UsageArgs, services: &Services) -> Result<ExitCode, CliError> {
    let calendar = services.settings().calendar();
    let zone = &services.settings().time_zone;
    let range = args.range.within(args.period, (&calendar, zone), SystemClock.now())?;
    let calls = match services.store_to_read().await? {
        Some(store) => store.tool_calls(range).await?,
        None => Vec::new(),
    };
    let printer = services.printer();
    if calls.is_empty() {
        printer.say("no tool was called");
    }
    let views: Vec<_> = tool_usage(calls).into_iter().map(ToolUsageView::from).collect();
    tool_usage_table(&views).print(&views, args.format.choose(printer), printer)?;
    Ok(ExitCode::SUCCESS)
}
