//! How tasks get to workers.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::model::{Task, TaskStatus};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{TaskId, WorkerId};

/// Hands tasks to workers, each task to one worker at a time.
///
/// # Contract
///
/// 1. Enqueueing makes a task `pending`, creating it if need be; a task that is pending or running
///    stays as it is, and a failed or cancelled one is taken up again. A completed one is refused
///    with `Invalid`.
/// 2. A claim gets the pending task of the highest priority, among those the one created first,
///    then the smallest id; never one released until a time that has not come. Nothing to do is
///    `None`.
/// 3. A task is leased to at most one worker at any instant, also among concurrent claims from
///    several handles. The claimed task is `running`, its `started_at` set by the first claim.
/// 4. A lease whose `until` is at or before `now` is given to whoever claims next. So is one whose
///    owner the claimant of that task presumes dead. Every claim of a task has a larger epoch than the last.
/// 5. A claim of a named task takes it up whatever it waits for, also when failed or cancelled; it
///    is refused with `LeaseHeld` naming the owner while anybody, the claimant included, holds it, `Invalid` when it
///    is completed, and `NotFound` when there is none.
/// 6. A beat extends the lease, never shortens it, and reports a requested cancellation; a superseded lease is `Lost`
///    and stays so.
/// 7. Finishing and releasing need the current lease, run out or not, else `LeaseLost`, and end it. Finishing sets
///    status, answer or failure, and `completed_at`, once. Releasing makes the task pending again,
///    unless it is to be stopped.
/// 8. Cancelling a task that waits ends it at once; of a running one it is noted for its owner,
///    who sees it in [`cancel_requests`](Self::cancel_requests) and in its beats; one that has
///    ended stays as it is. The note outlives the owner: who claims whatever is next and gets the
///    task sees it too, and a release ends the task as cancelled. An end clears the note, and so
///    does a claim of the task by name, which says that it is wanted after all.
/// 9. The queue invents nothing: ids and times come from the caller.
/// 10. [`leases_of_others`](Self::leases_of_others) lists every lease whose owner is not `owner`,
///     whether or not it has run out: the one that runs out first comes first, then the smallest
///     id, and no more than `limit` of them.
#[async_trait]
pub trait TaskQueue: fmt::Debug + Send + Sync + 'static {
    /// Puts a task in line.
    ///
    /// # Errors
    ///
    /// `Invalid` for a completed task, `AlreadyExists` for another task of this id, or the
    /// backend's own.
    async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task>;

    /// Takes the next task, or the one named.
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

    /// Gives a task back, to be claimed again from `not_before` on; ends it if it is to be stopped.
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

    /// Asks for a task to be stopped.
    ///
    /// # Errors
    ///
    /// `NotFound`, or the backend's own.
    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome>;

    /// Lists the tasks that `owner` holds and was asked to stop.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>>;

    /// Returns who holds a task, if anybody does, whether or not the lease has run out.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn lease(&self, id: &TaskId) -> Result<Option<Lease>>;

    /// Lists what others hold, so that a worker can find the leases of those that are gone.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>>;
}

/// The right to work on a task, until it runs out or is superseded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// Who holds it.
    pub owner: WorkerId,
    /// How many times the task has been claimed; fences off earlier owners.
    pub epoch: u64,
    /// When the lease runs out, unless extended.
    pub until: Timestamp,
}

impl Lease {
    /// Whether both were given out by the same claim, whatever their times.
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

    /// Returns the refusal of a request that this lease stands in the way of.
    pub(super) fn held(&self) -> Error {
        let Self { task, owner, until, .. } = self.clone();
        Error::LeaseHeld { task, owner, until }
    }
}

/// A worker's request for a task.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who asks.
    pub owner: WorkerId,
    /// The current time.
    pub now: Timestamp,
    /// Until when the task is wanted.
    pub until: Timestamp,
    /// Only this task.
    pub task: Option<TaskId>,
    /// An owner known to be gone, whose lease need not be waited for.
    pub presumed_dead: Option<WorkerId>,
}

impl Claim {
    /// Returns a claim of whatever is next.
    pub const fn next(owner: WorkerId, now: Timestamp, until: Timestamp) -> Self {
        Self { owner, now, until, task: None, presumed_dead: None }
    }

    /// Returns a claim of one task.
    #[must_use]
    pub fn of(mut self, task: TaskId) -> Self {
        self.task = Some(task);
        self
    }

    /// Returns a claim that does not wait for the lease of an owner known to be gone.
    #[must_use]
    pub fn presuming_dead(mut self, owner: WorkerId) -> Self {
        self.presumed_dead = Some(owner);
        self
    }

    /// Whether a lease stands in the way of this claim.
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

/// What cancelling did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It was waiting and is cancelled now.
    Cancelled,
    /// It is running; its owner has been asked.
    Requested,
    /// It had ended before.
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
        /// Why.
        failure: Failure,
    },
    /// On request.
    Cancelled {
        /// Who or what asked.
        failure: Failure,
    },
}

impl Outcome {
    /// Returns the status that a task gets by it.
    pub const fn status(&self) -> TaskStatus {
        match self {
            Self::Completed { .. } => TaskStatus::Completed,
            Self::Failed { .. } => TaskStatus::Failed,
            Self::Cancelled { .. } => TaskStatus::Cancelled,
        }
    }

    /// Ends `task` with it.
    ///
    /// # Errors
    ///
    /// `Invalid` when the task cannot end from where it is.
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
