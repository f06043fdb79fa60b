//! Follows a task of any process through its journal.

use std::sync::Arc;
use std::time::Duration;

use az_core::engine::Liveness;
use az_core::journal::Event;
use az_core::store::Store;
use az_core::task::{TaskRepository, TaskStatus, Waiting};
use az_core::{Error, Task, TaskId};

use crate::error::CliError;
use crate::identity::LocalProcesses;

/// How many events are read at a time.
pub(super) const PAGE: usize = 500;
/// How long to wait between two looks at the journal. A look reads the end of an index and a row.
const POLL: Duration = Duration::from_millis(100);

/// What a look at a task found.
#[derive(Debug)]
pub(super) enum Look {
    /// Events that were recorded since the last look.
    Events(Vec<Event>),
    /// No new events; the task waits for a worker, or runs.
    Nothing(TaskStatus),
    /// No new events; the task waits for an answer.
    Parked(Box<Waiting>),
    /// The process that ran the task no longer runs, and its lease was not claimed.
    Abandoned,
    /// The task has ended, and all of its events were returned.
    Ended(Box<Task>),
}

/// Reads the events of a task as they are recorded.
#[derive(Debug)]
pub(super) struct Follower {
    store: Arc<dyn Store>,
    id: TaskId,
    from: u64,
    processes: LocalProcesses,
}

impl Follower {
    /// Creates a follower that begins with the first event.
    pub(super) fn new(store: Arc<dyn Store>, id: TaskId) -> Self {
        Self { store, id, from: 0, processes: LocalProcesses::default() }
    }

    /// Returns what has happened since the last look.
    ///
    /// # Errors
    ///
    /// `NotFound` if the task was deleted, or the store's.
    pub(super) async fn look(&mut self) -> Result<Look, CliError> {
        // A task that has ended records nothing more, so its status is read before its events.
        let task = TaskRepository::get(&*self.store, &self.id).await?;
        let task = task.ok_or_else(|| Error::not_found("task", &self.id))?;
        let events = self.store.read(&self.id, self.from, PAGE).await?;
        if let Some(last) = events.last() {
            self.from = last.seq + 1;
            return Ok(Look::Events(events));
        }
        if task.status.is_ended() {
            return Ok(Look::Ended(Box::new(task)));
        }
        if let Some(waiting) = task.waiting {
            return Ok(Look::Parked(waiting));
        }
        let lease = match task.status {
            TaskStatus::Running => self.store.lease(&self.id).await?,
            _ => None,
        };
        Ok(match lease {
            Some(lease) if self.processes.is_gone(&lease.owner) => Look::Abandoned,
            _ => Look::Nothing(task.status),
        })
    }

    /// Waits until the next look is due.
    #[expect(clippy::disallowed_methods, reason = "a store does not notify other processes")]
    pub(super) async fn pause() {
        tokio::time::sleep(POLL).await;
    }
}
