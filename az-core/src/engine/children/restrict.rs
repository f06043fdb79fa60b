//! Restricts child tasks to what the tasks above them may do, which may be less once these are resumed.

use super::Children;
use crate::engine::engine::EngineContext;
use crate::error::{Error, Result};
use crate::task::{Task, TaskFilter, TaskStatus};

/// Takes from a spawned task that was claimed what the tasks above it may not do, and stores that.
pub(in crate::engine) async fn inherit_bans(context: &EngineContext, task: Task) -> Result<Task> {
    let mut restricted = task.clone();
    let mut parent = task.parent_task_id.clone();
    for _ in 0..task.options.spawned.as_ref().map_or(0, |spawned| spawned.level) {
        let Some(id) = parent else { break };
        let Some(above) = context.store.get(&id).await? else { break };
        restricted.options.inherit_bans(&above.options);
        parent = above.parent_task_id;
    }
    if restricted == task {
        return Ok(task);
    }
    match context.store.update(&restricted, context.clock.now()).await {
        // It inherits them again when it is claimed again.
        Err(Error::Conflict { .. }) => Ok(restricted),
        stored => stored,
    }
}

impl Children {
    /// Restricts the tasks below this one that go on to what this one may do now.
    pub(super) async fn restrict(&self) -> Result<()> {
        let below = Some(self.parent.id.clone());
        let filter = TaskFilter { below, limit: usize::MAX, ..TaskFilter::default() };
        for task in self.engine.context().store.list(&filter).await? {
            let may_go_on = !task.status.is_ended() || task.status == TaskStatus::Cancelled;
            if may_go_on && task.damage.is_none() {
                self.restrict_task(task).await?;
            }
        }
        Ok(())
    }

    async fn restrict_task(&self, mut task: Task) -> Result<()> {
        let context = self.engine.context();
        loop {
            let mut restricted = task.clone();
            restricted.options.restrict_to(&self.parent.options);
            if restricted == task {
                return Ok(());
            }
            match context.store.update(&restricted, context.clock.now()).await {
                Err(Error::Conflict { .. }) => match context.store.get(&task.id).await? {
                    Some(changed) => task = changed,
                    None => return Ok(()),
                },
                Err(Error::NotFound { .. }) => return Ok(()),
                stored => return stored.map(drop),
            }
        }
    }
}
