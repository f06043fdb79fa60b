//! `az task cancel`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use az_core::TaskId;
use az_core::engine::{Discard, Engine};
use az_core::task::{CancelOutcome, TaskFilter, TaskRepository, TaskStatus};
use clap::Args;

use super::find::find;
use crate::error::CliError;
use crate::output::short;
use crate::services::Services;
use crate::views::NoticeView;

/// How long to wait until the workers of running tasks have stopped them.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait before the tasks are looked at again.
const POLL: Duration = Duration::from_millis(20);

const EXAMPLES: &str = "\
Examples:
  az task cancel 4f2a9c81d0e7
  az task list --status running --format json | jq -r '.[].id' | xargs az task cancel

A running task stops within a second, with its child tasks and every process that their tools
started. Its journal and costs are kept, and `az task resume` continues it.";

/// Cancel tasks, whichever process runs them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CancelArgs {
    /// Ids of the tasks, or unique beginnings or ends of them
    #[arg(required = true)]
    ids: Vec<String>,
}

/// Cancels the tasks.
///
/// # Errors
///
/// `UnknownTask`, or the store's; or `StillStopping` if the workers of running tasks do not stop them.
pub(super) async fn run(args: &CancelArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store().await?;
    let engine = services.engine(Arc::new(Discard), None, None).await?;
    let mut tasks = Vec::new();
    for typed in &args.ids {
        tasks.push(find(&*store, typed).await?);
    }
    for task in tasks {
        let id = short(task.id.as_str());
        let (outcome, status) = end(&engine, &*store, &task.id).await?;
        let line = match outcome {
            CancelOutcome::Cancelled => format!("cancelled {id}"),
            CancelOutcome::AlreadyEnded(_) => format!("{id} had already ended: {status}"),
            CancelOutcome::Requested => format!("{id} stopped: {status}"),
        };
        services.printer().done(&line, &NoticeView::TaskEnded { task: task.id, status })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancels a task and waits until it has ended, and all child tasks below it; returns its status then.
pub(super) async fn end(
    engine: &Engine,
    store: &dyn TaskRepository,
    id: &TaskId,
) -> Result<(CancelOutcome, String), CliError> {
    let outcome = engine.cancel(id).await?;
    let status = wait_for_end(store, id).await?;
    Ok((outcome, status))
}

#[expect(clippy::disallowed_methods, reason = "another process is being waited for")]
async fn wait_for_end(store: &dyn TaskRepository, id: &TaskId) -> Result<String, CliError> {
    let begun = Instant::now();
    loop {
        let status = store.get(id).await?.map(|task| task.status);
        let is_running = status.is_some_and(|status| !status.is_ended());
        if !is_running && running_below(store, id, 1).await? == 0 {
            return Ok(status.map_or_else(|| "deleted".to_owned(), |status| status.to_string()));
        }
        if begun.elapsed() >= STOP_TIMEOUT {
            let below = running_below(store, id, usize::MAX).await?;
            return Err(CliError::StillStopping { tasks: below + usize::from(is_running) });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Counts the child tasks below a task that are running, up to a limit.
async fn running_below(
    store: &dyn TaskRepository,
    id: &TaskId,
    limit: usize,
) -> Result<usize, CliError> {
    let (status, below) = (Some(TaskStatus::Running), Some(id.clone()));
    let filter = TaskFilter { status, below, limit, ..TaskFilter::default() };
    Ok(store.list(&filter).await?.len())
}
