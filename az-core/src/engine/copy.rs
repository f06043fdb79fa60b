//! The beginning of a task that continues another one: a copy of the other task's record.

use super::run::Run;
use crate::error::{Error, Result};
use crate::journal::{Continued, NewEvent, copies};

impl Run {
    /// Returns the events with which the journal begins; none if it has them, or the task continues no other
    /// one.
    ///
    /// # Errors
    ///
    /// `Invalid` if the other task was deleted; the journal's.
    pub(super) async fn beginning(&self) -> Result<Vec<NewEvent>> {
        let origin = self.task.options.origin.as_ref().filter(|_| self.history.copied.is_empty());
        let Some(origin) = origin else { return Ok(Vec::new()) };
        let count = usize::try_from(origin.events).unwrap_or(usize::MAX);
        let events = self.context.store.read(&origin.task, 0, count).await?;
        if events.len() < count {
            let reason = format!(
                "task {}, which this one continues, was deleted with its record",
                origin.task
            );
            return Err(Error::invalid("origin", reason));
        }
        Ok(copies(events))
    }

    /// Returns how much of the other task's record is copied, if the task continues one.
    pub(super) fn continued(&self) -> Option<Continued> {
        let origin = self.task.options.origin.as_ref()?;
        Some(if origin.is_part { Continued::Part } else { Continued::Whole })
    }

    /// Returns the number of steps that are copied to the beginning.
    pub(super) fn copied_steps(&self) -> u32 {
        let origin = self.task.options.origin.as_ref();
        origin.map_or(0, |origin| u32::try_from(origin.steps).unwrap_or(u32::MAX))
    }
}
