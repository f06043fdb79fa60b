//! Tasks that other tasks have spawned.

use serde::{Deserialize, Serialize};

use super::model::TaskStatus;
use super::queue::Claim;
use super::queued::QueuedTask;
use crate::error::{Error, Result};
use crate::money::Usd;

/// That a task was spawned by the task that it is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spawned {
    /// The number of tasks above it: 1 if its parent was not spawned.
    pub level: u32,
    /// The most that it may spend, if its parent has set a limit.
    #[serde(default, rename = "budget_nanos", skip_serializing_if = "Option::is_none")]
    pub budget: Option<Usd>,
}

impl Spawned {
    /// Creates the mark of a task at a level, without a limit of its own.
    pub const fn at_level(level: u32) -> Self {
        Self { level, budget: None }
    }

    /// Sets the most that the task may spend.
    #[must_use]
    pub const fn with_budget(mut self, budget: Option<Usd>) -> Self {
        self.budget = budget;
        self
    }
}

/// The rules of spawned tasks.
impl QueuedTask {
    /// Returns whether the tasks that this one has spawned are to be cancelled: it has ended, or its
    /// cancellation was requested.
    pub const fn cancels_spawned(&self) -> bool {
        self.task.status.is_ended() || self.cancel_requested
    }

    /// Returns whether this task is cancelled with its parent: it was spawned and has not ended.
    pub const fn is_cancelled_with_parent(&self) -> bool {
        self.task.options.spawned.is_some() && !self.task.status.is_ended()
    }

    /// Checks that a claim of the next task could get this one when `claim` is made.
    pub(super) fn check_queued(&self, claim: &Claim) -> Result<()> {
        let status = self.task.status;
        let is_queued = match status {
            TaskStatus::Pending => self.not_before.is_none_or(|from| from <= claim.now),
            // Its lease is checked afterwards.
            TaskStatus::Running => true,
            TaskStatus::Initialized
            | TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled => false,
        };
        if is_queued {
            return Ok(());
        }
        Err(Error::invalid("status", format!("a task that is {status} is not in the queue")))
    }
}

#[cfg(test)]
mod tests {
    use super::Spawned;
    use crate::task::{Claim, QueuedTask, Task, TaskOptions, TaskStatus};
    use crate::testing::sample::{at, task, worker};

    fn row(status: TaskStatus) -> QueuedTask {
        QueuedTask::new(Task { status, ..task("t", 0) })
    }

    #[test]
    fn a_claim_of_a_queued_task_by_name_resumes_none_and_keeps_a_request_to_cancel() {
        let claim = Claim::next(worker("w"), at(1), at(9)).of(task("t", 0).id).if_queued();
        for (status, expected) in [
            (TaskStatus::Initialized, Err("a task that is initialized is not in the queue")),
            (TaskStatus::Pending, Ok(true)),
            (TaskStatus::Completed, Err("a task that is completed is not in the queue")),
            (TaskStatus::Failed, Err("a task that is failed is not in the queue")),
            (TaskStatus::Cancelled, Err("a task that is cancelled is not in the queue")),
        ] {
            let mut row = QueuedTask { cancel_requested: true, ..row(status) };
            let claimed = row.claim(&claim).map(|_| row.cancel_requested);
            let expected = expected.map_err(|reason| format!("invalid status: {reason}"));
            assert_eq!(claimed.map_err(|error| error.to_string()), expected);
        }
    }

    #[test]
    fn only_spawned_tasks_that_have_not_ended_are_cancelled_with_their_parent() {
        assert!(!row(TaskStatus::Pending).is_cancelled_with_parent());
        let options = TaskOptions::default().with_spawned(Spawned::at_level(1));
        let spawned = |status| QueuedTask::new(row(status).task.with_options(options.clone()));
        assert!(spawned(TaskStatus::Pending).is_cancelled_with_parent());
        assert!(!spawned(TaskStatus::Failed).is_cancelled_with_parent());
        assert!(row(TaskStatus::Completed).cancels_spawned());
        assert!(!row(TaskStatus::Running).cancels_spawned());
        assert!(
            QueuedTask { cancel_requested: true, ..row(TaskStatus::Running) }.cancels_spawned()
        );
    }
}
