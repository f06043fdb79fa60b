//! Keeps leases alive, and listens for requests to cancel, for all runs of an engine at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::engine::Parts;
use super::options::EngineOptions;
use super::stop::{Stop, StopReason};
use crate::clock::{Clock, later};
use crate::error::Result;
use crate::id::TaskId;
use crate::journal::RunStore;
use crate::task::{Beat, Lease};

/// One background loop for all leases of an engine; it ends with the last of them.
#[derive(Clone, Default)]
pub(super) struct LeaseKeeper(Arc<Mutex<State>>);

/// What the loop needs, and no more: whoever listens to runs is let go with the last of them.
struct Watched {
    store: Arc<dyn RunStore>,
    clock: Arc<dyn Clock>,
    options: EngineOptions,
}

impl Watched {
    fn of(parts: &Parts) -> Self {
        Self {
            store: Arc::clone(&parts.store),
            clock: Arc::clone(&parts.clock),
            options: parts.options.clone(),
        }
    }
}

#[derive(Default)]
struct State {
    held: HashMap<TaskId, (Lease, Stop)>,
    running: bool,
}

/// Keeps one lease until dropped.
pub(super) struct Kept {
    keeper: LeaseKeeper,
    task: TaskId,
    epoch: u64,
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut state = self.keeper.state();
        // The same task may have been claimed anew meanwhile; that lease is somebody else's.
        if state.held.get(&self.task).is_some_and(|(lease, _)| lease.epoch == self.epoch) {
            state.held.remove(&self.task);
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
    pub(super) fn keep(&self, parts: &Arc<Parts>, lease: &Lease, stop: &Stop) -> Kept {
        let mut state = self.state();
        state.held.insert(lease.task.clone(), (lease.clone(), stop.clone()));
        if !state.running {
            state.running = true;
            tokio::spawn(self.clone().watch(Watched::of(parts)));
        }
        Kept { keeper: self.clone(), task: lease.task.clone(), epoch: lease.epoch }
    }

    async fn watch(self, parts: Watched) {
        let mut ticks = tokio::time::interval(parts.options.poll);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut since_beat = Duration::ZERO;
        loop {
            ticks.tick().await;
            if self.ended() {
                return;
            }
            since_beat += parts.options.poll;
            let beat_due = since_beat >= parts.options.lease / 3;
            let looked = if beat_due {
                since_beat = Duration::ZERO;
                self.beat(&parts).await
            } else {
                self.look(&parts).await
            };
            if let Err(error) = looked {
                // The next tick tries again; a lease that ran out meanwhile is fenced by the store.
                tracing::warn!(error = error.chain(), "leases could not be looked after");
            }
        }
    }

    /// Whether nothing is held any more; if so, the loop counts as ended from here on.
    fn ended(&self) -> bool {
        let mut state = self.state();
        state.running = !state.held.is_empty();
        !state.running
    }

    async fn look(&self, parts: &Watched) -> Result<()> {
        for task in parts.store.cancel_requests(&parts.options.worker).await? {
            self.request(&task, None, StopReason::Cancelled);
        }
        Ok(())
    }

    async fn beat(&self, parts: &Watched) -> Result<()> {
        let leases: Vec<Lease> = self.state().held.values().map(|(l, _)| l.clone()).collect();
        let until = later(parts.clock.now(), parts.options.lease);
        let beats = parts.store.heartbeat(&leases, until).await?;
        for (lease, beat) in leases.iter().zip(beats) {
            match beat {
                Beat::Held => {}
                Beat::CancelRequested => {
                    self.request(&lease.task, Some(lease.epoch), StopReason::Cancelled);
                }
                Beat::Lost => self.request(&lease.task, Some(lease.epoch), StopReason::LeaseLost),
            }
        }
        Ok(())
    }

    fn request(&self, task: &TaskId, epoch: Option<u64>, reason: StopReason) {
        if let Some((lease, stop)) = self.state().held.get(task)
            && epoch.is_none_or(|epoch| epoch == lease.epoch)
        {
            stop.request(reason);
        }
    }
}
