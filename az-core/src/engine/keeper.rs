//! Renews the leases of all runs of an engine, and finds requests to cancel them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::claim::OwnedTask;
use super::engine::EngineContext;
use super::options::EngineOptions;
use super::stop::{Stop, StopReason};
use crate::clock::{Clock, later};
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::journal::RunStore;
use crate::lease::LeaseClock;
use crate::task::{HeartbeatStatus, Lease, LeaseFence, Moment};

/// One background loop for all leases of an engine; it ends with the last lease.
#[derive(Clone, Default)]
pub(super) struct LeaseKeeper(Arc<Mutex<State>>);

/// The parts of the engine that the loop uses. It must not keep the event sink alive after the last run.
struct KeeperContext {
    store: Arc<dyn RunStore>,
    clock: Arc<dyn Clock>,
    lease_clock: LeaseClock,
    options: EngineOptions,
}

impl KeeperContext {
    fn of(context: &EngineContext) -> Self {
        Self {
            store: Arc::clone(&context.store),
            clock: Arc::clone(&context.clock),
            lease_clock: context.lease_clock.clone(),
            options: context.options.clone(),
        }
    }
}

#[derive(Default)]
struct State {
    held: HashMap<TaskId, HeldLease>,
    running: bool,
}

/// A lease, the stop that is requested when it is lost, and the fence that measures its age.
struct HeldLease {
    lease: Lease,
    stop: Stop,
    fence: LeaseFence,
}

/// Keeps one lease until it is dropped.
pub(super) struct LeaseGuard {
    keeper: LeaseKeeper,
    task: TaskId,
    epoch: u64,
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        let mut state = self.keeper.state();
        // The same task may have been claimed again meanwhile; that lease belongs to another guard.
        if state.held.get(&self.task).is_some_and(|held| held.lease.epoch == self.epoch) {
            state.held.remove(&self.task);
        }
    }
}

/// Detects that the loop ended early, with a panic or with its runtime, so that the next lease
/// starts a new one.
struct LoopGuard {
    keeper: LeaseKeeper,
    ended: bool,
}

impl Drop for LoopGuard {
    fn drop(&mut self) {
        if !self.ended {
            self.keeper.state().running = false;
        }
    }
}

impl fmt::Debug for LeaseKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseKeeper").field("held", &self.state().held.len()).finish()
    }
}

impl LeaseKeeper {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a lease; requests `stop` if it is lost or the task is cancelled.
    pub(super) fn keep(
        &self,
        context: &Arc<EngineContext>,
        owned: &OwnedTask,
        stop: &Stop,
    ) -> LeaseGuard {
        let OwnedTask { claimed, fence } = owned;
        let lease = &claimed.lease;
        let mut state = self.state();
        let held = HeldLease { lease: lease.clone(), stop: stop.clone(), fence: fence.clone() };
        state.held.insert(lease.task.clone(), held);
        if !state.running {
            state.running = true;
            tokio::spawn(self.clone().watch(KeeperContext::of(context)));
        }
        LeaseGuard { keeper: self.clone(), task: lease.task.clone(), epoch: lease.epoch }
    }

    async fn watch(self, context: KeeperContext) {
        let mut guard = LoopGuard { keeper: self.clone(), ended: false };
        let mut ticks = tokio::time::interval(context.options.poll);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut renewed = Moment::now(&*context.clock);
        loop {
            ticks.tick().await;
            if self.ended() {
                guard.ended = true;
                return;
            }
            let now = Moment::now(&*context.clock);
            let due = now.since(&renewed) >= context.options.lease / 3;
            let result = if due {
                self.heartbeat_in_time(&context).await
            } else {
                self.poll_cancel_requests(&context).await
            };
            match result {
                Ok(()) if due => renewed = now,
                Ok(()) => {}
                // The next tick tries again, until the leases are about to expire.
                Err(error) => {
                    tracing::warn!(error = error.chain(), "failed to renew leases");
                }
            }
            self.stop_expired();
        }
    }

    /// Returns `true` if no lease is left, and marks the loop as ended then.
    fn ended(&self) -> bool {
        let mut state = self.state();
        state.running = !state.held.is_empty();
        !state.running
    }

    /// Stops the runs that have a tool call running and whose lease may have expired: other workers
    /// may claim their tasks from then on.
    ///
    /// The others continue. They check the lease before the next effect, and a reply or a result
    /// that they wait to record is recorded unless another worker has claimed the task.
    fn stop_expired(&self) {
        for held in self.state().held.values() {
            if held.fence.has_effects() && held.fence.check().is_err() {
                held.stop.request(StopReason::LeaseLost);
            }
        }
    }

    async fn poll_cancel_requests(&self, context: &KeeperContext) -> Result<()> {
        for task in context.store.cancel_requests(&context.options.worker).await? {
            self.request(&task, None, StopReason::Cancelled);
        }
        Ok(())
    }

    /// Limits the time of an attempt, so that a locked store leaves time for further ones.
    async fn heartbeat_in_time(&self, context: &KeeperContext) -> Result<()> {
        let limit = context.options.lease / 6;
        let renewed = tokio::time::timeout(limit, self.heartbeat(context)).await;
        renewed.unwrap_or(Err(Error::TimedOut { after: limit }))
    }

    async fn heartbeat(&self, context: &KeeperContext) -> Result<()> {
        let leases: Vec<_> = self.state().held.values().map(|held| held.lease.clone()).collect();
        let sent = Moment::now(&*context.clock);
        let now = context.lease_clock.now().await?;
        let statuses = context.store.heartbeat(&leases, later(now, context.options.lease)).await?;
        for (lease, status) in leases.iter().zip(statuses) {
            match status {
                HeartbeatStatus::Held => self.confirm(lease, sent),
                HeartbeatStatus::CancelRequested => {
                    self.confirm(lease, sent);
                    self.request(&lease.task, Some(lease.epoch), StopReason::Cancelled);
                }
                HeartbeatStatus::Lost => {
                    self.request(&lease.task, Some(lease.epoch), StopReason::LeaseLost);
                }
            }
        }
        // Every worker settles the expired holds of crashed processes.
        context.store.sweep(now).await.map(drop)
    }

    /// Notes that a lease was confirmed by a heartbeat that was sent at `sent`.
    fn confirm(&self, lease: &Lease, sent: Moment) {
        if let Some(held) = self.state().held.get(&lease.task)
            && held.lease.epoch == lease.epoch
        {
            held.fence.confirm(sent);
        }
    }

    fn request(&self, task: &TaskId, epoch: Option<u64>, reason: StopReason) {
        if let Some(held) = self.state().held.get(task)
            && epoch.is_none_or(|epoch| epoch == held.lease.epoch)
        {
            held.stop.request(reason);
        }
    }
}
