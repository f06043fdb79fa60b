//! `az db init`.

use std::process::ExitCode;

use az_core::task::{TaskFilter, TaskStatus};
use clap::Args;

use crate::error::CliError;
use crate::services::Services;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az db init
  az db init --force

Every command that writes creates the database if there is none.";

/// Create the database, or migrate it to this version
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InitArgs {
    /// Create an empty database; the old one is renamed and kept
    #[arg(long)]
    force: bool,
}

/// Creates the database.
///
/// # Errors
///
/// When it cannot be created, moved or migrated.
pub(super) async fn run(args: &InitArgs, services: &Services) -> Result<ExitCode, CliError> {
    let address = services.store_address();
    // A store that cannot be opened exists, too.
    let exists = !matches!(services.store_to_read().await, Ok(None));
    let mut replaced = None;
    if exists && args.force {
        refuse_while_in_use(services).await?;
        let kept = services.set_store_aside().await?;
        services.printer().say(&format!("the old database is now {kept}"));
        replaced = Some(kept);
    }
    services.store().await?;
    let created = !exists || args.force;
    let text = format!("{}: {address}", if created { "created" } else { "ready" });
    let notice = NoticeView::StoreReady { store: address.to_string(), created, replaced };
    services.printer().done(&text, &notice)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks that no task runs: it would continue in the database that was set aside.
async fn refuse_while_in_use(services: &Services) -> Result<(), CliError> {
    // A store that cannot be opened is not in use.
    let Ok(Some(store)) = services.store_to_read().await else { return Ok(()) };
    let filter = TaskFilter { status: Some(TaskStatus::Running), ..TaskFilter::default() };
    match store.list(&filter).await {
        Ok(running) if !running.is_empty() => Err(CliError::Usage(format!(
            "{} running; `az task cancel` stops them",
            match running.len() {
                1 => "1 task is".to_owned(),
                n => format!("{n} tasks are"),
            }
        ))),
        _ => Ok(()),
    }
}
