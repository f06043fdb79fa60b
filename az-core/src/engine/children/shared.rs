//! What all child tasks in a process share.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::engine::run::Run;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::tool::{EffectClass, PreparedCall, TASK_WAIT};

/// What all child tasks of an engine share.
#[derive(Debug)]
pub(in crate::engine) struct SharedByChildren {
    /// The calls of models and tools that they may make at once.
    calls: Arc<Semaphore>,
    /// Held while tasks are counted and one more is queued, so that two calls do not count the same ones.
    spawning: Mutex<FreeSpawns>,
}

/// The number of trees whose free spawns are kept.
const MOST_TREES: usize = 1024;

/// The most tasks that are spawned below a first task before the tasks there are counted again: by so many, each further
/// process may exceed the limits.
const MOST_UNCOUNTED: usize = 16;

/// The processes that may run parts of a tree without exceeding its limits together.
const PROCESSES: usize = 4;

/// The tasks that may be spawned below first tasks before the tasks there are counted again: a count reads all of
/// them, which would take long in a large tree if each spawn did it.
#[derive(Debug, Default)]
pub(super) struct FreeSpawns(BTreeMap<TaskId, usize>);

impl FreeSpawns {
    /// Takes a free spawn below a first task; returns `false` if the tasks have to be counted.
    pub(super) fn take(&mut self, first: &TaskId) -> bool {
        let free = self.0.get_mut(first).filter(|free| **free > 0);
        free.map(|free| *free -= 1).is_some()
    }

    /// Sets how many more tasks may be spawned below a first task, all processes together.
    pub(super) fn set(&mut self, first: TaskId, left: usize) {
        if self.0.len() >= MOST_TREES {
            self.0.clear();
        }
        self.0.insert(first, (left / PROCESSES).min(MOST_UNCOUNTED));
    }
}

impl SharedByChildren {
    /// Creates slots for so many calls at once, at least one.
    pub(in crate::engine) fn new(calls: usize) -> Self {
        let calls = Semaphore::new(calls.clamp(1, Semaphore::MAX_PERMITS));
        Self { calls: Arc::new(calls), spawning: Mutex::default() }
    }

    /// Waits until no other call in this process spawns a task.
    pub(super) async fn lock_spawning(&self) -> MutexGuard<'_, FreeSpawns> {
        self.spawning.lock().await
    }
}

/// The slot of a call of a child task, which is free again once this is dropped.
pub(in crate::engine) type CallSlot = OwnedSemaphorePermit;

/// The slots of the calls that child tasks make. What holds a slot never waits for another task: neither a
/// `task.wait` nor a run between its calls does, so that no tasks wait for each other.
impl Run {
    /// Waits for the slot of a call; returns `None` for a task that was not spawned, which needs none.
    ///
    /// # Errors
    ///
    /// The stop reason if the run is stopped meanwhile.
    pub(in crate::engine) async fn call_slot(&self) -> Result<Option<CallSlot>> {
        if self.task.options.spawned.is_none() {
            return Ok(None);
        }
        let slots = Arc::clone(&self.context.shared_by_children.calls);
        tokio::select! {
            biased;
            () = self.stop.requested() => {
                self.check_stop()?;
                Err(Error::Cancelled)
            }
            slot = slots.acquire_owned() => match slot {
                Ok(slot) => Ok(Some(slot)),
                Err(_) => Err(Error::Internal("the slots of calls were closed".to_owned())),
            },
        }
    }

    /// Waits for the slot of a call that only reads. One with an effect gets it before its intent is recorded, so
    /// that it is made at once then; a `task.wait` needs none.
    pub(in crate::engine) async fn slot_to_read(
        &self,
        call: &PreparedCall,
    ) -> Result<Option<CallSlot>> {
        match call.effect == EffectClass::Read && call.invocation.tool != TASK_WAIT {
            true => self.call_slot().await,
            false => Ok(None),
        }
    }
}
