//! The rules of stored tasks: identity and updates.

use super::model::{Task, TaskStatus};
use crate::clock::{Timestamp, to_micros};
use crate::error::{Error, Result};

/// For implementers of stores. Times are compared to the microsecond, the precision of stores.
impl Task {
    /// Checks that `given` is this task: by id, command, time of creation and parent, which never
    /// change. A caller that received no acknowledgement can therefore repeat its request.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if it is another task of the same id.
    pub fn check_same(&self, given: &Self) -> Result<()> {
        let is_same = self.command == given.command
            && to_micros(self.created_at) == to_micros(given.created_at)
            && self.parent_task_id == given.parent_task_id;
        if is_same {
            return Ok(());
        }
        Err(Error::AlreadyExists { what: "task", id: given.id.to_string() })
    }

    /// Returns the task to store after an update to `given`: all of it, except cost and tokens,
    /// which only the ledger changes, and the wait of a parked task, which the end of the task
    /// ends.
    ///
    /// # Errors
    ///
    /// `Conflict` if `given` was read before the last change; `Invalid` for a status that an update
    /// cannot set; `Damaged` if a part of the stored task cannot be read.
    pub fn updated_to(&self, given: &Self, now: Timestamp) -> Result<Self> {
        self.check_undamaged()?;
        if to_micros(self.updated_at) != to_micros(given.updated_at) {
            return Err(Error::Conflict {
                what: "task",
                expected: given.updated_at.to_string(),
                found: self.updated_at.to_string(),
            });
        }
        self.check_update(given.status)?;
        Ok(Self {
            updated_at: now,
            cost: self.cost,
            actual_tokens: self.actual_tokens,
            waiting: self.waiting.clone().filter(|_| given.status == self.status),
            ..given.clone()
        })
    }

    /// Checks a change of status by an update. Only a queue starts and stops a task.
    fn check_update(&self, next: TaskStatus) -> Result<()> {
        let status = self.status;
        if status == next {
            return Ok(());
        }
        if status == TaskStatus::Running || next == TaskStatus::Running {
            let reason = format!(
                "an update cannot change {status} to {next}; claim, release or cancel the task"
            );
            return Err(Error::invalid("status", reason));
        }
        status.check_move(next)
    }
}

#[cfg(test)]
mod tests {
    use super::Task;
    use crate::money::Usd;
    use crate::task::TaskStatus;
    use crate::testing::sample::{at, task, task_id};

    #[test]
    fn a_task_is_the_same_by_its_command_time_and_parent() {
        let stored = Task { status: TaskStatus::Failed, ..task("t", 0) };
        let given = task("t", 0);
        for (given, is_same) in [
            (given.clone(), true),
            (given.clone().with_model("m"), true),
            (Task { command: "another".to_owned(), ..given.clone() }, false),
            (Task { created_at: at(9), ..given.clone() }, false),
            (given.with_parent(task_id("whole")), false),
        ] {
            assert_eq!(stored.check_same(&given).is_ok(), is_same, "{given:?}");
        }
    }

    #[test]
    fn an_update_replaces_all_but_cost_and_tokens() {
        let stored = Task { cost: Usd::from_nanos(7), actual_tokens: 3, ..task("t", 0) };
        let given =
            Task { cost: Usd::MAX, actual_tokens: 9, model: Some("m".into()), ..task("t", 0) };
        let expected =
            Task { cost: Usd::from_nanos(7), actual_tokens: 3, updated_at: at(2), ..given.clone() };
        assert_eq!(stored.updated_to(&given, at(2)).unwrap(), expected);
    }

    #[test]
    fn an_update_is_refused_with_its_reason() {
        use TaskStatus::{Completed, Initialized, Pending, Running};
        let message = |from, to, version| {
            let stored = Task { status: from, ..task("t", 0) };
            let given = Task { status: to, updated_at: at(version), ..task("t", 0) };
            stored.updated_to(&given, at(9)).err().map(|error| error.to_string())
        };
        assert_eq!(message(Initialized, Pending, 0), None);
        assert_eq!(
            message(Initialized, Pending, 1).unwrap(),
            "task changed meanwhile: expected 2026-01-05T00:01:00Z, found 2026-01-05T00:00:00Z"
        );
        assert_eq!(
            message(Pending, Running, 0).unwrap(),
            "invalid status: an update cannot change pending to running; \
             claim, release or cancel the task"
        );
        assert_eq!(
            message(Completed, Pending, 0).unwrap(),
            "invalid status: a task that is completed cannot become pending"
        );
    }
}
