//! The child tasks of a run: spawned by it, and run beside it.

mod cancel;
mod restrict;
mod run;
mod shared;
mod spawn;
mod tree;
mod wait;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub(super) use self::shared::SharedByChildren;
use super::engine::Engine;
use super::stop::Stop;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::task::{Lease, Task};
use crate::tool::{ChildReport, SpawnRequest, SpawnTasks};

pub(super) use self::restrict::inherit_bans;

/// The child tasks of a run.
///
/// Children are queued as other tasks are, so that any worker may claim them, and survive a crash. The run
/// claims those that no other worker has, and runs them in the background of its own process.
#[derive(Debug)]
pub(super) struct Children {
    engine: Engine,
    parent: Arc<Task>,
    /// The lease of the parent.
    lease: Lease,
    /// Requested when the run is stopped.
    stop: Stop,
    /// Requested when the run ends, with what is to become of the children.
    ending: Stop,
    local: Mutex<Local>,
    /// Notified when a child that this process runs has ended.
    changed: Notify,
}

/// The children that this process runs.
#[derive(Debug, Default)]
struct Local {
    tasks: BTreeSet<TaskId>,
    running: JoinSet<()>,
    /// Those that could not be claimed, which is recorded once.
    unclaimed: BTreeSet<TaskId>,
}

impl Children {
    pub(super) fn new(engine: Engine, parent: Arc<Task>, lease: Lease, stop: Stop) -> Arc<Self> {
        let (ending, local) = (Stop::new(), Mutex::default());
        Arc::new(Self { engine, parent, lease, stop, ending, local, changed: Notify::new() })
    }

    fn local(&self) -> MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The children of a run, for the calls of its tools. A tool that keeps its call does not keep the engine.
#[derive(Debug)]
pub(super) struct ChildrenOfRun {
    children: Weak<Children>,
    /// The children whose end the model was told: a wait without names does not report them again.
    told: BTreeSet<TaskId>,
}

impl ChildrenOfRun {
    pub(super) fn new(children: &Arc<Children>, told: BTreeSet<TaskId>) -> Self {
        Self { children: Arc::downgrade(children), told }
    }

    fn get(&self) -> Result<Arc<Children>> {
        self.children
            .upgrade()
            .ok_or_else(|| Error::invalid("call", "the run of the task has ended"))
    }
}

#[async_trait]
impl SpawnTasks for ChildrenOfRun {
    async fn spawn(&self, key: &str, request: &SpawnRequest) -> Result<TaskId> {
        self.get()?.spawn(key, request).await
    }

    async fn wait(&self, tasks: &[TaskId], limit: Duration) -> Result<Vec<ChildReport>> {
        let children = self.get()?;
        let untold = match tasks {
            [] => children.untold(&self.told).await?,
            _ => Vec::new(),
        };
        children.wait(if tasks.is_empty() { &untold } else { tasks }, limit).await
    }
}
