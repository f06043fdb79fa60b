//! The rules of enqueueing, claiming, finishing, releasing and cancelling.

use std::borrow::Borrow;

use super::model::{Task, TaskStatus};
use super::queue::{CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// A task and the data that the queue stores with it. For implementers of stores.
///
/// The methods are the rules of [`TaskQueue`](super::TaskQueue). A store reads the row, calls a
/// method and writes the row back, in one transaction. The methods perform no I/O and are
/// deterministic. If one fails, the row is unchanged.
///
/// Exhaustive, so that a store has to store every field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedTask {
    /// The task.
    pub task: Task,
    /// The number of times that the task was claimed.
    pub epoch: u64,
    /// The current lease, expired or not.
    pub lease: Option<Lease>,
    /// The time before which the task is not claimed as the next one.
    pub not_before: Option<Timestamp>,
    /// Whether the cancellation of the task was requested.
    pub cancel_requested: bool,
    /// Whether the request was for this task, and not for the one that has spawned it. It remains when the task ends
    /// as cancelled: such a task is not resumed with its parent.
    pub cancelled_alone: bool,
}

impl QueuedTask {
    /// Creates the row of a task that was never claimed.
    pub const fn new(task: Task) -> Self {
        let (cancel_requested, cancelled_alone) = (false, false);
        Self { task, epoch: 0, lease: None, not_before: None, cancel_requested, cancelled_alone }
    }

    /// Returns the row to store for `given`, which is enqueued.
    ///
    /// A task that is pending or running keeps its row. Any other becomes claimable at once.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if `stored` is another task; `Invalid` if the task is completed, or is spawned
    /// and not stored; `Damaged` if a part of the stored task cannot be read.
    pub fn enqueue(stored: Option<Self>, given: &Task, now: Timestamp) -> Result<Self> {
        if stored.is_none() {
            given.check_not_spawned()?;
        }
        Self::queue(stored, given, now)
    }

    /// Returns the row to store for `given`, which is enqueued or spawned.
    pub(super) fn queue(stored: Option<Self>, given: &Task, now: Timestamp) -> Result<Self> {
        let is_new = stored.is_none();
        let mut row = stored.unwrap_or_else(|| Self::new(given.clone()));
        row.task.check_undamaged()?;
        row.task.check_same(given)?;
        match row.task.status {
            TaskStatus::Pending => {}
            TaskStatus::Running if !is_new => {}
            _ => {
                row.task.move_to(TaskStatus::Pending, now)?;
                row.free(None);
                row.cancelled_alone = false;
            }
        }
        Ok(row)
    }

    /// Claims the task.
    ///
    /// # Errors
    ///
    /// `LeaseHeld` if a lease blocks the claim; `Waiting` if the task is parked; `Invalid` if the task
    /// is completed; `Damaged` if a part of the stored task cannot be read. A claim of the next task
    /// skips such tasks.
    pub fn claim(&mut self, claim: &Claim) -> Result<Claimed> {
        self.task.check_undamaged()?;
        self.check_not_waiting(claim)?;
        if claim.only_if_queued {
            self.check_queued(claim)?;
        }
        if let Some(lease) = self.lease.as_ref().filter(|lease| claim.is_blocked_by(lease)) {
            return Err(lease.held());
        }
        self.task.move_to(TaskStatus::Running, claim.now)?;
        self.epoch += 1;
        self.not_before = None;
        // A claim by name withdraws a request to cancel; a claim of the next task keeps it.
        let is_kept = claim.task.is_none() || claim.only_if_queued;
        self.cancel_requested &= is_kept;
        self.cancelled_alone &= is_kept;
        let lease = Lease {
            task: self.task.id.clone(),
            owner: claim.owner.clone(),
            epoch: self.epoch,
            until: claim.until,
        };
        self.lease = Some(lease.clone());
        Ok(Claimed { task: self.task.clone(), lease })
    }

