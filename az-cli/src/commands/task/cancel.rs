//! `az task cancel`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use az_core::TaskId;
use az_core::engine::{Discard, Engine};
use az_core::task::{CancelOutcome, TaskRepository, TaskStatus};
use clap::Args;

use super::find::find;
use crate::error::CliError;
use crate::output::short;
use crate::services::Services;
use crate::views::NoticeView;

/// How long to wait until the worker of a running task has stopped it.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  az task cancel 4f2a9c81d0e7
  az task list --status running --format json | jq -r '.[].id' | xargs az task cancel

A running task stops within a second, with every process that its tools started. Its journal and
costs are kept, and `az task resume` continues it.";

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
/// `UnknownTask`, or the store's; or `TimedOut` if the worker of a running task does not stop it.
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

/// Cancels a task and waits until it has ended; returns its status then.
pub(super) async fn end(
    engine: &Engine,
    store: &dyn TaskRepository,
    id: &TaskId,
) -> Result<(CancelOutcome, String), CliError> {
    let outcome = engine.cancel(id).await?;
    let status = match outcome {
        CancelOutcome::Cancelled => TaskStatus::Cancelled.to_string(),
        CancelOutcome::AlreadyEnded(status) => status.to_string(),
        CancelOutcome::Requested => wait_for_end(store, id).await?,
    };
    Ok((outcome, status))
}

#[expect(clippy::disallowed_methods, reason = "another process is being waited for")]
async fn wait_for_end(store: &dyn TaskRepository, id: &TaskId) -> Result<String, CliError> {
    let begun = Instant::now();
    while begun.elapsed() < STOP_TIMEOUT {
        match store.get(id).await? {
            Some(task) if task.status.is_ended() => return Ok(task.status.to_string()),
            Some(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            None => return Ok("deleted".to_owned()),
        }
    }
    Err(CliError::Core(az_core::Error::TimedOut { after: STOP_TIMEOUT }))
}
