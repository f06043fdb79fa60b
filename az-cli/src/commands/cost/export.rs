//! `az cost export`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{Charge, CostEntry, Payer, Period};
use az_core::text::plural;
use az_core::{CallId, Clock, TaskId, Timestamp};
use clap::{Args, ValueEnum};

use super::payer::{PayerArg, note_unknown};
use crate::commands::one_of;
use crate::commands::time_range::TimeRangeArgs;
use crate::error::CliError;
use crate::output::{NewFile, csv};
use crate::services::Services;
use crate::views::LedgerEntryView;

const EXAMPLES: &str = "\
Examples:
  az cost export > costs.csv
  az cost export --format json --since 2026-11-01 --output november.json
  az cost export --payer key:test --period monthly
  az cost export --format jsonl | jq -r '[.model, .cost_nanos] | @tsv'

An entry is one call. Costs are in nano-dollars (cost_nanos; a dollar has 1,000,000,000) and in
dollars (cost_usd). An unknown cost is empty, not 0.";

/// Write the ledger, one entry per line
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// Write this format
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Write the entries of the current day, week or month, or all
    #[arg(long, short, value_name = "PERIOD", value_parser = one_of::period())]
    period: Option<Period>,
    #[command(flatten)]
    range: TimeRangeArgs,
    #[command(flatten)]
    payer: PayerArg,
    /// Write to this file, which must not exist [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// A JSON document.
    Json,
    /// One JSON object per line.
    Jsonl,
}

/// Exports the ledger.
///
/// # Errors
///
/// Bad arguments, the store's, or that the file cannot be written.
pub(super) async fn run(args: &ExportArgs, services: &Services) -> Result<ExitCode, CliError> {
    let calendar = services.settings().calendar();
    let zone = &services.settings().time_zone;
    let range = args.range.within(args.period, (&calendar, zone), SystemClock.now())?;
    let store = services.store_to_read().await?;
    let payer = args.payer.payer(store.as_deref().map(|store| store as _)).await?;
    let entries = match &store {
        Some(store) => store.entries(range, payer.as_ref()).await?,
        None => Vec::new(),
    };
    let entries: Vec<_> = entries.into_iter().map(LedgerEntryView::from).collect();
    let printer = services.printer();
    let as_json = printer.is_json() && args.format == Format::Csv;
    let format = if as_json { Format::Json } else { args.format };
    let text = render(&entries, format)?;
    match &args.output {
        None => printer.out(&text)?,
        Some(path) => {
            let file = NewFile::create(path, args.force)?;
            let written = (&file).write_all(text.as_bytes());
            written.map_err(|source| CliError::Io {
                what: format!("writing {}", path.display()),
                source,
            })?;
            file.keep()?;
            printer.say(&format!("wrote {} to {}", plural(entries.len(), "entry"), path.display()));
        }
    }
    if entries.is_empty() {
        note_unknown(store.as_deref().map(|store| store as _), payer.as_ref(), printer).await?;
    }
    Ok(ExitCode::SUCCESS)
}

fn render(entries: &[LedgerEntryView], format: Format) -> Result<String, CliError> {
    let failed = |error: serde_json::Error| CliError::Io {
        what: "writing JSON".to_owned(),
        source: error.into(),
    };
    match format {
        Format::Csv if entries.is_empty() => header(),
        Format::Csv => csv(entries),
        Format::Json => Ok(serde_json::to_string_pretty(entries).map_err(failed)? + "\n"),
        Format::Jsonl => {
            let line = |entry| serde_json::to_string(entry).map(|line| line + "\n");
            entries.iter().map(line).collect::<Result<_, _>>().map_err(failed)
        }
    }
}

/// Returns the header alone: spreadsheets and programs expect the columns of an empty file, too.
fn header() -> Result<String, CliError> {
    let payer = Payer::Task(TaskId::new("none")?);
    let entry = CostEntry {
        payer,
        call: CallId::new("none")?,
        provider: String::new(),
        model: String::new(),
        charge: Charge::default(),
        at: Timestamp::UNIX_EPOCH,
    };
    let text = csv([LedgerEntryView::from(entry)])?;
    Ok(text.split_inclusive('\n').take(1).collect())
}