    /// Extends the current lease until `until`; never shortens it.
    pub fn heartbeat(&mut self, lease: &Lease, until: Timestamp) -> HeartbeatStatus {
        match &mut self.lease {
            Some(current) if current.is_same_claim(lease) => {
                current.until = current.until.max(until);
                HeartbeatStatus::held(self.cancel_requested)
            }
            _ => HeartbeatStatus::Lost,
        }
    }

    /// Ends the task and its lease.
    ///
    /// # Errors
    ///
    /// `LeaseLost` unless `lease` is the current one.
    pub fn finish(&mut self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<()> {
        lease.check_current(self.lease.as_ref())?;
        self.end(outcome, now)
    }

    /// Makes the task pending again, or ends it if a cancellation was requested.
    ///
    /// # Errors
    ///
    /// `LeaseLost` unless `lease` is the current one.
    pub fn release(
        &mut self,
        lease: &Lease,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        lease.check_current(self.lease.as_ref())?;
        if self.cancel_requested {
            return self.cancel(now);
        }
        self.task.move_to(TaskStatus::Pending, now)?;
        self.free(not_before);
        Ok(())
    }

    /// Cancels a waiting task, or stores the request for a running one.
    ///
    /// # Errors
    ///
    /// None in practice; a waiting task may always be cancelled.
    pub fn request_cancel(&mut self, now: Timestamp) -> Result<CancelOutcome> {
        // The first request counts.
        if !self.task.status.is_ended() && !self.cancel_requested {
            self.cancelled_alone = true;
        }
        self.take_cancel_request(now)
    }

    /// Cancels a waiting task, or stores the request for a running one: for itself or with its parent.
    pub(super) fn take_cancel_request(&mut self, now: Timestamp) -> Result<CancelOutcome> {
        match self.task.status {
            TaskStatus::Initialized | TaskStatus::Pending => {
                self.cancel(now)?;
                Ok(CancelOutcome::Cancelled)
            }
            TaskStatus::Running => {
                self.cancel_requested = true;
                Ok(CancelOutcome::Requested)
            }
            ended @ (TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled) => {
                Ok(CancelOutcome::AlreadyEnded(ended))
            }
        }
    }

    fn cancel(&mut self, now: Timestamp) -> Result<()> {
        self.end(&Outcome::Cancelled { failure: (&Error::Cancelled).into() }, now)
    }

    fn end(&mut self, outcome: &Outcome, now: Timestamp) -> Result<()> {
        outcome.apply(&mut self.task, now)?;
        self.free(None);
        self.cancelled_alone &= self.task.status == TaskStatus::Cancelled;
        Ok(())
    }

    fn free(&mut self, not_before: Option<Timestamp>) {
        self.lease = None;
        self.not_before = not_before;
        self.cancel_requested = false;
    }
}

/// Returns the row that a store found for a lease, if the lease is the current one.
///
/// # Errors
///
/// `LeaseLost` with the current owner if it is not, or if there is no such task.
pub fn held<R: Borrow<QueuedTask>>(found: Option<R>, lease: &Lease) -> Result<R> {
    let current = found.as_ref().and_then(|row| row.borrow().lease.as_ref());
    lease.check_current(current)?;
    found.ok_or_else(|| Error::LeaseLost { task: lease.task.clone(), owner: None })
}

#[cfg(test)]
mod tests {
    use super::{QueuedTask, held};
    use crate::error::Error;
    use crate::id::WorkerId;
    use crate::task::{CancelOutcome, Claim, HeartbeatStatus, Lease, Outcome, Task, TaskStatus};
    use crate::testing::sample::{at, task};

    fn worker(name: &str) -> WorkerId {
        WorkerId::new(name).unwrap()
    }

    fn with_status(status: TaskStatus) -> QueuedTask {
        QueuedTask::new(Task { status, ..task("t", 0) })
    }

    /// Task `t`, claimed once at minute 1 until minute 61.
    fn running() -> (QueuedTask, Lease) {
        let mut row = with_status(TaskStatus::Pending);
        let claimed = row.claim(&Claim::next(worker("w"), at(1), at(61))).unwrap();
        (row, claimed.lease)
    }

    fn cancelled() -> Outcome {
        Outcome::Cancelled { failure: (&Error::Cancelled).into() }
    }

