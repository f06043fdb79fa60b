//! The task that another one continues.

use az_core::engine::Liveness;
use az_core::journal::{CompleteSteps, EventBody, complete_steps};
use az_core::store::Store;
use az_core::task::{Said, TaskOrigin, TaskRepository, TaskStatus};
use az_core::{Task, TaskId};

use crate::error::CliError;
use crate::identity::LocalProcesses;
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
            let lease = store.lease(&task.id).await?;
            let is_gone =
                lease.is_some_and(|lease| LocalProcesses::default().is_gone(&lease.owner));
            return Err(CliError::Usage(match is_gone {
                true => format!(
                    "task {id} is not complete, and the process that ran it has ended; `az task resume {id}` \
                     continues it"
                ),
                false => format!(
                    "task {id} is running; wait until it has ended, or stop it with `az task cancel {id}`"
                ),
            }));
        }
        if let Some(origin) = lost_origin(&*store, &task).await? {
            let origin = short(origin.as_str());
            return Err(CliError::Usage(format!(
                "task {id} has no record: task {origin}, which it continues, was deleted; {WITHOUT_ORIGIN}"
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
    /// A usage error for a step that the task does not have, and for an answer without a new text.
    pub(super) fn step(&self, asked: Option<usize>, has_text: bool) -> Result<usize, CliError> {
        let (id, last) = (short(self.task.id.as_str()), self.last_step());
        let last_without_text =
            (0..=last).rev().find(|step| !self.is_final(*step)).unwrap_or_default();
        match asked {
            Some(step) if step > last => Err(CliError::Usage(format!(
                "--at {step}: task {id} has steps 0 to {last}, of which 0 is before the first"
            ))),
            Some(step) if self.is_final(step) && !has_text => Err(CliError::Usage(format!(
                "--at {step}: this step of task {id} is an answer; give a text that follows it, or a step that \
                 is none, such as {last_without_text}"
            ))),
            Some(step) => Ok(step),
            None if has_text => Ok(last),
            None => Ok(last_without_text),
        }
    }

    /// Returns whether the checks or the output schema of the task are not those that the model knows of after a
    /// step: a later command has changed them.
    pub(super) fn has_later_goals(&self, step: usize) -> bool {
        self.task.said().any(|said| said.after > step && said.note.is_some())
    }

    /// Returns whether a step is an answer, and no command of the user follows it.
    fn is_final(&self, step: usize) -> bool {
        let is_answer = self.steps.answers.get(step).copied().unwrap_or_default();
        is_answer && !self.task.said().any(|said| said.after == step)
    }

    /// Returns the origin of a task that continues after a step, and its command.
    pub(super) fn origin(&self, step: usize, text: Option<String>) -> (TaskOrigin, Said) {
        let events = self.steps.events.get(step).copied().unwrap_or_default();
        let (origin, command) = TaskOrigin::new(&self.task, step, events, text);
        (origin.with_later_changes(self.steps.changes_after(events)), command)
    }
}

/// What to do about a task whose origin is lost.
pub(super) const WITHOUT_ORIGIN: &str = "`az task run TEXT` begins a task without it";

/// Returns the task that another one continues, if it was deleted before its record was copied.
///
/// # Errors
///
/// The store's.
pub(super) async fn lost_origin(
    store: &dyn Store,
    task: &Task,
) -> Result<Option<TaskId>, az_core::Error> {
    let Some(origin) = &task.options.origin else { return Ok(None) };
    let first = store.read(&task.id, 0, 1).await?;
    let has_copy = first.iter().any(|first| matches!(first.event.body, EventBody::Copied { .. }));
    let is_lost = !has_copy && TaskRepository::get(store, &origin.task).await?.is_none();
    Ok(is_lost.then(|| origin.task.clone()))
}
