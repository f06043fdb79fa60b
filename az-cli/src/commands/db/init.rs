//! `az db init`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use az_core::Clock;
use az_core::clock::SystemClock;
use az_core::task::{TaskFilter, TaskRepository, TaskStatus};
use clap::Args;
use serde_json::json;

use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az db init
  az db init --force

Other commands make the database themselves when there is none.";

/// Make the database, or bring it up to this version
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InitArgs {
    /// Start with an empty one; the old one is kept beside it
    #[arg(long)]
    force: bool,
}

/// Makes the database.
///
/// # Errors
///
/// When it cannot be made, moved or migrated.
pub(super) async fn run(args: &InitArgs, services: &Services) -> Result<ExitCode, CliError> {
    let path = services.database();
    let there = path.exists();
    if there && args.force {
        refuse_while_in_use(services).await?;
        let kept = set_aside(&path)?;
        services.printer().say(&format!("the old database is now {}", kept.display()));
    }
    services.store()?;
    let done = if there && !args.force { "ready" } else { "made" };
    let record = json!({"path": path, "done": done});
    services.printer().done(&format!("{done}: {}", path.display()), &record)?;
    Ok(ExitCode::SUCCESS)
}

/// A task that runs would go on in the database that was set aside.
async fn refuse_while_in_use(services: &Services) -> Result<(), CliError> {
    // One that cannot be opened is in nobody's use.
    let Ok(Some(store)) = services.store_to_read() else { return Ok(()) };
    let filter = TaskFilter { status: Some(TaskStatus::Running), ..TaskFilter::default() };
    match store.list(&filter).await {
        Ok(running) if !running.is_empty() => Err(CliError::Usage(format!(
            "{} tasks are running; `az task cancel` stops them",
            running.len()
        ))),
        _ => Ok(()),
    }
}

/// Moves the database and what belongs to it to names that say when.
fn set_aside(path: &Path) -> Result<PathBuf, CliError> {
    let stamp = SystemClock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let beside = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let kept = beside(path, &format!(".{stamp}"));
    for suffix in ["-wal", "-shm", ".blobs", ""] {
        let from = beside(path, suffix);
        if from.exists() {
            let what = format!("moving {}", from.display());
            fs::rename(&from, beside(&kept, suffix))
                .map_err(|source| CliError::Io { what, source })?;
        }
    }
    Ok(kept)
}
