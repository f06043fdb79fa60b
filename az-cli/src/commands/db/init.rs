//! `az db init`.

use std::process::ExitCode;

use az_core::task::{TaskFilter, TaskStatus};
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
    let address = services.store_address();
    // A store that cannot be opened exists, too.
    let exists = !matches!(services.store_to_read().await, Ok(None));
    if exists && args.force {
        refuse_while_in_use(services).await?;
        let kept = services.set_store_aside().await?;
        services.printer().say(&format!("the old database is now {kept}"));
    }
    services.store().await?;
    let done = if exists && !args.force { "ready" } else { "created" };
    let record = json!({"event": "store_ready", "store": address.to_string(), "done": done});
    services.printer().done(&format!("{done}: {address}"), &record)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks that no task runs: it would continue in the database that was set aside.
async fn refuse_while_in_use(services: &Services) -> Result<(), CliError> {
    // A store that cannot be opened is not in use.
    let Ok(Some(store)) = services.store_to_read().await else { return Ok(()) };
    let filter = TaskFilter { status: Some(TaskStatus::Running), ..TaskFilter::default() };
    match store.list(&filter).await {
        Ok(running) if !running.is_empty() => Err(CliError::Usage(format!(
            "{} tasks are running; `az task cancel` stops them",
            running.len()
        ))),
        _ => Ok(()),
    }
}
