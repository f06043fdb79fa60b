//! `az db status`.

use std::process::ExitCode;

use az_core::error::Error;
use clap::Args;

use crate::error::CliError;
use crate::output::{Format, FormatArgs, csv, store_table};
use crate::services::Services;
use crate::views::StoreStatusView;

const EXAMPLES: &str = "\
Examples:
  az db status
  az db status --check --format json";

/// Show where the database is, what it holds, and whether it is sound
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// Read and check every page; this takes a while for a large database
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows the status.
///
/// # Errors
///
/// `NotFound` where there is no store, or the store's own.
pub(super) async fn run(args: &StatusArgs, services: &Services) -> Result<ExitCode, CliError> {
    let address = services.store_address();
    let store = services.store_to_read().await?;
    let store = store.ok_or_else(|| Error::not_found("database", address))?;
    let problems = if args.check { Some(store.check().await?) } else { None };
    let sound = problems.as_ref().is_none_or(Vec::is_empty);
    // A damaged store is reported with its problems, also if it cannot be counted any more.
    let (status, leftovers) = match (store.status().await, args.check) {
        (Ok(status), false) => (Some(status), Vec::new()),
        (Ok(status), true) if sound => (Some(status), store.leftovers().await?),
        (Ok(status), true) => (Some(status), store.leftovers().await.unwrap_or_default()),
        (Err(_), _) if !sound => (None, Vec::new()),
        (Err(error), _) => return Err(error.into()),
    };
    let view = StoreStatusView::new(address, status.as_ref(), problems.as_deref(), &leftovers);
    let printer = services.printer();
    match args.format.choose(printer) {
        Format::Json => printer.json(&view)?,
        Format::Csv => printer.out(&csv([view])?)?,
        Format::Table => printer.out(&store_table(&view).text(printer.width()))?,
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(74) })
}
