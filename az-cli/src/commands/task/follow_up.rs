//! Tasks that continue the conversation of a completed one.

use az_ai::react::changed_goals;
use az_core::task::{GoalCheck, TaskOptions, TaskStatus};
use az_core::{Task, TaskId};

use super::find::find;
use super::source::SourceTask;
use crate::error::CliError;
use crate::output::{how_to_answer, short};
use crate::services::Services;

/// The completed task that a new one continues.
#[derive(Debug)]
pub(super) struct FollowUp(SourceTask);

impl FollowUp {
    /// Finds the completed task.
    ///
    /// # Errors
    ///
    /// Those of [`find`] and [`SourceTask::read`], and a usage error for a task that is not completed.
    pub(super) async fn of(services: &Services, typed: &str) -> Result<Self, CliError> {
        let task = find(&*services.store().await?, typed).await?;
        match not_completed(&task) {
            None => SourceTask::read(services, task).await.map(Self),
            Some(reason) => Err(CliError::Usage(format!("--continue: {reason}"))),
        }
    }

    /// Returns the directory that the tools of the task worked in, if it had one.
    pub(super) fn workspace(&self) -> Option<String> {
        self.0.task.options.workspace.clone()
    }

    /// Returns the task that it is a part of.
    pub(super) fn parent(&self) -> Option<TaskId> {
        self.0.task.parent_task_id.clone()
    }

    /// Returns the model of the task.
    pub(super) fn model(&self) -> Option<String> {
        self.0.task.model.clone()
    }

    /// Adds to the options of the new task what it has in common with the completed one, and the record that it
    /// begins with.
    pub(super) fn add_to(&self, options: &mut TaskOptions, text: &str) {
        let old = &self.0.task.options;
        let (mut origin, _) = self.0.origin(self.0.last_step(), Some(text.to_owned()));
        if !has_same_goals(old, options) {
            origin.note = Some(changed_goals(options));
        }
        // Only checks, which change nothing for the conversation, come after the answer.
        options.origin = Some(origin.with_later_changes(false));
        options.tools.clone_from(&old.tools);
        options.instructions.clone_from(&old.instructions);
        options.effort = options.effort.or(old.effort);
        // What a task may not do, its follow-up may not do either.
        options.deny.extend(old.deny.iter().cloned());
    }
}

fn has_same_goals(one: &TaskOptions, other: &TaskOptions) -> bool {
    let commands = |checks: &[GoalCheck]| -> Vec<String> {
        checks.iter().map(|check| check.command.clone()).collect()
    };
    commands(&one.until) == commands(&other.until) && one.output_schema == other.output_schema
}

/// Says why a task cannot be followed up, and what to do instead; `None` if it can.
fn not_completed(task: &Task) -> Option<String> {
    let id = short(task.id.as_str());
    if let Some(waiting) = &task.waiting {
        let how = how_to_answer(&id, waiting.kind);
        return Some(format!("task {id} waits for {}; {how}", waiting.in_words()));
    }
    match task.status {
        TaskStatus::Completed => None,
        TaskStatus::Failed | TaskStatus::Cancelled => Some(format!(
            "task {id} is {} and has no answer; `az task resume {id}` continues it, `az task fork {id} TEXT` \
             starts a new task from its last complete step",
            task.status
        )),
        status => Some(format!(
            "task {id} is {status} and has no answer yet; `az task hint {id} TEXT` adds to it, `az task resume \
             {id}` or a worker runs it"
        )),
    }
}
