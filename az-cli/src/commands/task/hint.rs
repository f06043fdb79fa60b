//! `az task hint`.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::journal::Hint;
use az_core::store::Store;
use az_core::task::TaskRepository;
use az_core::{CallId, Clock, Result as CoreResult, TaskId};
use clap::Args;

use super::find::find;
use crate::error::CliError;
use crate::output::short;
use crate::services::Services;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az task hint 4f2a9c81d0e7 \"use the files in src only\"

The model reads the hint before its next step, as a message from the user. Any process that uses
the store may run the task. A queued task reads it when it runs; for a task that has ended it is
refused (exit code 2). What the model has not read yet, `az task show` lists.

At a terminal, a line that is typed while `az task run`, `az task resume` or `az task watch` shows
the task is a hint, too. A line that is complete before a question is shown does not answer it but
is a hint; the beginning of a line is discarded then, as it is when the task ends.";

/// Send a text to the model of a task that waits or runs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HintArgs {
    /// Id of the task, or a unique beginning or end of it
    id: String,
    /// The text
    #[arg(required = true)]
    text: Vec<String>,
}

/// Sends the hint.
///
/// # Errors
///
/// `UnknownTask`, a task that has ended, or the store's.
pub(super) async fn run(args: &HintArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store().await?;
    let task = find(&*store, &args.id).await?;
    let hint = new_hint(&args.text.join(" "))?;
    send(&*store, &task.id, &hint).await?;
    let text =
        format!("sent to {}; the model reads it before its next step", short(task.id.as_str()));
    services.printer().done(&text, &NoticeView::HintSent { task: task.id, call: hint.id })?;
    Ok(ExitCode::SUCCESS)
}

/// Sends a hint to a task.
///
/// # Errors
///
/// A usage error for a task that the planner runs, which reads no hints; or the store's.
pub(super) async fn send(store: &dyn Store, task: &TaskId, hint: &Hint) -> Result<(), CliError> {
    let found = TaskRepository::get(store, task).await?;
    if found.is_some_and(|task| task.model.as_deref() == Some("offline")) {
        return Err(CliError::Usage(format!(
            "task {} runs with `offline`, which is a planner and reads no hints",
            short(task.as_str())
        )));
    }
    Ok(store.send_hint(task, hint, SystemClock.now()).await?)
}

/// Creates a hint with an id of its own.
///
/// # Errors
///
/// `Invalid` for a text that is blank or too large.
pub(super) fn new_hint(text: &str) -> CoreResult<Hint> {
    Hint::new(CallId::new(uuid::Uuid::now_v7().to_string())?, text)
}
