//! `az db status`.

use std::path::Path;
use std::process::ExitCode;

use az_core::error::Error;
use clap::Args;
use serde::Serialize;

use crate::error::CliError;
use crate::output::{FormatArgs, Table};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az db status
  az db status --check --format json";

/// Say where the database is, what is in it, and whether it is sound
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// Read every page to see whether it is sound; takes a while when there is much
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// What is known of the database.
#[derive(Debug, Serialize)]
struct Status {
    path: String,
    schema: u32,
    bytes: u64,
    tasks: u64,
    events: u64,
    costs: u64,
    open_holds: u64,
    soundness: String,
}

/// Looks.
///
/// # Errors
///
/// That there is no database, or that it is not sound, or the store's own.
pub(super) async fn run(args: &StatusArgs, services: &Services) -> Result<ExitCode, CliError> {
    let path = services.database();
    let store = services
        .store_to_read()?
        .ok_or_else(|| CliError::Core(Error::not_found("database", &path.display().to_string())))?;
    let contents = store.contents().await?;
    let damage = if args.check { store.damage().await? } else { Vec::new() };
    let status = Status {
        path: path.display().to_string(),
        schema: contents.schema,
        bytes: size(&path),
        tasks: contents.tasks,
        events: contents.events,
        costs: contents.entries,
        open_holds: contents.holds,
        soundness: match (args.check, damage.as_slice()) {
            (false, _) => "not checked; --check reads every page".to_owned(),
            (true, []) => "sound".to_owned(),
            (true, damage) => damage.join("; "),
        },
    };
    let mut table = Table::new(&["what", "value"]);
    for (what, value) in [
        ("path", status.path.clone()),
        ("schema", status.schema.to_string()),
        ("size", format!("{} KiB", status.bytes.div_ceil(1024))),
        ("tasks", status.tasks.to_string()),
        ("events", status.events.to_string()),
        ("costs", status.costs.to_string()),
        ("open holds", status.open_holds.to_string()),
        ("soundness", status.soundness.clone()),
    ] {
        table.row(vec![what.to_owned(), value]);
    }
    let format = args.format.choose(services.printer());
    table.print(&[status], format, services.printer())?;
    Ok(if damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(74) })
}

/// Returns the size of the file and of what is not written back to it yet.
fn size(path: &Path) -> u64 {
    let wal = format!("{}-wal", path.display());
    let len = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    len(path).saturating_add(len(Path::new(&wal)))
}
