//! Runs that continue after their caller's future is dropped, until they have ended in order.

use super::stop::{Stop, StopReason};
use crate::error::{Error, Result};
use crate::task::Task;

/// Requests that a run stops when it is dropped.
struct StopOnDrop<'a> {
    stop: &'a Stop,
    armed: bool,
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.stop.request(StopReason::Cancelled);
        }
    }
}

/// Drives a run in a Tokio task of its own.
///
/// If the returned future is dropped, the run is cancelled: it settles its holds, records its end
/// and gives up its lease in the background. Dropping the run itself would leave that until the
/// lease expires.
pub(super) async fn supervise(
    stop: Stop,
    run: impl Future<Output = Result<Task>> + Send + 'static,
) -> Result<Task> {
    let mut guard = StopOnDrop { stop: &stop, armed: true };
    let ended = tokio::spawn(run).await;
    guard.armed = false;
    ended.unwrap_or_else(|error| Err(Error::Internal(format!("the run was aborted: {error}"))))
}
