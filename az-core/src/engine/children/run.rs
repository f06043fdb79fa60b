//! Runs child tasks in the background of their parent.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Children;
use crate::engine::claim::claim_queued;
use crate::engine::stop::{Stop, StopReason};
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::task::{Task, TaskFilter, TaskStatus};

impl Children {
    /// Begins to run a child, unless this process does already. If another worker has claimed it, nothing
    /// happens.
    pub(super) fn run(self: &Arc<Self>, id: &TaskId) {
        let mut local = self.local();
        // Those that have ended need not be kept until the run ends.
        while local.running.try_join_next().is_some() {}
        if self.ending.reason().is_none() && local.tasks.insert(id.clone()) {
            let child = run_child(Arc::clone(self), id.clone());
            local.running.spawn(child);
        }
    }

    /// Returns whether this process runs a child.
    pub(super) fn is_local(&self, id: &TaskId) -> bool {
        self.local().tasks.contains(id)
    }

    /// Resumes the children of a task that is resumed: runs those that have not ended, and queues those again that
    /// were cancelled with it, unless their end was `told`.
    pub(in crate::engine) async fn resume(self: &Arc<Self>, told: &BTreeSet<TaskId>) -> Result<()> {
        if self.stop.reason().is_some() {
            return Ok(());
        }
        self.restrict().await?;
        for child in self.list(TaskStatus::Cancelled).await? {
            if told.contains(&child.id) {
                continue;
            }
            match self.queue(&child).await {
                Err(error @ Error::Damaged { .. }) => {
                    let error = error.chain();
                    tracing::warn!(task = %child.id, error, "a child task cannot be resumed");
                }
                queued => queued?,
            }
        }
        for status in [TaskStatus::Pending, TaskStatus::Running] {
            self.list(status).await?.iter().for_each(|child| self.run(&child.id));
        }
        Ok(())
    }

    /// Lists the children in a status, newest first.
    pub(super) async fn list(&self, status: TaskStatus) -> Result<Vec<Task>> {
        let filter = TaskFilter {
            status: Some(status),
            parent: Some(self.parent.id.clone()),
            limit: usize::MAX,
            ..TaskFilter::default()
        };
        let mut children = self.engine.context().store.list(&filter).await?;
        children.retain(|child| child.options.spawned.is_some());
        Ok(children)
    }

    /// Stops the children that this process runs, and waits until they have stopped: `Cancelled` ends them, and
    /// `Shutdown` returns them to the queue.
    pub(in crate::engine) async fn end(&self, reason: StopReason) {
        self.ending.request(reason);
        let mut running = std::mem::take(&mut self.local().running);
        while running.join_next().await.is_some() {}
    }
}

/// Claims a child and runs it. The type hides that the future contains one like itself.
fn run_child(children: Arc<Children>, id: TaskId) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let engine = children.engine.clone();
        match claim_queued(engine.context(), &id).await {
            Ok(claimed) => {
                let own = Stop::new();
                let pass_on = async {
                    own.request(stopped(&children).await);
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    ended = engine.drive(claimed, own.clone()) => {
                        if let Err(error) = ended {
                            let error = error.chain();
                            tracing::warn!(task = %id, error, "failed to run a child task to its end");
                        }
                    }
                    () = pass_on => {}
                }
            }
            // Another worker has it, or it has ended or waits for an answer.
            Err(Error::LeaseHeld { .. } | Error::Invalid { .. } | Error::Waiting { .. }) => {}
            Err(error) => {
                // A wait tries again when it looks at its tasks the next time, and not at once.
                children.local().tasks.remove(&id);
                if children.local().unclaimed.insert(id.clone()) {
                    let error = error.chain();
                    tracing::warn!(task = %id, error, "failed to claim a child task");
                }
                return;
            }
        }
        children.local().tasks.remove(&id);
        children.changed.notify_waiters();
    })
}

/// Waits until the run of the parent is stopped or has ended; returns why its children are stopped.
async fn stopped(children: &Children) -> StopReason {
    tokio::select! {
        biased;
        () = children.ending.requested() => {}
        () = children.stop.requested() => {}
    }
    match children.ending.reason().or(children.stop.reason()) {
        // Another worker may have the parent, and runs the children from the queue.
        Some(StopReason::Shutdown | StopReason::LeaseLost) => StopReason::Shutdown,
        Some(StopReason::Cancelled | StopReason::TimedOut(_)) | None => StopReason::Cancelled,
    }
}
