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
    let status = store.status().await?;
    let (problems, leftovers) = match args.check {
        true => (Some(store.check().await?), store.leftovers().await?),
        false => (None, Vec::new()),
    };
    let view = StoreStatusView::new(address, &status, problems.as_deref(), &leftovers);
    let printer = services.printer();
    match args.format.choose(printer) {
        Format::Json => printer.json(&view)?,
        Format::Csv => printer.out(&csv([view])?)?,
        Format::Table => printer.out(&store_table(&view).text(printer.width()))?,
    }
    let sound = problems.is_none_or(|problems| problems.is_empty());
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(74) })
}
