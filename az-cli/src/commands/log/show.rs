//! `az log show`.

use std::io;
use std::ops::ControlFlow;
use std::process::ExitCode;

use az_core::Clock;
use az_core::clock::SystemClock;
use clap::Args;

use super::filter::FilterArgs;
use super::follow::{follow, store};
use super::pages::for_each_page;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, LogFormat, LogTable, LogTimes, LogWriter};
use crate::services::Services;

/// How many records are shown if the options do not say.
const LIMIT: usize = 100;

const EXAMPLES: &str = "\
Examples:
  az log show
  az log show --level error --since \"2024-01-01\"
  az log show --task 4f2a9c81d0e7 --limit 20
  az log show --since 2h --grep budget --format json | jq -r '.[].message'
  az log show --follow --level warn

Dates are those of the time zone that cost.time_zone in the configuration names, or of UTC. With
--follow, --format json prints a line of JSON for each record.";

/// Show log records, the newest last
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Show at most this many records, the newest [default: 100; with --since all]
    #[arg(long, short = 'n')]
    limit: Option<usize>,
    /// Go on showing records as they are written, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the log.
///
/// # Errors
///
/// Bad arguments, the store's, or that the output cannot be written.
pub(super) async fn run(args: &ShowArgs, services: &Services) -> Result<ExitCode, CliError> {
    let printer = services.printer();
    let opened = match services.store_to_read().await? {
        None if args.follow => Some(store(services).await?),
        opened => opened,
    };
    let mut query = args.filter.query(opened.as_deref(), services).await?;
    query.limit = args.limit.or((!args.filter.has_start()).then_some(LIMIT));
    let mut out = LogWriter::new(io::stdout().lock(), format(args, services), services.redactor());
    let Some(store) = opened else {
        printer.say(&format!("no store at {} yet", services.store_address()));
        out.finish()?;
        return Ok(ExitCode::SUCCESS);
    };
    // What is appended from here on is not among the records that are shown first, but follows them.
    let mark = if args.follow { Some(store.appended(&query, None).await?.mark) } else { None };
    query.up_to = mark;
    let mut count = 0;
    for_each_page(&*store, &query, |records| {
        count += records.len();
        out.write(records)?;
        Ok(if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .await?;
    match mark {
        Some(_) if out.is_closed() => {}
        Some(mark) => follow(&*store, &query, mark, &mut out).await?,
        None => {
            if count == 0 {
                printer.say("no log records match");
            }
            out.finish()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn format(args: &ShowArgs, services: &Services) -> LogFormat {
    let printer = services.printer();
    match args.format.choose(printer) {
        // An array has an end.
        Format::Json if args.follow => LogFormat::Lines,
        Format::Json => LogFormat::Json,
        Format::Csv => LogFormat::Csv,
        Format::Table => {
            let times = match args.follow {
                true => LogTimes::Clock(services.settings().time_zone.clone()),
                false => LogTimes::Ago(SystemClock.now()),
            };
            LogFormat::Table(LogTable::new(printer, times))
        }
    }
}
