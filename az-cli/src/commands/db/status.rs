//! `az db status`.

use std::process::ExitCode;

use az_core::error::Error;
use clap::Args;

use crate::error::CliError;
use crate::output::{FormatArgs, Table};
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
    /// Read every page and check it; this takes a while for a large database
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
    let problems = if args.check { Some(store.check().await?) } else { None };
    let view = StoreStatusView::new(address, &status, problems.as_deref());
    let format = args.format.choose(services.printer());
    table(&view).print(&[view], format, services.printer())?;
    let sound = problems.is_none_or(|problems| problems.is_empty());
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(74) })
}

fn table(view: &StoreStatusView) -> Table {
    let mut table = Table::new(&["what", "value"]);
    for (what, value) in [
        ("store", Some(view.store.clone())),
        ("schema", view.schema.map(|schema| schema.to_string())),
        ("size", view.bytes.map(|bytes| format!("{} KiB", bytes.div_ceil(1024)))),
        ("tasks", Some(view.tasks.to_string())),
        ("events", Some(view.events.to_string())),
        ("ledger entries", Some(view.entries.to_string())),
        ("open holds", Some(view.open_holds.to_string())),
        ("soundness", Some(view.soundness.clone())),
    ] {
        if let Some(value) = value {
            table.row(vec![what.to_owned(), value]);
        }
    }
    table
}
