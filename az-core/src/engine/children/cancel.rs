//! Cancels the child tasks of workers that are gone.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::engine::engine::Engine;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::task::{TaskFilter, TaskStatus};

/// The number of tasks that are ended at once.
const CONCURRENT_ENDS: usize = 32;

impl Engine {
    /// Ends the tasks below a task that was cancelled whose workers are gone. The store has requested their
    /// cancellation, and the workers that are there see the request.
    pub(in crate::engine) async fn end_abandoned_children(&self, id: &TaskId) -> Result<()> {
        let mut parents = vec![id.clone()];
        while let Some(parent) = parents.pop() {
            let filter = TaskFilter {
                status: Some(TaskStatus::Running),
                parent: Some(parent),
                limit: usize::MAX,
                ..TaskFilter::default()
            };
            let mut children = self.context().store.list(&filter).await?;
            children.retain(|child| child.options.spawned.is_some());
            let ids: Vec<_> = children.into_iter().map(|child| child.id).collect();
            parents.extend(ids.iter().cloned());
            let ends = stream::iter(ids).map(|id| async move { self.end_child(&id).await });
            ends.buffer_unordered(CONCURRENT_ENDS).try_collect::<()>().await?;
        }
        Ok(())
    }

    async fn end_child(&self, id: &TaskId) -> Result<()> {
        match self.end_if_abandoned(id).await {
            // Another worker was faster, and sees the request.
            Err(Error::LeaseHeld { .. } | Error::Invalid { .. }) => Ok(()),
            ended => ended.map(drop),
        }
    }
}
