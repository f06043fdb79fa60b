//! The contract of journals.

use std::fmt;

use async_trait::async_trait;

use super::event::{Event, NewEvent};
use super::hint::HintQueue;
use super::tool_usage::ToolCallSummary;
use crate::clock::Timestamp;
use crate::cost::{Alert, BudgetKeeper, CostTracker, TimeRange};
use crate::error::Result;
use crate::id::TaskId;
use crate::task::{Lease, Task, TaskQueue, TaskRepository, WaitAnswer};

/// Stores the journals of tasks, append-only.
///
/// # Contract
///
/// 1. Events are returned as they were appended, in order, numbered from 0 without gaps.
/// 2. An append names the number that it expects to get; if that is taken, the whole append is
///    refused with `Conflict`. It is all or nothing.
/// 3. An append needs the task's current lease, by epoch and owner, else `LeaseLost`; an expired
///    lease is current until another claim supersedes it.
/// 4. A second event of one type about one call is refused with `AlreadyExists`, also if a budget
///    would refuse the append.
/// 5. In the same transaction the store applies the effects of the events: `llm_intent` takes its
///    hold, or the whole append is refused with the budget's error; `llm_result` settles it and
///    adds to the task's cost and tokens; `hint` removes the hint that it records from the
///    [`HintQueue`]; `run_finished` ends the task and its lease, as
///    [`TaskQueue::finish`] does.
///    A `copied` event has no effect, whichever event it is a copy of.
/// 6. [`tail`](Self::tail) returns the events from the last snapshot on, or all of them; an
///    unreadable snapshot is skipped in favour of the one before it.
/// 7. [`answer`](Self::answer) appends the answer to a parked task without a lease, because no worker has
///    one: with the next number and the epoch of the last claim. In the same transaction it clears
///    [`Task::waiting`](crate::task::Task::waiting), so that the task can be claimed. It is refused with
///    `NotFound` for an unknown task, and with `Invalid` unless the task waits for this call with this
///    digest and this kind of reply, its `deny_at` has not passed, and the call has no answer yet. Of
///    several answers to a call, one is recorded.
/// 8. Acknowledged writes survive a restart, if the backend is durable.
/// 9. [`tool_calls`](Self::tool_calls) returns every recorded result of a tool call in the time range, of
///    all tasks that are not deleted, once. The start of the range is inclusive, its end exclusive.
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

    /// Records the answer to a parked task, and makes the task claimable again; returns the task.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid`, or the backend's own; nothing was changed then.
    async fn answer(&self, task: &TaskId, answer: &WaitAnswer, now: Timestamp) -> Result<Task>;

    /// Reads up to `limit` events from number `from` on.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn read(&self, task: &TaskId, from: u64, limit: usize) -> Result<Vec<Event>>;

    /// Reads the events that a fold needs: from the last snapshot on.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn tail(&self, task: &TaskId) -> Result<Vec<Event>>;

    /// Summarises the tool calls of all tasks whose results were recorded in a time range, in any order.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn tool_calls(&self, span: TimeRange) -> Result<Vec<ToolCallSummary>>;
}

/// The result of an append.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// The number of the next event.
    pub next_seq: u64,
    /// The alerts that it crossed.
    pub alerts: Vec<Alert>,
}

/// The contracts that a run needs, in one store: an append changes tasks, costs and budgets in the
/// same transaction. Implemented for every type that implements all of them.
pub trait RunStore:
    TaskRepository + TaskQueue + Journal + HintQueue + CostTracker + BudgetKeeper
{
}

impl<S> RunStore for S where
    S: TaskRepository + TaskQueue + Journal + HintQueue + CostTracker + BudgetKeeper + ?Sized
{
}
