//! The contract of the journal.

use std::fmt;

use async_trait::async_trait;

use super::event::{Event, NewEvent};
use crate::clock::Timestamp;
use crate::cost::{Alert, BudgetKeeper, CostTracker};
use crate::error::Result;
use crate::id::TaskId;
use crate::task::{Lease, TaskQueue, TaskRepository};

/// Stores the journals of tasks, append only.
///
/// # Contract
///
/// 1. Events are read back as they were appended, in order, numbered from 0 without gaps.
/// 2. An append names the number that its first event gets. If that is taken, all of it is refused
///    with `Conflict`. An append is written as a whole or not at all.
/// 3. An append needs the task's current lease, by epoch and owner, else `LeaseLost`. A lease that
///    has expired is current until another worker claims the task.
/// 4. A second event of one type about one call is refused with `AlreadyExists`, whether or not a
///    budget would refuse the append too.
/// 5. In the same transaction the store applies what the events imply: `llm_intent` takes its hold,
///    or the whole append is refused with the budget's error; `llm_result` settles it and adds to
///    the task's cost and tokens; `run_finished` ends the task and its lease, as
///    [`TaskQueue::finish`] does.
/// 6. [`tail`](Self::tail) returns the events from the last snapshot on, or all if there is none. A
///    snapshot that cannot be read is skipped for the one before it.
/// 7. What was acknowledged survives a restart, where the backend is durable.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync + 'static {
    /// Appends events; the first of them gets number `next_seq`.
    ///
    /// # Errors
    ///
    /// `Conflict`, `LeaseLost`, `AlreadyExists`, `BudgetExceeded`, `Unpriced`, or the backend's
    /// own; nothing was appended then.
    async fn append(
        &self,
        lease: &Lease,
        next_seq: u64,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended>;

    /// Reads up to `limit` events from number `from` on.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn read(&self, task: &TaskId, from: u64, limit: usize) -> Result<Vec<Event>>;

    /// Reads the events that a fold needs, from the last snapshot on.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn tail(&self, task: &TaskId) -> Result<Vec<Event>>;
}

/// The result of an append.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// The number of the next event.
    pub next_seq: u64,
    /// The alerts that it reports.
    pub alerts: Vec<Alert>,
}

/// What a run needs, in one store: an append moves tasks, costs and budgets in the same step, so
/// they cannot live in different places. Implemented for everything that has the parts.
pub trait RunStore: TaskRepository + TaskQueue + Journal + CostTracker + BudgetKeeper {}

impl<S: TaskRepository + TaskQueue + Journal + CostTracker + BudgetKeeper + ?Sized> RunStore for S {}
