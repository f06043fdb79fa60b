//! The contract of the task queue.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::model::{Task, TaskStatus};
use super::waiting::Waiting;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{TaskId, WorkerId};
use crate::lease::LeaseAnchors;

/// Assigns tasks to workers, each task to one worker at a time.
///
/// # Contract
///
/// 1. Enqueueing makes a task `pending`, and creates it if necessary; a task that is pending or
///    running stays as it is, and a failed or cancelled one becomes pending again. A completed one
///    is refused with `Invalid`.
/// 2. A claim gets the pending task of the highest priority, among those the one created first,
///    then the one with the smallest id; never one that was released until a later time. If there
///    is none, the result is `None`.
/// 3. A task is leased to at most one worker at any time, also with concurrent claims from several
///    handles. A claimed task is `running`; its first claim sets `started_at`.
/// 4. A lease whose `until` is at or before the claim's `lease_now` is superseded by the next claim. So
///    is one whose owner the claim presumes dead. Every claim of a task has a larger epoch than the one
///    before.
/// 5. A claim of a named task gets it in any other status, failed and cancelled included, and
///    before its release time. It is refused with `LeaseHeld` while a worker, the claimant
///    included, has the lease, with `Invalid` if the task is completed, and with `NotFound` if it
///    does not exist.
/// 6. A heartbeat extends the lease, never shortens it, and reports a requested cancellation; a
///    superseded lease is `Lost` and stays so.
/// 7. Finishing and releasing need the current lease, expired or not, else `LeaseLost`, and end it.
///    Finishing sets status, answer or failure, and `completed_at`, once. Releasing makes the task
///    pending again, unless its cancellation was requested.
/// 8. Cancelling a waiting task ends it at once. For a running task the request is stored for its
///    owner, who finds it in [`cancel_requests`](Self::cancel_requests) and in heartbeats. A task
///    that has ended stays as it is. The request outlives the lease: a later claim of the next task
///    that gets this one sees it too, and a release ends the task as cancelled. The end of the task
///    clears the request, and so does a claim of the task by name.
/// 9. The queue reads no clock and generates no ids: both come from the caller. The expiry of a lease,
///    and the time that it is compared with, are lease times, as [`LeaseClock`](crate::lease::LeaseClock)
///    returns them; the wall-clock time decides nothing about a lease. For processes in one boot of a
///    machine, a lease therefore expires when its duration has passed, and neither earlier nor later
///    because the wall clock was set. The lease times of two machines differ by as much as their wall
///    clocks differed when each of them first used the store. If that is more than the duration of a
///    lease, the machine that is ahead claims tasks of living workers: they can append nothing from then
///    on, and learn it with their next heartbeat.
/// 10. [`leases_of_others`](Self::leases_of_others) lists the leases whose owner is not `owner`,
///     expired or not, at most `limit` of them: those that expire first come first, then those with
///     the smallest id.
/// 11. Acknowledged writes survive a restart, if the backend is durable.
/// 12. A pending task of which a part cannot be read is damaged: claims of the next task skip it, a
///     claim by name and enqueueing are refused with `Damaged`, and cancelling it ends it.
/// 13. Parking a task needs the current lease, expired or not, else `LeaseLost`, and ends it. The task
///     is pending then, and has what it waits for in [`Task::waiting`], since `now`. If its
///     cancellation was requested, it ends as cancelled instead.
/// 14. A parked task is not claimed before it is [answered](crate::journal::Journal::answer): claims
///     of the next task skip it, and a claim by name is refused with `Waiting`. From its `deny_at` on it
///     is claimed like any other pending task; of several such tasks, the one with the earliest
///     `deny_at` is next, then the one with the smallest id. Enqueueing a parked task changes nothing,
///     and cancelling it ends it. A claim and the end of the task clear `waiting`.
/// 15. A spawned task ([`TaskOptions::spawned`](super::TaskOptions::spawned)) does not outlive its parent:
///     what ends a task, or requests its cancellation, cancels the tasks that it has spawned, those that these have
///     spawned, and so on, at the same time, if they have not ended. Other parts of the task continue.
/// 16. A claim of a named task that is made [only if it is queued](Claim::if_queued) gets what a claim of the next
///     task could get: no task that was not enqueued, has ended, or was released until a later time, which is
///     `Invalid`. It keeps a request to cancel the task.
/// 17. [Spawning](Self::spawn) a task needs the current lease of its parent, expired or not, else `LeaseLost`, and is
///     refused with `Cancelled` if the cancellation of the parent was requested, so that no spawned task is queued
///     that its parent does not end. It creates the task as pending, as only spawning does: enqueueing a spawned task
///     that is not stored is `Invalid`. One that was cancelled with its parent becomes pending again; any other stays
///     as it is, also one whose own cancellation was requested first.
/// 18. A spawned task has the budget that its parent has set for it ([`Task::own_budget`]) while it has not ended. What
///     spawns, enqueues or claims it sets the budget at the same time, unless the task has one; what ends or deletes
///     it removes the budget, unless it was changed.
#[async_trait]
pub trait TaskQueue: LeaseAnchors {
    /// Queues a task.
    ///
    /// # Errors
    ///
    /// `Invalid` for a completed task, and for a spawned one that is not stored; `AlreadyExists` for
    /// another task of this id, or the backend's own.
    async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task>;