    #[test]
    fn enqueueing_makes_initialized_failed_and_cancelled_tasks_pending() {
        use TaskStatus::{Cancelled, Completed, Failed, Initialized, Pending, Running};
        for (stored, expected) in [
            (Initialized, Some(Pending)),
            (Pending, Some(Pending)),
            (Running, Some(Running)),
            (Failed, Some(Pending)),
            (Cancelled, Some(Pending)),
            (Completed, None),
        ] {
            let row = QueuedTask { not_before: Some(at(9)), ..with_status(stored) };
            let stays = stored == Pending || stored == Running;
            let expected = expected.map(|status| QueuedTask {
                task: Task {
                    status,
                    updated_at: if stays { row.task.updated_at } else { at(3) },
                    ..task("t", 0)
                },
                not_before: stays.then_some(at(9)),
                ..row.clone()
            });
            let found = QueuedTask::enqueue(Some(row), &task("t", 0), at(3));
            assert_eq!(found.ok(), expected, "{stored}");
        }
    }

    #[test]
    fn a_task_that_is_new_to_the_store_is_enqueued_as_pending() {
        let new = Task { status: TaskStatus::Running, ..task("t", 0) };
        let row = QueuedTask::enqueue(None, &new, at(3)).unwrap();
        let pending = Task { status: TaskStatus::Pending, updated_at: at(3), ..task("t", 0) };
        assert_eq!(row, QueuedTask::new(pending));
    }

