//! The temporary files that tasks left in their workspaces.

use std::time::Duration;

use az_core::engine::Liveness;
use az_core::journal::{CallState, fold};
use az_core::store::{Leftover, Store};
use az_core::task::{Task, TaskFilter, TaskQueue, TaskRepository, TaskStatus};
use az_core::tool::Invocation;
use az_mcp::builtin::filesystem::{Draft, drafts};

use crate::error::CliError;
use crate::identity::LocalProcesses;

/// How long an unfinished file is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The number of tasks that are listed at once.
const PAGE: usize = 500;

/// What becomes of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// All are listed.
    List,
    /// Those that are older than a day are removed.
    Remove,
}

/// Lists the temporary files of interrupted writes of tasks that no process runs, the newest task first;
/// with [`Mode::Remove`], those that are removed.
///
/// A process that resumes the task meanwhile writes a file of its own: one that is a day old is of an
/// earlier run.
///
/// # Errors
///
/// The store's.
pub(super) async fn of_tasks(store: &dyn Store, mode: Mode) -> Result<Vec<Leftover>, CliError> {
    let (age, remove) = match mode {
        Mode::List => (Duration::ZERO, false),
        Mode::Remove => (KEPT, true),
    };
    let mut found = Vec::new();
    for offset in (0..).step_by(PAGE) {
        let filter = TaskFilter { limit: PAGE, offset, ..TaskFilter::default() };
        let tasks = TaskRepository::list(store, &filter).await?;
        for task in tasks.iter().filter(|task| task.status != TaskStatus::Completed) {
            let lease = TaskQueue::lease(store, &task.id).await?;
            if lease.is_none_or(|lease| LocalProcesses::default().is_gone(&lease.owner)) {
                for call in interrupted_writes(store, task).await {
                    found.extend(clean(&call, age, remove).await);
                }
            }
        }
        if tasks.len() < PAGE {
            break;
        }
    }
    Ok(found)
}

/// Returns the writes of a task that were begun and have no result; none if its journal cannot be read.
pub(crate) async fn interrupted_writes(store: &dyn Store, task: &Task) -> Vec<Invocation> {
    let events = store.tail(&task.id).await;
    // `az db status --check` reports a journal that cannot be read.
    let Ok(history) = events.and_then(|events| fold(&events)) else { return Vec::new() };
    let writes = history.begun_calls().filter_map(|(id, record)| match &record.state {
        CallState::Begun { tool, arguments, .. } if tool == "filesystem.write" => {
            let seq = record.intent_seq?;
            let task_id = task.id.clone();
            let mut call = Invocation::new(task_id, id.clone(), tool.clone(), arguments.clone());
            call.key = Invocation::key_of(&task.id, seq);
            call.workspace.clone_from(&task.options.workspace);
            Some(call)
        }
        _ => None,
    });
    writes.collect()
}

/// Removes the temporary files of interrupted writes. What cannot be removed is left.
pub(crate) async fn remove(writes: &[Invocation]) {
    for call in writes {
        clean(call, Duration::ZERO, true).await;
    }
}

async fn clean(call: &Invocation, age: Duration, remove: bool) -> Vec<Leftover> {
    let found = drafts(call, age, remove).await.unwrap_or_default();
    let leftover = |Draft { path, bytes, .. }| Leftover::new(path.display().to_string(), bytes);
    found.into_iter().map(leftover).collect()
}
