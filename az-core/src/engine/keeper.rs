//! Renews leases and looks for requests to cancel, for all runs of an engine at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::engine::EngineContext;
use super::options::EngineOptions;
use super::stop::{Stop, StopReason};
use crate::clock::{Clock, later};
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::journal::RunStore;
use crate::task::{HeartbeatStatus, Lease};

/// One background loop for all leases of an engine; it ends with the last of them.
#[derive(Clone, Default)]
pub(super) struct LeaseKeeper(Arc<Mutex<State>>);

/// What the loop needs, and no more: it must not keep the event sink alive after the last run.
struct Watched {
    store: Arc<dyn RunStore>,
    clock: Arc<dyn Clock>,
    options: EngineOptions,
}

impl Watched {
    fn of(parts: &EngineContext) -> Self {
        Self {
            store: Arc::clone(&parts.store),
            clock: Arc::clone(&parts.clock),
            options: parts.options.clone(),
        }
    }
}

#[derive(Default)]
struct State {
    held: HashMap<TaskId, Held>,
    running: bool,
}

/// A lease, whom to tell when it is lost, and when it was last known to be ours.
struct Held {
    lease: Lease,
    stop: Stop,
    known: Instant,
}

/// Keeps one lease until dropped.
pub(super) struct LeaseGuard {
    keeper: LeaseKeeper,
    task: TaskId,
    epoch: u64,
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        let mut state = self.keeper.state();
        // The same task may have been claimed again meanwhile; that lease is not this guard's.
        if state.held.get(&self.task).is_some_and(|held| held.lease.epoch == self.epoch) {
            state.held.remove(&self.task);
        }
    }
}

/// Notices when the loop is gone before its time, with a panic or its runtime: the next lease starts
/// another.
struct Watching {
    keeper: LeaseKeeper,
    ended: bool,
}

impl Drop for Watching {
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

    /// Keeps a lease; whatever becomes of it is requested of `stop`.
    pub(super) fn keep(
        &self,
        parts: &Arc<EngineContext>,
        lease: &Lease,
        stop: &Stop,
    ) -> LeaseGuard {
        let mut state = self.state();
        let held = Held { lease: lease.clone(), stop: stop.clone(), known: Instant::now() };
        state.held.insert(lease.task.clone(), held);
        if !state.running {
            state.running = true;
            tokio::spawn(self.clone().watch(Watched::of(parts)));
        }
        LeaseGuard { keeper: self.clone(), task: lease.task.clone(), epoch: lease.epoch }
    }

    async fn watch(self, parts: Watched) {
        let mut watching = Watching { keeper: self.clone(), ended: false };
        let mut ticks = tokio::time::interval(parts.options.poll);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut beaten = Instant::now();
        loop {
            ticks.tick().await;
            if self.ended() {
                watching.ended = true;
                return;
            }
            let due = beaten.elapsed() >= parts.options.lease / 3;
            let looked =
                if due { self.beat_in_time(&parts).await } else { self.look(&parts).await };
            match looked {
                Ok(()) if due => beaten = Instant::now(),
                Ok(()) => {}
                // The next tick tries again, until the leases are as good as lost.
                Err(error) => {
                    tracing::warn!(error = error.chain(), "leases could not be looked after");
                }
            }
            self.give_up(parts.options.lease);
        }
    }

    /// Whether nothing is held any more; if so, the loop counts as ended from here on.
    fn ended(&self) -> bool {
        let mut state = self.state();
        state.running = !state.held.is_empty();
        !state.running
    }

    /// Stops runs whose lease may have expired: another worker may claim them from then on.
    fn give_up(&self, lease: Duration) {
        for held in self.state().held.values() {
            if held.known.elapsed() >= lease * 9 / 10 {
                held.stop.request(StopReason::LeaseLost);
            }
        }
    }

    async fn look(&self, parts: &Watched) -> Result<()> {
        for task in parts.store.cancel_requests(&parts.options.worker).await? {
            self.request(&task, None, StopReason::Cancelled);
        }
        Ok(())
    }

    /// A store that is locked must not take the time that further attempts need.
    async fn beat_in_time(&self, parts: &Watched) -> Result<()> {
        let patience = parts.options.lease / 6;
        let beaten = tokio::time::timeout(patience, self.beat(parts)).await;
        beaten.unwrap_or(Err(Error::TimedOut { after: patience }))
    }

    async fn beat(&self, parts: &Watched) -> Result<()> {
        let leases: Vec<_> = self.state().held.values().map(|held| held.lease.clone()).collect();
        let (begun, now) = (Instant::now(), parts.clock.now());
        let beats = parts.store.heartbeat(&leases, later(now, parts.options.lease)).await?;
        for (lease, beat) in leases.iter().zip(beats) {
            match beat {
                HeartbeatStatus::Held => self.known(lease, begun),
                HeartbeatStatus::CancelRequested => {
                    self.known(lease, begun);
                    self.request(&lease.task, Some(lease.epoch), StopReason::Cancelled);
                }
                HeartbeatStatus::Lost => {
                    self.request(&lease.task, Some(lease.epoch), StopReason::LeaseLost);
                }
            }
        }
        // Expired holds of processes that are gone are settled by every worker that is alive.
        parts.store.sweep(now).await.map(drop)
    }

    /// Notes that a lease was ours at a time.
    fn known(&self, lease: &Lease, at: Instant) {
        if let Some(held) = self.state().held.get_mut(&lease.task)
            && held.lease.epoch == lease.epoch
        {
            held.known = at;
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
