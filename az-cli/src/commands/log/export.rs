//! `az log export`.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use az_core::text::plural;
use clap::{Args, ValueEnum};

use super::filter::FilterArgs;
use super::pages::for_each_page;
use crate::error::CliError;
use crate::output::{LogFormat, LogWriter, NewFile};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az log export --format json --output logs.json
  az log export --since 2026-11-01 --until 2026-12-01 > november.ndjson
  az log export --level warn --format csv --output warnings.csv --force

Keys and tokens are masked. The file is complete or not there: it gets its name when all records
are in it, and only you can read it.";

/// Write log records as JSON or CSV
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Write at most this many records, the newest
    #[arg(long, short = 'n')]
    limit: Option<usize>,
    /// Write this format
    #[arg(long, value_enum, default_value = "ndjson")]
    format: ExportFormat,
    /// Write to this file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// A JSON document.
    Json,
    /// One JSON object per line.
    #[value(alias = "jsonl")]
    Ndjson,
    /// Comma-separated values with a header.
    Csv,
}

/// Exports the log.
///
/// # Errors
///
/// Bad arguments, the store's, or that the file exists or cannot be written.
pub(super) async fn run(args: &ExportArgs, services: &Services) -> Result<ExitCode, CliError> {
    let file = args.output.as_deref().map(|path| NewFile::create(path, args.force)).transpose()?;
    let as_json = services.printer().is_json() && args.format == ExportFormat::Ndjson;
    let format = match args.format {
        _ if as_json => LogFormat::Json,
        ExportFormat::Json => LogFormat::Json,
        ExportFormat::Ndjson => LogFormat::Lines,
        ExportFormat::Csv => LogFormat::Csv,
    };
    match file {
        None => {
            write(args, services, LogWriter::new(io::stdout().lock(), format, services.redactor()))
                .await?;
        }
        Some(file) => {
            let path = file.path().display().to_string();
            let out = LogWriter::new(&file, format, services.redactor());
            let count = write(args, services, out).await?;
            file.keep()?;
            services.printer().say(&format!("wrote {} to {path}", plural(count, "record")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the records; returns their number.
async fn write(
    args: &ExportArgs,
    services: &Services,
    mut out: LogWriter<impl io::Write>,
) -> Result<u64, CliError> {
    let store = services.store_to_read().await?;
    let mut query = args.filter.query(store.as_deref(), services).await?;
    query.limit = args.limit;
    let mut count = 0;
    if let Some(store) = store {
        for_each_page(&*store, &query, |records| {
            count += u64::try_from(records.len()).unwrap_or_default();
            out.write(records)?;
            Ok(if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .await?;
    }
    out.finish()?;
    Ok(count)
}
