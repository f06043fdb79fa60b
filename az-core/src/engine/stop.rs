//! Stop requests for runs, and their reasons.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::id::TaskId;

/// The reason for stopping a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The task was cancelled.
    Cancelled,
    /// The task reached its time limit.
    TimedOut(Duration),
    /// The worker shuts down: the task is released.
    Shutdown,
    /// Another worker holds the task now.
    LeaseLost,
}

/// A request to stop that the caller and the run share. The first reason stays.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    token: CancellationToken,
    reason: OnceLock<StopReason>,
}

impl Stop {
    /// Creates a request that has not been made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the request.
    pub fn request(&self, reason: StopReason) {
        self.0.reason.get_or_init(|| reason);
        self.0.token.cancel();
    }

    /// Returns the reason once the request has been made.
    pub fn reason(&self) -> Option<StopReason> {
        self.0.reason.get().copied()
    }

    /// Returns a token that is cancelled by the request, for tools and other code that waits.
    pub fn token(&self) -> CancellationToken {
        self.0.token.child_token()
    }

    /// Waits for the request.
    pub async fn requested(&self) {
        self.0.token.cancelled().await;
    }

    /// Returns the error with which a stopped run of `task` ends, if the request has been made.
    pub fn error(&self, task: &TaskId) -> Option<Error> {
        self.reason().map(|reason| match reason {
            StopReason::Cancelled | StopReason::Shutdown => Error::Cancelled,
            StopReason::TimedOut(after) => Error::TimedOut { after },
            StopReason::LeaseLost => Error::LeaseLost { task: task.clone(), owner: None },
        })
    }
}
