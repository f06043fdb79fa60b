//! The contract of the queue, and its claims, leases and outcomes.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::model::{Task, TaskStatus};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{TaskId, WorkerId};

/// Assigns tasks to workers, each task to one worker at a time.
///
/// # Contract
///
/// 1. Enqueueing makes a task `pending`, and creates it if it does not exist. A task that is pending
///    or running stays as it is. A failed or cancelled one can be claimed again, at once. A
///    completed one is refused with `Invalid`.
/// 2. A claim returns the pending task with the highest priority; among those the one created first,
///    then the one with the smallest id. It never returns a task that was released until a later
///    time. It returns `None` if no task can be claimed.
/// 3. A task is leased to at most one worker at any time, also when several handles claim
///    concurrently. The claimed task is `running`; the first claim sets its `started_at`.
/// 4. A task whose lease has `until` at or before `now` can be claimed again, and so can one whose
///    owner the claim presumes dead. Every claim of a task has a larger epoch than the one before.
/// 5. A claim of a named task succeeds whatever its status is, also when it failed or was cancelled.
///    It is refused with `LeaseHeld`, which names the owner, while a worker holds the task, also if
///    that is the claimant; with `Invalid` if the task is completed; and with `NotFound` if there is
///    none.
/// 6. A heartbeat extends the lease, never shortens it, and reports a requested cancellation. A
///    superseded lease is `Lost` and stays so.
/// 7. Finishing and releasing need the current lease, expired or not, else `LeaseLost`, and end it.
///    Finishing sets status, answer or failure, and `completed_at`, once. Releasing makes the task
///    pending again, unless a cancellation was requested.
/// 8. Cancelling a task that waits ends it at once. Cancelling a running task records a request,
///    which its owner reads in [`cancel_requests`](Self::cancel_requests) and in the status of its
///    heartbeats. A task that has ended stays as it is. The request outlives the lease: a worker
///    that gets the task by a claim of the next one reads it too, and a release ends the task as
///    cancelled. The end of the task clears the request, and so does a claim of the task by name.
/// 9. The queue creates no ids and no times: they come from the caller.
/// 10. [`leases_of_others`](Self::leases_of_others) lists every lease whose owner is not `owner`,
///     expired or not, at most `limit` of them: ordered by the time at which they expire, then by
///     id.
#[async_trait]
pub trait TaskQueue: fmt::Debug + Send + Sync + 'static {
    /// Makes a task claimable.
    ///
    /// # Errors
    ///
    /// `Invalid` for a completed task, `AlreadyExists` for another task of this id, or the
    /// backend's own.
    async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task>;

    /// Claims the next task, or the one that the claim names.
    ///
    /// # Errors
    ///
    /// For a named task `LeaseHeld`, `Invalid` or `NotFound`; or the backend's own.
    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>>;

    /// Extends leases until `until`; returns one status for each, in order.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn heartbeat(&self, leases: &[Lease], until: Timestamp) -> Result<Vec<HeartbeatStatus>>;

    /// Ends a task and its lease.
    ///
    /// # Errors
    ///
    /// `LeaseLost`, or the backend's own.
    async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<Task>;

    /// Releases a task, which can be claimed again from `not_before` on; ends it if a cancellation
    /// was requested.
    ///
    /// # Errors
    ///
    /// `LeaseLost`, or the backend's own.
    async fn release(
        &self,
        lease: &Lease,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Task>;

    /// Cancels a task that waits, and requests the cancellation of a running one.
    ///
    /// # Errors
    ///
    /// `NotFound`, or the backend's own.
    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome>;

    /// Lists the tasks that `owner` holds and whose cancellation was requested.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>>;

    /// Returns the lease of a task, expired or not.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn lease(&self, id: &TaskId) -> Result<Option<Lease>>;

    /// Lists the leases of other owners, so that a worker can find those of workers that are gone.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>>;
}

/// The right to work on a task, until it expires or is superseded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// The worker that holds it.
    pub owner: WorkerId,
    /// How many times the task has been claimed; fences off earlier owners.
    pub epoch: u64,
    /// When the lease expires, unless it is extended.
    pub until: Timestamp,
}

impl Lease {
    /// Whether both come from the same claim, whatever their times.
    pub fn is_same_claim(&self, other: &Self) -> bool {
        self.task == other.task && self.epoch == other.epoch && self.owner == other.owner
    }

