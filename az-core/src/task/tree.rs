//! The tasks that were spawned below a task.

use super::model::Task;
use super::repository::{TaskFilter, TaskRepository};
use crate::error::Result;
use crate::id::TaskId;

/// Returns the tasks that were spawned below a task, at all levels: by the task itself, by those, and so on.
///
/// The search ends once it has found `most` tasks, and does not look below tasks of the level `deepest`.
///
/// # Errors
///
/// The store's.
pub async fn spawned_below<S: TaskRepository + ?Sized>(
    store: &S,
    task: &TaskId,
    most: usize,
    deepest: u32,
) -> Result<Vec<Task>> {
    let mut found = Vec::new();
    let mut parents = vec![(task.clone(), 0)];
    while let Some((parent, level)) = parents.pop() {
        let filter =
            TaskFilter { parent: Some(parent), limit: usize::MAX, ..TaskFilter::default() };
        for child in store.list(&filter).await? {
            // Levels increase downwards, so that the search ends whatever is stored.
            let below = child.options.spawned.as_ref().map(|spawned| spawned.level);
            let Some(below) = below.filter(|below| *below > level) else { continue };
            if below < deepest {
                parents.push((child.id.clone(), below));
            }
            found.push(child);
            if found.len() >= most {
                return Ok(found);
            }
        }
    }
    Ok(found)
}
