//! Tasks that other tasks have spawned.

use serde::{Deserialize, Serialize};

use super::model::{Task, TaskStatus};
use super::options::TaskOptions;
use super::queue::{CancelOutcome, Claim, Lease};
use super::queued::{QueuedTask, held};
use crate::clock::Timestamp;
use crate::cost::{Budget, Limit, Period, Scope};
use crate::error::{Error, Result};
use crate::id::TaskId;
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

impl TaskOptions {
    /// Takes from a spawned task the tools that a task above it does not have or may not call.
    pub(crate) fn inherit_bans(&mut self, above: &Self) {
        if let Some(allowed) = &above.tools {
            match &mut self.tools {
                Some(own) => own.retain(|tool| allowed.contains(tool)),
                None => self.tools = Some(allowed.clone()),
            }
        }
        let denied = above.deny.iter().filter(|rule| !self.deny.contains(rule));
        let denied: Vec<_> = denied.cloned().collect();
        self.deny.extend(denied);
    }

    /// Restricts a spawned task to what a task above it may do: also to its tools without approval and its variables,
    /// of which a person may have given the task more.
    pub(crate) fn restrict_to(&mut self, above: &Self) {
        self.inherit_bans(above);
        self.allow.retain(|rule| above.allow.contains(rule));
        self.env.retain(|name| above.env.contains(name));
    }
}

impl Task {
    /// Returns the budget that its parent has set for a spawned task.
    ///
    /// For implementers of stores: it is set while the task has not ended.
    pub fn own_budget(&self) -> Option<Budget> {
        let amount = self.options.spawned.as_ref()?.budget?;
        let (scope, period) = (Scope::Payer((&self.id).into()), Period::Total);
        Some(Budget { scope, period, amount, alerts: Vec::new(), limit: Limit::Hard })
    }

    /// Checks that the task was not spawned.
    pub(super) fn check_not_spawned(&self) -> Result<()> {
        match self.options.spawned {
            None => Ok(()),
            Some(_) => Err(Error::invalid("task", "a spawned task is queued by its parent only")),
        }
    }

    fn check_spawned_by(&self, parent: &TaskId) -> Result<()> {
        if self.options.spawned.is_some() && self.parent_task_id.as_ref() == Some(parent) {
            return self.own_budget().map_or(Ok(()), |budget| budget.check());
        }
        Err(Error::invalid("task", format!("it is not spawned by {parent}")))
    }
}

/// What becomes of the budget that the parent of a task has set for it, when the task changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BudgetChange {
    /// It is set, unless the task has another one.
    Set(Budget),
    /// It is removed, unless it was changed.
    Remove(Budget),
}

/// The rules of spawned tasks.
impl QueuedTask {
    /// Returns the row to store for `given`, which the task of `parent` spawns under a lease.
    ///
    /// A new task becomes claimable at once, and so does one that was cancelled with its parent. Any other keeps its
    /// row.
    ///
    /// # Errors
    ///
    /// `LeaseLost` unless `lease` is the current one of the parent; `Cancelled` if the cancellation of the parent was
    /// requested; `Invalid` if the parent has not spawned the task; `AlreadyExists` if `stored` is another task;
    /// `Damaged` if a part of the stored task cannot be read.
    pub fn spawn(
        stored: Option<Self>,
        given: &Task,
        (parent, lease): (Option<&Self>, &Lease),
        now: Timestamp,
    ) -> Result<Self> {
        if held(parent, lease)?.cancel_requested {
            return Err(Error::Cancelled);
        }
        given.check_spawned_by(&lease.task)?;
        match stored {
            Some(row) if !row.is_resumed_with_parent() => {
                row.task.check_undamaged()?;
                row.task.check_same(given)?;
                Ok(row)
            }
            stored => Self::queue(stored, given, now),
        }
    }

    /// Returns whether this task goes on when its parent does: it was cancelled, and not for itself alone.
    const fn is_resumed_with_parent(&self) -> bool {
        matches!(self.task.status, TaskStatus::Cancelled) && !self.cancelled_alone
    }

