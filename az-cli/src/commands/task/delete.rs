//! `az task delete`.

use std::process::ExitCode;
use std::sync::Arc;

use az_core::clock::SystemClock;
use az_core::engine::{Discard, Liveness};
use az_core::lease::LeaseClock;
use az_core::store::Store;
use az_core::task::{Lease, TaskRepository, TaskStatus};
use az_core::{Clock, Error};
use clap::Args;

use super::cancel::end;
use super::find::find;
use crate::commands::db::drafts::{interrupted_writes, remove};
use crate::error::CliError;
use crate::identity::LocalProcesses;
use crate::output::short;
use crate::services::Services;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az task delete 4f2a9c81d0e7
  az task delete --force 4f2a9c81d0e7
  az task list --status failed --format json | jq -r '.[].id' | xargs az task delete";

/// Delete tasks and their journals; their costs stay in the ledger
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeleteArgs {
    /// Ids of the tasks, or unique beginnings or ends of them
    #[arg(required = true)]
    ids: Vec<String>,
    /// Cancel tasks that are running first
    #[arg(long)]
    force: bool,
}

/// Deletes the tasks.
///
/// # Errors
///
/// `UnknownTask`, or `TaskRunning` without `--force`, before anything is deleted; or the store's own.
pub(super) async fn run(args: &DeleteArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store().await?;
    let mut tasks = Vec::new();
    for typed in &args.ids {
        let task = find(&*store, typed).await?;
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    let mut running = Vec::new();
    for task in tasks.iter().filter(|task| task.status == TaskStatus::Running) {
        let lease = store.lease(&task.id).await?;
        if let Some(Lease { owner, .. }) = lease.filter(|_| !args.force)
            && !LocalProcesses::default().is_gone(&owner)
        {
            return Err(CliError::TaskRunning { id: short(task.id.as_str()), owner });
        }
        running.push(task.id.clone());
    }
    if !running.is_empty() {
        let engine = services.engine(Arc::new(Discard), None, None).await?;
        for id in &running {
            end(&engine, &*store, id).await?;
        }
    }
    for task in tasks.iter().filter(|task| !task.status.is_ended()) {
        // Its child tasks end with it.
        store.request_cancel(&task.id, SystemClock.now()).await?;
    }
    let lease_clock = LeaseClock::new(Arc::<dyn Store>::clone(&store), Arc::new(SystemClock));
    for task in tasks {
        // They are found by the journal, which is deleted too.
        let writes = interrupted_writes(&*store, &task).await;
        if !TaskRepository::delete(&*store, &task.id, lease_clock.now().await?).await? {
            return Err(Error::not_found("task", &task.id).into());
        }
        remove(&writes).await.iter().for_each(|problem| services.printer().say(problem));
        services.delete_output(&task.id);
        let text = format!("deleted {}", short(task.id.as_str()));
        services.printer().done(&text, &NoticeView::TaskDeleted { task: task.id })?;
    }
    Ok(ExitCode::SUCCESS)
}
