//! `az cost export`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::cost::{Charge, CostEntry, Period};
use az_core::{Clock, Usd};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::payer::PayerArg;
use super::span::SpanArgs;
use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az cost export > costs.csv
  az cost export --format json --since 2026-11-01 --output november.json
  az cost export --payer key:test --period monthly
  az cost export --format jsonl | jq -r '[.model, .cost_nanos] | @tsv'

An entry is one call. Money is in nano-dollars (1,000,000,000 are a dollar); a cost that nobody
knows is empty, not 0.";

/// Write the ledger out, an entry a line
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// How to write it
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Of the present day, week or month, or all: daily, weekly, monthly, total
    #[arg(long, short, value_name = "PERIOD")]
    period: Option<Period>,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    payer: PayerArg,
    /// Into this file, which must not be there yet [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON document.
    Json,
    /// A JSON object a line.
    Jsonl,
}

/// An entry, flat, as spreadsheets want it.
#[derive(Debug, Default, Serialize)]
struct Row {
    at: String,
    payer: String,
    /// The payer's id, if it is a task.
    task: Option<String>,
    call: String,
    provider: String,
    model: String,
    cost_nanos: Option<Usd>,
    computed_nanos: Option<Usd>,
    estimated: bool,
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    reasoning: u64,
    tool_input: u64,
    audio_input: u64,
    audio_output: u64,
    server_tool_calls: u64,
    service_tier: Option<String>,
    region: Option<String>,
    speed: Option<String>,
}

impl From<CostEntry> for Row {
    fn from(entry: CostEntry) -> Self {
        let task = entry.payer.task().map(ToString::to_string);
        let Charge { usage, cost, computed, estimated } = entry.charge;
        Self {
            at: entry.at.to_string(),
            payer: entry.payer.to_string(),
            task,
            call: entry.call.to_string(),
            provider: entry.provider,
            model: entry.model,
            cost_nanos: cost,
            computed_nanos: computed,
            estimated,
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write_5m: usage.cache_write_5m,
            cache_write_1h: usage.cache_write_1h,
            reasoning: usage.reasoning,
            tool_input: usage.tool_input,
            audio_input: usage.audio_input,
            audio_output: usage.audio_output,
            server_tool_calls: usage.server_tool_calls,
            service_tier: usage.service_tier,
            region: usage.region,
            speed: usage.speed,
        }
    }
}

/// Exports.
///
/// # Errors
///
/// Bad arguments, the store's, or that the file cannot be written.
pub(super) async fn run(args: &ExportArgs, services: &Services) -> Result<ExitCode, CliError> {
    let calendar = services.settings().calendar();
    let zone = &services.settings().time_zone;
    let span = args.span.span(args.period, (&calendar, zone), SystemClock.now())?;
    let store = services.store_to_read().await?;
    let payer = args.payer.payer(store.as_deref().map(|store| store as _)).await?;
    let entries = match store {
        Some(store) => store.entries(span, payer.as_ref()).await?,
        None => Vec::new(),
    };
    let count = entries.len();
    let printer = services.printer();
    let as_json = printer.is_json() && args.format == Format::Csv;
    let format = if as_json { Format::Json } else { args.format };
    let text = render(entries.into_iter().map(Row::from), format)?;
    match &args.output {
        None => printer.out(&text)?,
        Some(path) => {
            let what = format!("writing {}", path.display());
            let failed = |source: std::io::Error| match source.kind() {
                std::io::ErrorKind::AlreadyExists => CliError::Usage(format!(
                    "--output: {} is there already; remove it, or name another file",
                    path.display()
                )),
                _ => CliError::Io { what, source },
            };
            let file = std::fs::File::create_new(path);
            file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)?;
            printer.say(&format!("{count} entries in {}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn render(rows: impl Iterator<Item = Row>, format: Format) -> Result<String, CliError> {
    let failed = |error: std::io::Error| CliError::Io { what: "writing".to_owned(), source: error };
    match format {
        Format::Csv => {
            let mut rows = rows.peekable();
            if rows.peek().is_some() {
                return crate::output::csv(rows);
            }
            // Spreadsheets and programs want the columns also when there is nothing in them.
            let sample = crate::output::csv([Row::default()])?;
            Ok(sample.split_inclusive('\n').take(1).collect())
        }
        Format::Json => {
            let rows: Vec<Row> = rows.collect();
            let text = serde_json::to_string_pretty(&rows).map_err(|e| failed(e.into()))?;
            Ok(text + "\n")
        }
        Format::Jsonl => {
            let line = |row: Row| serde_json::to_string(&row).map(|line| line + "\n");
            rows.map(line).collect::<Result<_, _>>().map_err(|e| failed(e.into()))
        }
    }
}
