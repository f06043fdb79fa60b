//! All child tasks below a task: their limits, and what they cost.

use super::Children;
use super::shared::FreeSpawns;
use crate::engine::options::EngineOptions;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::journal::ChildTotals;
use crate::task::TaskFilter;
use crate::text::plural;
use crate::tool::TASK_WAIT;

impl Children {
    /// Checks that one more task may be spawned below the first task, which is the one above this that was not
    /// spawned.
    pub(super) async fn check_tree(&self, free: &mut FreeSpawns) -> Result<()> {
        let options = self.engine.options();
        let EngineOptions { max_descendants, max_unfinished_descendants, .. } = *options;
        let first = self.first_task().await?;
        if free.take(&first) {
            return Ok(());
        }
        let below = Some(first.clone());
        let filter = TaskFilter { below, limit: max_descendants, ..TaskFilter::default() };
        let below = self.engine.context().store.list(&filter).await?;
        if below.len() >= max_descendants {
            let number = plural(below.len(), "child task");
            let reason = format!(
                "{number} were started below the first task, which is the most; do the work in this task"
            );
            return Err(Error::invalid("tasks", reason));
        }
        let unfinished = below.iter().filter(|task| !task.status.is_ended()).count();
        if unfinished >= max_unfinished_descendants {
            let number = plural(unfinished, "child task");
            let reason = format!(
                "{number} below the first task have not ended, which is the most; wait for some with \
                 {TASK_WAIT}, or do the work in this task"
            );
            return Err(Error::invalid("tasks", reason));
        }
        // One of them is used now.
        let left = (max_descendants - below.len()).min(max_unfinished_descendants - unfinished);
        free.set(first, left - 1);
        Ok(())
    }

    /// Returns what the tasks below this one cost; `None` if there are none. The end of a run does not fail for it.
    pub(in crate::engine) async fn totals(&self) -> Option<ChildTotals> {
        let context = self.engine.context();
        let totals = ChildTotals::read(&*context.store, &self.parent.id).await;
        totals.unwrap_or_else(|error| {
            let error = error.chain();
            tracing::warn!(task = %self.parent.id, error, "failed to read the cost of the child tasks");
            None
        })
    }

    /// Returns the nearest task from this one upwards that was not spawned, or the last that is stored.
    async fn first_task(&self) -> Result<TaskId> {
        let store = &self.engine.context().store;
        let (mut id, mut options) = (self.parent.id.clone(), self.parent.options.clone());
        let mut above = self.parent.parent_task_id.clone();
        while let (Some(_), Some(parent)) = (&options.spawned, above) {
            let Some(task) = store.get(&parent).await? else { break };
            (id, options, above) = (task.id, task.options, task.parent_task_id);
        }
        Ok(id)
    }
}