    /// Cancels the task with the one that has spawned it, as a request to cancel does.
    ///
    /// # Errors
    ///
    /// None in practice; a waiting task may always be cancelled.
    pub fn cancel_with_parent(&mut self, now: Timestamp) -> Result<CancelOutcome> {
        self.take_cancel_request(now)
    }

    /// Returns what becomes of its own budget when the task has changed; `before` is its status before, if it was
    /// stored.
    pub fn budget_change(&self, before: Option<TaskStatus>) -> Option<BudgetChange> {
        let was_open = before.is_some_and(|status| !status.is_ended());
        match (was_open, !self.task.status.is_ended()) {
            (false, true) => self.task.own_budget().map(BudgetChange::Set),
            (true, false) => self.task.own_budget().map(BudgetChange::Remove),
            _ => None,
        }
    }

    /// Returns whether the tasks that this one has spawned are to be cancelled: it has ended, or its
    /// cancellation was requested.
    pub const fn cancels_spawned(&self) -> bool {
        self.task.status.is_ended() || self.cancel_requested
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
    use super::{BudgetChange, Spawned};
    use crate::error::Error;
    use crate::money::Usd;
    use crate::task::{Claim, Lease, QueuedTask, Task, TaskOptions, TaskStatus};
    use crate::testing::sample::{at, task, task_id, worker};

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

    /// A parent that runs, and its lease.
    fn parent() -> (QueuedTask, Lease) {
        let mut row = QueuedTask::new(Task { status: TaskStatus::Pending, ..task("p", 0) });
        let lease = row.claim(&Claim::next(worker("w"), at(1), at(9))).unwrap().lease;
        (row, lease)
    }

    fn child(budget: Option<i64>) -> Task {
        let spawned = Spawned::at_level(1).with_budget(budget.map(Usd::from_nanos));
        let options = TaskOptions::default().with_spawned(spawned);
        task("t", 0).with_options(options).with_parent(task_id("p"))
    }

    #[test]
    fn a_task_is_spawned_by_its_parent_under_its_lease_only() {
        let (parent, lease) = parent();
        let spawn = |given: &Task, parent: Option<&QueuedTask>| {
            QueuedTask::spawn(None, given, (parent, &lease), at(2))
        };
        let spawned = spawn(&child(None), Some(&parent)).unwrap();
        let pending = Task { status: TaskStatus::Pending, updated_at: at(2), ..child(None) };
        assert_eq!(spawned, QueuedTask::new(pending));
        let stale = QueuedTask { lease: None, ..parent.clone() };
        for gone in [None, Some(&stale)] {
            let refused = spawn(&child(None), gone);
            assert!(matches!(refused, Err(Error::LeaseLost { .. })), "{refused:?}");
        }
        let stopping = QueuedTask { cancel_requested: true, ..parent.clone() };
        let refused = spawn(&child(None), Some(&stopping));
        assert!(matches!(refused, Err(Error::Cancelled)), "{refused:?}");
        for other in [task("t", 0), task("t", 0).with_parent(task_id("p")), child(Some(0))] {
            let refused = spawn(&other, Some(&parent));
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
        }
        let refused = QueuedTask::enqueue(None, &child(None), at(2)).unwrap_err();
        let reason = "invalid task: a spawned task is queued by its parent only";
        assert_eq!(refused.to_string(), reason);
    }

    #[test]
    fn only_a_task_that_was_cancelled_with_its_parent_is_spawned_again() {
        use TaskStatus::{Cancelled, Completed, Failed, Pending, Running};
        let (parent, lease) = parent();
        for (status, cancelled_alone, after) in [
            (Pending, false, Pending),
            (Running, false, Running),
            (Completed, false, Completed),
            (Failed, false, Failed),
            (Cancelled, true, Cancelled),
            (Cancelled, false, Pending),
        ] {
            let row = QueuedTask::new(Task { status, ..child(None) });
            let row = QueuedTask { cancelled_alone, ..row };
            let stored = Some(row.clone());
            let found = QueuedTask::spawn(stored, &child(None), (Some(&parent), &lease), at(2));
            let changed = if status == after { row.task.updated_at } else { at(2) };
            let task = Task { status: after, updated_at: changed, ..child(None) };
            let expected = QueuedTask { cancelled_alone, ..QueuedTask::new(task) };
            assert_eq!(found.unwrap(), expected, "{status}");
        }
    }

    #[test]
    fn the_first_request_decides_whether_a_task_is_cancelled_alone() {
        let running = QueuedTask::new(Task { status: TaskStatus::Running, ..child(None) });
        let mut row = running.clone();
        row.cancel_with_parent(at(1)).unwrap();
        row.request_cancel(at(2)).unwrap();
        assert_eq!(row, QueuedTask { cancel_requested: true, ..running.clone() });
        let mut row = running.clone();
        row.request_cancel(at(1)).unwrap();
        row.cancel_with_parent(at(2)).unwrap();
        let alone = QueuedTask { cancel_requested: true, cancelled_alone: true, ..running };
        assert_eq!(row, alone);
    }

    #[test]
    fn the_own_budget_of_a_task_is_set_while_it_has_not_ended() {
        use TaskStatus::{Cancelled, Completed, Failed, Pending, Running};
        let budget = child(Some(5)).own_budget().unwrap();
        let (set, removed) = (BudgetChange::Set(budget.clone()), BudgetChange::Remove(budget));
        for (before, after, expected) in [
            (None, Pending, Some(&set)),
            (Some(Failed), Pending, Some(&set)),
            (Some(Cancelled), Running, Some(&set)),
            (Some(Pending), Running, None),
            (Some(Running), Pending, None),
            (Some(Running), Completed, Some(&removed)),
            (Some(Running), Failed, Some(&removed)),
            (Some(Pending), Cancelled, Some(&removed)),
            (Some(Cancelled), Cancelled, None),
        ] {
            let row = QueuedTask::new(Task { status: after, ..child(Some(5)) });
            assert_eq!(row.budget_change(before).as_ref(), expected, "{before:?} {after}");
            let without = QueuedTask::new(Task { status: after, ..child(None) });
            assert_eq!(without.budget_change(before), None);
        }
    }

    #[test]
    fn a_spawned_task_may_do_no_more_than_its_parent() {
        let options = |tools: Option<&[&str]>, allow: &[&str], deny: &[&str], env: &[&str]| {
            let options = TaskOptions::default();
            let options =
                options.with_allow(allow.to_vec()).with_deny(deny.to_vec()).with_env(env.to_vec());
            tools.map_or(options.clone(), |tools| options.with_tools(tools.to_vec()))
        };
        let parent = options(Some(&["a", "b"]), &["x"], &["d", "e"], &["TERM"]);
        for (own, expected) in [
            (
                options(Some(&["b", "c"]), &["x", "y"], &["c", "e"], &["TERM", "LANG"]),
                options(Some(&["b"]), &["x"], &["c", "e", "d"], &["TERM"]),
            ),
            (options(None, &[], &[], &[]), options(Some(&["a", "b"]), &[], &["d", "e"], &[])),
        ] {
            let mut restricted = own;
            restricted.restrict_to(&parent);
            assert_eq!(restricted, expected);
        }
        let unlimited = options(Some(&["a"]), &[], &[], &[]);
        let mut restricted = unlimited.clone();
        restricted.restrict_to(&TaskOptions::default());
        assert_eq!(restricted, unlimited);
    }

    #[test]
    fn a_task_that_has_ended_or_is_to_cancels_what_it_has_spawned() {
        assert!(row(TaskStatus::Completed).cancels_spawned());
        assert!(!row(TaskStatus::Running).cancels_spawned());
        assert!(
            QueuedTask { cancel_requested: true, ..row(TaskStatus::Running) }.cancels_spawned()
        );
    }
}
