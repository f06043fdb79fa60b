//! The temporary files that tasks left in their workspaces.

use std::time::Duration;

use az_core::Error;
use az_core::engine::{Liveness, interrupted_calls};
use az_core::journal::fold;
use az_core::store::{Leftover, Store};
use az_core::task::{Task, TaskFilter, TaskQueue, TaskRepository, TaskStatus};
use az_core::tool::Invocation;
use az_mcp::builtin::filesystem::{Draft, drafts};

use crate::error::CliError;
use crate::identity::LocalProcesses;
use crate::output::short;

/// How long an unfinished file is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The number of tasks that are listed at once.
const PAGE: usize = 500;

/// The temporary files of interrupted writes.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    /// Those that were removed.
    pub(super) removed: Vec<Leftover>,
    /// Those that are left.
    pub(super) kept: Vec<Leftover>,
    /// Why files could not be found or removed, with their tasks.
    pub(super) problems: Vec<String>,
}

/// Finds the temporary files of interrupted writes of tasks that no process runs, the newest task first, and
/// removes those that are older than a day if `remove` is set.
///
/// A process that resumes the task meanwhile writes a file of its own: one that is a day old is of an
/// earlier run.
///
/// # Errors
///
/// The store's.
pub(super) async fn of_tasks(store: &dyn Store, remove: bool) -> Result<Drafts, CliError> {
    let mut found = Drafts::default();
    for offset in (0..).step_by(PAGE) {
        let filter = TaskFilter { limit: PAGE, offset, ..TaskFilter::default() };
        let tasks = TaskRepository::list(store, &filter).await?;
        for task in tasks.iter().filter(|task| task.status != TaskStatus::Completed) {
            let lease = TaskQueue::lease(store, &task.id).await?;
            if lease.is_none_or(|lease| LocalProcesses::default().is_gone(&lease.owner)) {
                for call in interrupted_writes(store, task).await {
                    found.add(&call, remove).await;
                }
            }
        }
        if tasks.len() < PAGE {
            break;
        }
    }
    Ok(found)
}

impl Drafts {
    /// Adds the files of a call.
    async fn add(&mut self, call: &Invocation, remove: bool) {
        let removed = if remove { drafts(call, KEPT, true).await } else { Ok(Vec::new()) };
        let kept = drafts(call, Duration::ZERO, false).await;
        let error = removed.as_ref().err().or(kept.as_ref().err());
        self.problems.extend(error.map(|error| problem(call, error)));
        self.removed.extend(removed.into_iter().flatten().map(leftover));
        self.kept.extend(kept.into_iter().flatten().map(leftover));
    }
}

/// The tools that write a file anew.
const WRITING: [&str; 2] = ["filesystem.write", "filesystem.edit"];

/// Returns the writes of a task that were begun and have no result; none if its journal cannot be read.
pub(crate) async fn interrupted_writes(store: &dyn Store, task: &Task) -> Vec<Invocation> {
    let events = store.tail(&task.id).await;
    // `az db status --check` reports a journal that cannot be read.
    let Ok(history) = events.and_then(|events| fold(&events)) else { return Vec::new() };
    let calls = interrupted_calls(task, &history).into_iter();
    calls.filter(|call| WRITING.contains(&&*call.tool)).collect()
}

/// Removes the temporary files of interrupted writes; returns why some could not be removed.
pub(crate) async fn remove(writes: &[Invocation]) -> Vec<String> {
    let mut problems = Vec::new();
    for call in writes {
        let removed = drafts(call, Duration::ZERO, true).await;
        problems.extend(removed.err().map(|error| problem(call, &error)));
    }
    problems
}

fn problem(call: &Invocation, error: &Error) -> String {
    let task = short(call.task.as_str());
    format!(
        "task {task}: the temporary files of its interrupted write cannot be listed or removed: {}",
        error.chain()
    )
}

fn leftover(Draft { path, bytes, .. }: Draft) -> Leftover {
    Leftover::new(path.display().to_string(), bytes)
}
