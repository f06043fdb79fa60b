//! New tasks.

use az_ai::estimate;
use az_core::clock::SystemClock;
use az_core::{Clock, Task, TaskId};

use super::Services;
use crate::error::CliError;

impl Services {
    /// Creates a task with a unique id (a UUID of version 7, which sorts by time) and the estimated
    /// tokens of its command and input. The caller sets the input.
    ///
    /// # Errors
    ///
    /// `Invalid` for a command that is empty, too long or contains a NUL.
    pub fn new_task(
        &self,
        command: impl Into<String>,
        input: Option<&str>,
    ) -> Result<Task, CliError> {
        let id = TaskId::new(uuid::Uuid::now_v7().to_string())?;
        let task = Task::new(id, command, SystemClock.now())?;
        let input = input.map_or(0, estimate::text);
        let tokens = estimate::text(&task.command).saturating_add(input);
        Ok(task.with_estimated_tokens(tokens))
    }
}
