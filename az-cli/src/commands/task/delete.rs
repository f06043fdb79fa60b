//! `az task delete`.

use std::process::ExitCode;
use std::sync::Arc;

use az_core::Error;
use az_core::clock::SystemClock;
use az_core::lease::LeaseClock;
use az_core::store::Store;
use az_core::task::TaskRepository;
use clap::Args;

use super::find::find;
use crate::error::CliError;
use crate::output::short;
use crate::services::Services;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az task delete 4f2a9c81d0e7
  az task list --status failed --format json | jq -r '.[].id' | xargs az task delete";

/// Delete tasks and their journals; their costs stay in the ledger
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeleteArgs {
    /// Ids of the tasks, or unique beginnings or ends of them
    #[arg(required = true)]
    ids: Vec<String>,
}

/// Deletes the tasks.
///
/// # Errors
///
/// `UnknownTask` before anything is deleted, `LeaseHeld` for a running one, or the store's own.
pub(super) async fn run(args: &DeleteArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store().await?;
    let mut tasks = Vec::new();
    for typed in &args.ids {
        let task = find(&*store, typed).await?;
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    let lease_clock = LeaseClock::new(Arc::<dyn Store>::clone(&store), Arc::new(SystemClock));
    for task in tasks {
        if !TaskRepository::delete(&*store, &task.id, lease_clock.now().await?).await? {
            return Err(Error::not_found("task", &task.id).into());
        }
        services.delete_output(&task.id);
        let text = format!("deleted {}", short(task.id.as_str()));
        services.printer().done(&text, &NoticeView::TaskDeleted { task: task.id })?;
    }
    Ok(ExitCode::SUCCESS)
}
