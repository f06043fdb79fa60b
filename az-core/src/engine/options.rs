//! The options of an engine.

use std::fmt;
use std::time::Duration;

use crate::call::RetryPolicy;
use crate::id::WorkerId;
use crate::task::UnattendedMode;

/// The options of an engine. [`EngineOptions::new`] sets defaults.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The worker that claims tasks, with an id that no other live worker has.
    pub worker: WorkerId,
    /// The duration of a lease without a heartbeat; heartbeats are sent at a third of it.
    pub lease: Duration,
    /// The interval at which requests to cancel are polled.
    pub poll: Duration,
    /// The step limit of tasks that have none of their own.
    pub max_steps: u32,
    /// The limit of tool calls of tasks that have none of their own; without it, ten calls for each
    /// step that the task may take.
    pub max_calls: Option<u32>,
    /// The retry policy of model calls.
    pub retry: RetryPolicy,
    /// The handling of tool calls whose outcome is unknown.
    pub on_unknown: OnUnknown,
    /// What to do about a call that needs an answer if no one can be asked, for tasks that have no mode
    /// of their own.
    pub unattended: UnattendedMode,
    /// Whether the commands of `shell.execute` are confined, so that the checks of a task, which its user
    /// has written, need no approval.
    pub checks_are_confined: bool,
    /// The most child tasks of a task that may run at once.
    pub max_children: usize,
    /// The most levels of child tasks below a task that was not spawned; 0 allows none.
    pub max_child_levels: u32,
    /// The most child tasks below a task that was not spawned, at all levels together.
    pub max_descendants: usize,
    /// The most of them that may not have ended at once.
    pub max_unfinished_descendants: usize,
    /// The most calls of models and tools that child tasks in this process make at once, at least 1.
    pub max_child_calls: usize,
    /// The full names of the models that a task may give its child tasks, beside its own; all if absent.
    pub child_models: Option<Vec<String>>,
    /// The time that a stopped tool has to clean up.
    pub grace: Duration,
    /// The least number of events between two snapshots. Where the fold is large there are more, so
    /// that snapshots take no more space than the record times one and a half.
    pub snapshot_every: u64,
}

impl EngineOptions {
    /// Creates options with defaults for a worker.
    pub fn new(worker: WorkerId) -> Self {
        Self {
            worker,
            lease: Duration::from_secs(30),
            poll: Duration::from_millis(200),
            max_steps: 50,
            max_calls: None,
            retry: RetryPolicy::default(),
            on_unknown: OnUnknown::default(),
            unattended: UnattendedMode::default(),
            checks_are_confined: false,
            max_children: 16,
            max_child_levels: 3,
            max_descendants: 256,
            max_unfinished_descendants: 64,
            max_child_calls: 16,
            child_models: None,
            grace: Duration::from_millis(600),
            snapshot_every: 256,
        }
    }
}

/// The handling of tool calls whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// Tell the model and continue.
    #[default]
    Continue,
    /// End the task as failed; resuming continues it.
    Fail,
}

/// Detects workers that have ended for good, so that their leases need not expire first.
///
/// # Contract
///
/// 1. A worker that may still be running is never reported as gone.
pub trait Liveness: fmt::Debug + Send + Sync + 'static {
    /// Returns `true` if the worker has certainly ended.
    fn is_gone(&self, worker: &WorkerId) -> bool;
}

/// Assumes that every worker is alive: a lease always lasts until it expires.
#[derive(Debug, Clone, Copy, Default)]
pub struct AssumeAlive;

impl Liveness for AssumeAlive {
    fn is_gone(&self, _worker: &WorkerId) -> bool {
        false
    }
}
