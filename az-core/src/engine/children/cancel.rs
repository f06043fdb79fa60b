//! Cancels tasks whose workers are gone.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::engine::claim::claim_queued;
use crate::engine::engine::Engine;
use crate::engine::stop::{Stop, StopReason};
use crate::engine::supervise::supervise;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::task::{CancelOutcome, TaskFilter, TaskStatus};

/// The number of tasks that are ended at once.
const CONCURRENT_ENDS: usize = 32;

impl Engine {
    /// Ends a task whose cancellation was requested if its worker is gone; returns `None` if it is not.
    pub(in crate::engine) async fn end_if_abandoned(
        &self,
        id: &TaskId,
    ) -> Result<Option<CancelOutcome>> {
        let Some(lease) = self.context().store.lease(id).await? else { return Ok(None) };
        match self.context().is_abandoned(&lease).await? {
            true => self.end_abandoned(id).await,
            false => Ok(None),
        }
    }

    /// Ends the tasks below a task that was cancelled whose workers are gone. The store has requested their
    /// cancellation, and the workers that are there see the request.
    pub(in crate::engine) async fn end_abandoned_children(&self, id: &TaskId) -> Result<()> {
        let filter = TaskFilter {
            status: Some(TaskStatus::Running),
            below: Some(id.clone()),
            limit: usize::MAX,
            ..TaskFilter::default()
        };
        let mut running = self.context().store.list(&filter).await?;
        if running.is_empty() {
            return Ok(());
        }
        let abandoned = self.abandoned().await?;
        running.retain(|task| abandoned.contains(&task.id));
        let ends =
            stream::iter(running).map(|task| async move { self.end_abandoned(&task.id).await });
        ends.buffer_unordered(CONCURRENT_ENDS).try_for_each(|_| async { Ok(()) }).await
    }

    /// Returns the tasks whose workers are gone, or have let their leases expire. There may be thousands of tasks of
    /// few workers, so that each worker is looked at once.
    async fn abandoned(&self) -> Result<BTreeSet<TaskId>> {
        let context = self.context();
        let now = context.lease_clock.now().await?;
        let mut leases =
            context.store.leases_of_others(&context.options.worker, usize::MAX).await?;
        let mut gone = BTreeMap::new();
        leases.retain(|lease| {
            lease.until <= now
                || *gone
                    .entry(lease.owner.clone())
                    .or_insert_with(|| context.liveness.is_gone(&lease.owner))
        });
        Ok(leases.into_iter().map(|lease| lease.task).collect())
    }

    /// Claims a task whose worker is gone, to end it: no worker is left to see the request. Returns `None` if another
    /// worker has claimed it meanwhile, and sees the request, or if the task has ended.
    async fn end_abandoned(&self, id: &TaskId) -> Result<Option<CancelOutcome>> {
        let stop = Stop::new();
        stop.request(StopReason::Cancelled);
        let (engine, id, own) = (self.clone(), id.clone(), stop.clone());
        let run = async move {
            // The request is kept, with what it was made for.
            let claimed = claim_queued(engine.context(), &id).await?;
            engine.drive(claimed, own).await
        };
        let ended = match supervise(stop, run).await {
            Err(Error::LeaseHeld { .. } | Error::Invalid { .. }) => return Ok(None),
            ended => ended?,
        };
        Ok(Some(match ended.status {
            TaskStatus::Cancelled => CancelOutcome::Cancelled,
            // The task had ended already; only the outcome is reported.
            status => CancelOutcome::AlreadyEnded(status),
        }))
    }
}
