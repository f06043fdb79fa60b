//! `az log commands`.

use std::process::ExitCode;

use az_core::Clock;
use az_core::clock::SystemClock;
use az_core::log::RunQuery;
use clap::Args;

use crate::commands::time_range::TimeRangeArgs;
use crate::error::CliError;
use crate::output::{FormatArgs, commands_table};
use crate::services::Services;
use crate::views::CommandRunView;

const EXAMPLES: &str = "\
Examples:
  az log commands
  az log commands --since yesterday --limit 1000 --format csv
  az log commands --command \"task run\" --format json | jq '[.[].duration_us] | max'

The arguments of commands are not recorded. Commands that were killed are missing.";

/// List the commands that were run, with their durations and exit codes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CommandsArgs {
    #[command(flatten)]
    range: TimeRangeArgs,
    /// List only runs of this command, such as \"task list\"
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// List at most this many runs, the newest
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    format: FormatArgs,
}

/// Lists the commands.
///
/// # Errors
///
/// Bad arguments, or the store's.
pub(super) async fn run(args: &CommandsArgs, services: &Services) -> Result<ExitCode, CliError> {
    let now = SystemClock.now();
    let (since, until) = args.range.bounds(&services.settings().time_zone, now)?;
    let command = args.command.as_deref().map(|words| {
        let words = words.split_whitespace().skip_while(|word| *word == "az");
        words.collect::<Vec<_>>().join(" ")
    });
    let query = RunQuery { since, until, command, limit: Some(args.limit) };
    let printer = services.printer();
    let runs = match services.store_to_read().await? {
        Some(store) => store.runs(&query).await?,
        None => Vec::new(),
    };
    if runs.is_empty() {
        printer.say("no commands match");
    }
    let views: Vec<_> = runs.into_iter().map(CommandRunView::from).collect();
    commands_table(&views, now).print(&views, args.format.choose(printer), printer)?;
    Ok(ExitCode::SUCCESS)
}