    /// Checks that this lease is the current one, for implementers of stores. That its time has
    /// expired does not matter until another claim supersedes it.
    ///
    /// # Errors
    ///
    /// `LeaseLost` with the current owner.
    pub fn check_current(&self, current: Option<&Self>) -> Result<()> {
        match current {
            Some(current) if current.is_same_claim(self) => Ok(()),
            other => Err(Error::LeaseLost {
                task: self.task.clone(),
                owner: other.map(|lease| lease.owner.clone()),
            }),
        }
    }

    /// Checks that the lease has expired by `now`, so that its task may be deleted.
    ///
    /// # Errors
    ///
    /// `LeaseHeld` if it has not.
    pub fn check_expired(&self, now: Timestamp) -> Result<()> {
        if self.until > now { Err(self.held()) } else { Ok(()) }
    }

    /// Returns the refusal of a request that this lease bars.
    pub(super) fn held(&self) -> Error {
        let Self { task, owner, until, .. } = self.clone();
        Error::LeaseHeld { task, owner, until }
    }
}

/// A worker's request for a task.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The worker that claims.
    pub owner: WorkerId,
    /// The current time.
    pub now: Timestamp,
    /// Until when the task is to be leased.
    pub until: Timestamp,
    /// The only task to claim; the next one if absent.
    pub task: Option<TaskId>,
    /// An owner that is known to be gone, whose lease does not bar the claim.
    pub presumed_dead: Option<WorkerId>,
}

impl Claim {
    /// Creates a claim of the next task.
    pub const fn next(owner: WorkerId, now: Timestamp, until: Timestamp) -> Self {
        Self { owner, now, until, task: None, presumed_dead: None }
    }

    /// Restricts the claim to one task.
    #[must_use]
    pub fn of(mut self, task: TaskId) -> Self {
        self.task = Some(task);
        self
    }

    /// Ignores the lease of an owner that is known to be gone.
    #[must_use]
    pub fn presuming_dead(mut self, owner: WorkerId) -> Self {
        self.presumed_dead = Some(owner);
        self
    }

    /// Whether a lease bars this claim.
    pub fn is_barred_by(&self, lease: &Lease) -> bool {
        lease.until > self.now && self.presumed_dead.as_ref() != Some(&lease.owner)
    }
}

/// A task with the lease on it.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The task, now running.
    pub task: Task,
    /// The right to work on it.
    pub lease: Lease,
}

/// What a heartbeat reports about a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatStatus {
    /// The lease is the current one.
    Held,
    /// The lease is the current one, and its owner is to stop.
    CancelRequested,
    /// The lease was superseded, or its task has ended or does not exist.
    Lost,
}

impl HeartbeatStatus {
    /// Returns the status of a current lease.
    pub const fn held(cancel_requested: bool) -> Self {
        if cancel_requested { Self::CancelRequested } else { Self::Held }
    }
}

/// What a request to cancel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The task was waiting and is cancelled.
    Cancelled,
    /// The task is running, and its owner is to stop.
    Requested,
    /// The task had ended before.
    AlreadyEnded(TaskStatus),
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// With an answer.
    Completed {
        /// The answer.
        answer: String,
    },
    /// Without one.
    Failed {
        /// The failure.
        failure: Failure,
    },
    /// On request.
    Cancelled {
        /// The source of the request.
        failure: Failure,
    },
}

impl Outcome {
    /// Returns the status of a task that ended so.
    pub const fn status(&self) -> TaskStatus {
        match self {
            Self::Completed { .. } => TaskStatus::Completed,
            Self::Failed { .. } => TaskStatus::Failed,
            Self::Cancelled { .. } => TaskStatus::Cancelled,
        }
    }

    /// Ends `task` with this outcome.
    ///
    /// # Errors
    ///
    /// `Invalid` if the status of the task does not allow it.
    pub fn apply(&self, task: &mut Task, now: Timestamp) -> Result<()> {
        task.move_to(self.status(), now)?;
        match self {
            Self::Completed { answer } => task.answer = Some(answer.clone()),
            Self::Failed { failure } | Self::Cancelled { failure } => {
                task.failure = Some(failure.clone());
            }
        }
        Ok(())
    }
}