    /// Queues a task that its parent spawns under a lease, or resumes it.
    ///
    /// # Errors
    ///
    /// `LeaseLost`, `Cancelled`, `Invalid` for a task that the parent has not spawned, `AlreadyExists` for
    /// another task of this id, or the backend's own.
    async fn spawn(&self, parent: &Lease, task: &Task, now: Timestamp) -> Result<Task>;

    /// Claims the next task, or the named one.
    ///
    /// # Errors
    ///
    /// For a named task `LeaseHeld`, `Waiting`, `Invalid` or `NotFound`; or the backend's own.
    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>>;

    /// Extends leases until the lease time `until`; returns one status for each, in order.
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

    /// Releases a task, to be claimed again from `not_before` on; ends it if its cancellation was
    /// requested.
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

    /// Parks a task, to be claimed again once it is answered; ends it if its cancellation was requested.
    ///
    /// # Errors
    ///
    /// `LeaseLost`, or the backend's own.
    async fn park(&self, lease: &Lease, waiting: &Waiting, now: Timestamp) -> Result<Task>;

    /// Requests that a task is cancelled.
    ///
    /// # Errors
    ///
    /// `NotFound`, or the backend's own.
    async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome>;

    /// Lists the tasks of `owner` whose cancellation was requested.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>>;

    /// Returns the lease of a task, if there is one, expired or not.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn lease(&self, id: &TaskId) -> Result<Option<Lease>>;

    /// Lists the leases of other workers, so that a worker can find those of crashed ones.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>>;
}

/// The exclusive right to work on a task, until it expires or is superseded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// The worker that has it.
    pub owner: WorkerId,
    /// The number of times that the task has been claimed: the fencing token.
    pub epoch: u64,
    /// The lease time at which it expires, unless it is extended.
    pub until: Timestamp,
}

impl Lease {
    /// Returns `true` if both come from the same claim, whatever their times.
    pub fn is_same_claim(&self, other: &Self) -> bool {
        self.task == other.task && self.epoch == other.epoch && self.owner == other.owner
    }

    /// Checks that this lease is the current one. An expired lease is current until another claim
    /// supersedes it. For implementers of stores.
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

    /// Checks that the lease has expired by this lease time, so that its task may be deleted.
    ///
    /// # Errors
    ///
    /// `LeaseHeld` if it has not.
    pub fn check_expired(&self, lease_now: Timestamp) -> Result<()> {
        if self.until > lease_now { Err(self.held()) } else { Ok(()) }
    }

    /// Returns the error for a request that this lease blocks.
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
    /// The current wall-clock time, for the times of the task.
    pub now: Timestamp,
    /// The current lease time, which decides whether a lease has expired.
    pub lease_now: Timestamp,
    /// The lease time at which the lease expires.
    pub until: Timestamp,
    /// The id of the only task to claim; the next one if absent.
    pub task: Option<TaskId>,
    /// An owner that is known to have ended, whose lease need not expire first.
    pub presumed_dead: Option<WorkerId>,
    /// Whether a named task is claimed only if a claim of the next task could get it.
    pub only_if_queued: bool,
}

impl Claim {
    /// Creates a claim of the next task, whose lease time is the wall-clock time `now`.
    pub const fn next(owner: WorkerId, now: Timestamp, until: Timestamp) -> Self {
        let (task, presumed_dead, only_if_queued) = (None, None, false);
        Self { owner, now, lease_now: now, until, task, presumed_dead, only_if_queued }
    }

    /// Returns the claim with a lease time that differs from the wall-clock time.
    #[must_use]
    pub const fn at_lease_time(mut self, lease_now: Timestamp) -> Self {
        self.lease_now = lease_now;
        self
    }

    /// Returns the claim for one named task.
    #[must_use]
    pub fn of(mut self, task: TaskId) -> Self {
        self.task = Some(task);
        self
    }

    /// Returns the claim of a named task that gets it only if a claim of the next task could.
    #[must_use]
    pub const fn if_queued(mut self) -> Self {
        self.only_if_queued = true;
        self
    }

    /// Returns the claim with an owner known to have ended, whose lease need not expire first.
    #[must_use]
    pub fn presuming_dead(mut self, owner: WorkerId) -> Self {
        self.presumed_dead = Some(owner);
        self
    }

    /// Returns `true` if a lease blocks this claim.
    pub fn is_blocked_by(&self, lease: &Lease) -> bool {
        lease.until > self.lease_now && self.presumed_dead.as_ref() != Some(&lease.owner)
    }
}

/// A claimed task with its lease.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The task, now running.
    pub task: Task,
    /// The lease.
    pub lease: Lease,
}

/// The status of a lease, as a heartbeat reports it.
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

/// The result of a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The task was waiting and is cancelled now.
    Cancelled,
    /// The task is running; its owner is to stop it.
    Requested,
    /// The task had ended before.
    AlreadyEnded(TaskStatus),
}

/// The outcome of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// Completed with an answer.
    Completed {
        /// The answer.
        answer: String,
    },
    /// Failed.
    Failed {
        /// The failure.
        failure: Failure,
    },
    /// Cancelled on request.
    Cancelled {
        /// The person or program that requested it.
        failure: Failure,
    },
}

impl Outcome {
    /// Returns the status that the outcome gives a task.
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
    /// `Invalid` if the task cannot end from its status.
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
