//! The contract of an engine.

use std::fmt;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::event::RunEvent;
use crate::error::Result;
use crate::task::Task;

/// Executes tasks.
///
/// # Contract
///
/// 1. A task that the store does not have is created; one that it has is continued from the end of
///    its journal.
/// 2. Executing returns once the task has ended, with the task as it ended: a failed task is an
///    `Ok` task with a failure. A task that was parked, or released at a shutdown, is an `Ok` task that is
///    pending. `Err` means that the task did not end: another worker has its
///    lease, or the store cannot be written.
/// 3. `tools`, if given, are the only ones that the task may use. A name that no tool has is
///    refused with `Invalid` before the task is created or claimed.
/// 4. Dropping the future of [`execute`](Self::execute), as a timeout around it does, cancels the
///    task: in the background the run stops, settles its hold, ends as `Cancelled` and gives up its
///    lease. The task can be resumed. If the runtime is shut down before that, the lease and the
///    hold remain until they expire, as after a crash.
/// 5. A stream yields all events in order; its last event is `RunFinished`, or `Parked`, or it ends
///    with an error. Dropping it does not stop the task.
/// 6. A task finishes exactly once, whatever is cancelled, killed or raced.
#[async_trait]
pub trait ExecutionEngine: fmt::Debug + Send + Sync + 'static {
    /// Executes a task to its end.
    ///
    /// # Errors
    ///
    /// `LeaseHeld`, `LeaseLost`, `Invalid` for a completed task or a tool that does not exist, or
    /// the store's own.
    async fn execute(&self, task: Task, tools: Option<Vec<String>>) -> Result<Task>;

    /// Executes a task and streams its events.
    ///
    /// # Errors
    ///
    /// Those of [`execute`](Self::execute), before the first event.
    async fn execute_stream(
        &self,
        task: Task,
        tools: Option<Vec<String>>,
    ) -> Result<BoxStream<'static, Result<RunEvent>>>;
}