    #[test]
    fn another_task_of_a_stored_id_is_not_enqueued() {
        let other = Task { command: "another".to_owned(), ..task("t", 0) };
        let error = QueuedTask::enqueue(Some(QueuedTask::new(task("t", 0))), &other, at(3));
        assert_eq!(error.unwrap_err().to_string(), r#"task "t" exists already"#);
    }

    #[test]
    fn a_claim_starts_the_task_under_a_new_epoch() {
        let mut row = QueuedTask {
            epoch: 4,
            not_before: Some(at(9)),
            cancel_requested: true,
            ..with_status(TaskStatus::Failed)
        };
        let next = row.clone().claim(&Claim::next(worker("w"), at(5), at(65))).unwrap();
        let lease =
            Lease { task: next.task.id.clone(), owner: worker("w"), epoch: 5, until: at(65) };
        assert_eq!(next.lease, lease);

        let named = Claim::next(worker("w"), at(5), at(65)).of(lease.task.clone());
        let claimed = row.claim(&named).unwrap();
        let started = Task {
            status: TaskStatus::Running,
            started_at: Some(at(5)),
            updated_at: at(5),
            ..task("t", 0)
        };
        assert_eq!((claimed.task, claimed.lease), (started.clone(), lease.clone()));
        let expected = QueuedTask { epoch: 5, lease: Some(lease), ..QueuedTask::new(started) };
        assert_eq!(row, expected, "a claim by name withdraws the request to stop");
    }

    #[test]
    fn a_lease_bars_claims_until_it_expires_or_its_owner_is_presumed_dead() {
        let (row, lease) = running();
        let claim = |now| Claim::next(worker("other"), at(now), at(200));
        for (claim, expected) in [
            (claim(60), Err("task t is held by w until 2026-01-05T01:01:00Z".to_owned())),
            (claim(61), Ok(2)),
            (claim(60).presuming_dead(lease.owner.clone()), Ok(2)),
            (claim(60).presuming_dead(worker("third")), Err(lease.held().to_string())),
        ] {
            let found = row.clone().claim(&claim).map(|claimed| claimed.lease.epoch);
            assert_eq!(found.map_err(|e| e.to_string()), expected, "{claim:?}");
        }
    }

    #[test]
    fn a_heartbeat_extends_the_current_lease_only() {
        let (row, lease) = running();
        let stale = Lease { epoch: 0, ..lease.clone() };
        for (lease, until, requested, status, expected) in [
            (&lease, at(70), false, HeartbeatStatus::Held, at(70)),
            (&lease, at(50), true, HeartbeatStatus::CancelRequested, at(61)),
            (&stale, at(70), false, HeartbeatStatus::Lost, at(61)),
        ] {
            let mut row = QueuedTask { cancel_requested: requested, ..row.clone() };
            assert_eq!(row.heartbeat(lease, until), status);
            assert_eq!(row.lease.map(|lease| lease.until), Some(expected));
        }
    }

    #[test]
    fn a_release_makes_the_task_pending_or_ends_it_as_requested() {
        let (row, lease) = running();
        let pending = Task {
            status: TaskStatus::Pending,
            started_at: Some(at(1)),
            updated_at: at(2),
            ..task("t", 0)
        };
        let mut released = row.clone();
        released.release(&lease, Some(at(30)), at(2)).unwrap();
        let expected =
            QueuedTask { epoch: 1, not_before: Some(at(30)), ..QueuedTask::new(pending) };
        assert_eq!(released, expected);

        let mut released = QueuedTask { cancel_requested: true, ..row.clone() };
        released.release(&lease, Some(at(30)), at(2)).unwrap();
        let mut ended = row.task;
        cancelled().apply(&mut ended, at(2)).unwrap();
        assert_eq!(released, QueuedTask { epoch: 1, ..QueuedTask::new(ended) });
    }

    #[test]
    fn finishing_and_releasing_need_the_current_lease() {
        let (mut row, lease) = running();
        let before = row.clone();
        for stale in
            [Lease { epoch: 0, ..lease.clone() }, Lease { owner: worker("other"), ..lease.clone() }]
        {
            let lost = |error: Error| match error {
                Error::LeaseLost { task, owner } => (task, owner),
                other => panic!("{other}"),
            };
            let expected = (lease.task.clone(), Some(worker("w")));
            assert_eq!(lost(row.finish(&stale, &cancelled(), at(2)).unwrap_err()), expected);
            assert_eq!(lost(row.release(&stale, None, at(2)).unwrap_err()), expected);
            assert_eq!(lost(held(Some(&row), &stale).unwrap_err()), expected);
            let missing = held(None::<QueuedTask>, &stale).unwrap_err();
            assert_eq!(lost(missing), (lease.task.clone(), None));
        }
        assert_eq!(row, before);
        assert_eq!(held(Some(&row), &lease).unwrap(), &before);
    }

    #[test]
    fn a_request_to_cancel_depends_on_the_status() {
        use TaskStatus::{Cancelled, Completed, Failed, Initialized, Pending, Running};
        for (status, outcome, after) in [
            (Initialized, CancelOutcome::Cancelled, Cancelled),
            (Pending, CancelOutcome::Cancelled, Cancelled),
            (Running, CancelOutcome::Requested, Running),
            (Completed, CancelOutcome::AlreadyEnded(Completed), Completed),
            (Failed, CancelOutcome::AlreadyEnded(Failed), Failed),
            (Cancelled, CancelOutcome::AlreadyEnded(Cancelled), Cancelled),
        ] {
            let mut row = with_status(status);
            assert_eq!(row.request_cancel(at(2)).unwrap(), outcome, "{status}");
            assert_eq!((row.task.status, row.cancel_requested), (after, status == Running));
            assert_eq!(row.cancelled_alone, !status.is_ended(), "{status}");
        }
    }

    #[test]
    fn a_request_to_cancel_is_remembered_until_the_task_goes_on() {
        let (mut row, lease) = running();
        row.request_cancel(at(2)).unwrap();
        let completed = Outcome::Completed { answer: "42".to_owned() };
        let mut ended = row.clone();
        ended.finish(&lease, &completed, at(3)).unwrap();
        assert!(!ended.cancelled_alone, "it was completed before it saw the request");
        row.finish(&lease, &cancelled(), at(3)).unwrap();
        assert!(row.cancelled_alone);
        assert!(
            !QueuedTask::enqueue(Some(row.clone()), &task("t", 0), at(4)).unwrap().cancelled_alone
        );
        row.claim(&Claim::next(worker("w"), at(4), at(9)).of(lease.task)).unwrap();
        assert!(!row.cancelled_alone);
    }
}
