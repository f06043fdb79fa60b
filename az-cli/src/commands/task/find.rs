//! Finds a task by a part of its id.

use az_core::task::{Task, TaskFilter, TaskRepository};
use az_core::{Result, TaskId};

use crate::error::CliError;
use crate::output::{fit, short};

/// How many of the newest tasks are searched for similar ids.
const SEARCHED: usize = 1000;

/// Returns the task with this id, or the only one whose id begins or ends with it.
///
/// # Errors
///
/// `UnknownTask` with the nearest ids, `AmbiguousTask`, or the store's own.
pub(crate) async fn find(store: &dyn TaskRepository, typed: &str) -> Result<Task, CliError> {
    // The ids of `az` are in lower case, but may be typed in upper case.
    let typed = typed.trim();
    let lower = typed.to_ascii_lowercase();
    if let Ok(id) = TaskId::new(typed)
        && let Some(task) = store.get(&id).await?
    {
        return Ok(task);
    }
    let part = Some(lower).filter(|part| !part.is_empty());
    let mut fitting = match part {
        None => Vec::new(),
        id_part => store.list(&TaskFilter { id_part, limit: 6, ..TaskFilter::default() }).await?,
    };
    if fitting.len() > 1 {
        let among = fitting.iter().map(in_a_line).collect();
        return Err(CliError::AmbiguousTask { id: typed.to_owned(), among });
    }
    match fitting.pop() {
        Some(task) => Ok(task),
        None => Err(unknown(store, typed).await?),
    }
}

async fn unknown(store: &dyn TaskRepository, typed: &str) -> Result<CliError> {
    let newest = TaskFilter { limit: SEARCHED, ..TaskFilter::default() };
    let tasks = store.list(&newest).await?;
    let mut near: Vec<_> = tasks
        .iter()
        .map(|task| (likeness(typed, task.id.as_str()), task))
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let near = near.iter().take(3).map(|(_, task)| in_a_line(task)).collect();
    Ok(CliError::UnknownTask { id: typed.to_owned(), near })
}

/// Compares with the whole id and with the short form that listings show.
fn likeness(typed: &str, id: &str) -> f64 {
    let whole = strsim::normalized_damerau_levenshtein(typed, id);
    whole.max(strsim::normalized_damerau_levenshtein(typed, &short(id)))
}

fn in_a_line(task: &Task) -> String {
    format!("{}  {}  {}", short(task.id.as_str()), task.status, fit(&task.command, 50))
}
