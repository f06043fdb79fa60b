//! `az db status`.

use std::path::Path;
use std::process::ExitCode;

use az_core::error::Error;
use az_data::repository::{Record, SqlRepository};
use az_data::sqlite::SqliteStore;
use clap::Args;
use serde::Serialize;

use crate::error::CliError;
use crate::output::{FormatArgs, Table};
use crate::services::Services;

/// Say where the database is, what is in it, and whether it is sound
#[derive(Debug, Args)]
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
    schema: i64,
    bytes: u64,
    tasks: i64,
    events: i64,
    costs: i64,
    open_holds: i64,
    soundness: String,
}

/// Looks.
///
/// # Errors
///
/// That there is no database, or that it is not sound, or the store's own.
pub(super) async fn run(args: &StatusArgs, services: &Services) -> Result<ExitCode, CliError> {
    let path = services.database();
    let store = services.store_to_read()?.ok_or_else(|| {
        CliError::Core(Error::not_found("database", &path.display().to_string()))
    })?;
    let soundness = if args.check { checked(&store).await? } else { "not checked".to_owned() };
    let status = Status {
        schema: number(&store, "SELECT user_version FROM pragma_user_version").await?,
        bytes: size(&path),
        tasks: number(&store, "SELECT count(*) FROM task").await?,
        events: number(&store, "SELECT count(*) FROM event").await?,
        costs: number(&store, "SELECT count(*) FROM entry").await?,
        open_holds: number(&store, "SELECT count(*) FROM hold").await?,
        path: path.display().to_string(),
        soundness,
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
    let sound = !args.check || status.soundness == "sound";
    table.print(&[status], format, services.printer())?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(74) })
}

async fn checked(store: &SqliteStore) -> Result<String, CliError> {
    let sql = "SELECT quick_check AS found FROM pragma_quick_check";
    let rows = store.fetch_all(sql, &Record::new()).await?;
    let found: Vec<_> = rows.iter().filter_map(|row| row.get("found")?.as_str()).collect();
    Ok(if found == ["ok"] { "sound".to_owned() } else { found.join("; ") })
}

async fn number(store: &SqliteStore, sql: &str) -> Result<i64, CliError> {
    let row = store.fetch_one(sql, &Record::new()).await?.unwrap_or_default();
    Ok(row.values().next().and_then(serde_json::Value::as_i64).unwrap_or_default())
}

/// Returns the size of the file and of what is not written back to it yet.
fn size(path: &Path) -> u64 {
    let wal = format!("{}-wal", path.display());
    let len = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    len(path).saturating_add(len(Path::new(&wal)))
}
