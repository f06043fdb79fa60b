//! The task that another one continues.

use az_core::Task;
use az_core::journal::{CompleteSteps, complete_steps};
use az_core::task::{Said, TaskOrigin, TaskStatus};

use crate::error::CliError;
use crate::output::short;
use crate::services::Services;

/// A task with a record, from which another one can continue.
#[derive(Debug)]
pub(super) struct SourceTask {
    /// The task.
    pub(super) task: Task,
    steps: CompleteSteps,
}

impl SourceTask {
    /// Reads the record of a task.
    ///
    /// # Errors
    ///
    /// The store's, and a usage error for a task that is running or has no steps.
    pub(super) async fn read(services: &Services, task: Task) -> Result<Self, CliError> {
        let store = services.store().await?;
        task.check_undamaged()?;
        let id = short(task.id.as_str());
        if task.status == TaskStatus::Running {
            return Err(CliError::Usage(format!(
                "task {id} is running; wait until it has ended, or stop it with `az task cancel {id}`"
            )));
        }
        let events = store.read(&task.id, 0, usize::MAX).await?;
        let steps = complete_steps(&events)?;
        if steps.events.len() < 2 {
            return Err(CliError::Usage(format!(
                "task {id} has no complete step yet; `az task retry {id}` runs its command as a new task"
            )));
        }
        Ok(Self { task, steps })
    }

    /// Returns the number of the last complete step.
    pub(super) fn last_step(&self) -> usize {
        self.steps.events.len().saturating_sub(1)
    }

    /// Returns the step after which a fork continues: the one that is asked for, else the last one, or without a
    /// new text the last one that is not an answer.
    ///
    /// # Errors
    ///
    /// A usage error for a step that the task does not have, and for its answer without a new text.
    pub(super) fn step(&self, asked: Option<usize>, has_text: bool) -> Result<usize, CliError> {
        let (id, last) = (short(self.task.id.as_str()), self.last_step());
        let last_without_text = last.saturating_sub(usize::from(self.steps.ends_with_answer));
        match asked {
            Some(step) if step > last => Err(CliError::Usage(format!(
                "--at {step}: task {id} has steps 0 to {last}, of which 0 is before the first"
            ))),
            Some(step) if step > last_without_text && !has_text => Err(CliError::Usage(format!(
                "--at {step}: this step of task {id} is its answer; give a text that follows it, or a step from \
                 0 to {last_without_text}"
            ))),
            Some(step) => Ok(step),
            None if has_text => Ok(last),
            None => Ok(last_without_text),
        }
    }

    /// Returns the origin of a task that continues after a step, and its command.
    pub(super) fn origin(&self, step: usize, text: Option<String>) -> (TaskOrigin, Said) {
        let events = self.steps.events.get(step).copied().unwrap_or_default();
        let (origin, command) = TaskOrigin::new(&self.task, step, events, text);
        (origin.with_later_changes(self.steps.changes_after(events)), command)
    }
}
