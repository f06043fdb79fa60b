//! How an engine is set up.

use std::fmt;
use std::time::Duration;

use crate::call::RetryPolicy;
use crate::id::WorkerId;

/// An engine's figures. [`EngineOptions::new`] has sensible ones.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Who claims tasks: unique among the living.
    pub worker: WorkerId,
    /// How long a lease lasts without a heartbeat; heartbeats come at a third of it.
    pub lease: Duration,
    /// How often to look for requests to cancel.
    pub poll: Duration,
    /// The most steps of a task that does not say.
    pub max_steps: u32,
    /// When to try a model call again.
    pub retry: RetryPolicy,
    /// What to do about tool calls whose outcome is unknown.
    pub on_unknown: OnUnknown,
    /// How long a stopped tool may take to clean up.
    pub grace: Duration,
    /// How many events may follow a snapshot before the next one.
    pub snapshot_every: u64,
}

impl EngineOptions {
    /// Returns sensible options for a worker.
    pub fn new(worker: WorkerId) -> Self {
        Self {
            worker,
            lease: Duration::from_secs(30),
            poll: Duration::from_millis(200),
            max_steps: 50,
            retry: RetryPolicy::default(),
            on_unknown: OnUnknown::default(),
            grace: Duration::from_millis(600),
            snapshot_every: 256,
        }
    }
}

/// What to do about tool calls whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// Tell the model, and go on.
    #[default]
    Continue,
    /// End the task as failed; it continues when it is resumed.
    Fail,
}

/// Tells which workers are gone for good, so that their leases need not expire first.
///
/// # Contract
///
/// 1. A worker that may still be running is never said to be gone.
pub trait Liveness: fmt::Debug + Send + Sync + 'static {
    /// Whether this worker is certainly gone.
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
