//! Texts that people send to a task while it waits or runs.

use std::fmt;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::task::{Task, TaskStatus};

/// The size limit of a hint, in bytes.
const LARGEST: usize = 16 << 10;

/// A text for the model of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hint {
    /// Its id, which the event that records it has as its call.
    pub id: CallId,
    /// The text.
    pub text: String,
}

impl Hint {
    /// Creates a hint.
    ///
    /// # Errors
    ///
    /// `Invalid` for a text that is blank or larger than 16 KiB.
    pub fn new(id: CallId, text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if text.trim().is_empty() {
            return Err(Error::invalid("hint", "must not be empty"));
        }
        if text.len() > LARGEST {
            let why = format!(
                "has {} bytes, and must have at most {LARGEST}; put a longer text into a file and name the file",
                text.len()
            );
            return Err(Error::invalid("hint", why));
        }
        Ok(Self { id, text })
    }

    /// Checks that the task can get hints. For implementers of stores.
    ///
    /// # Errors
    ///
    /// `Invalid` if the task has ended.
    pub fn check_open(task: &Task) -> Result<()> {
        let (id, status) = (&task.id, task.status);
        let why = match status {
            TaskStatus::Completed => {
                format!("task {id} is {status} and reads no more hints; run a new task")
            }
            _ if status.is_ended() => {
                format!("task {id} is {status} and reads no hints until it is resumed")
            }
            _ => return Ok(()),
        };
        Err(Error::invalid("hint", why))
    }

    /// Returns the error for a hint whose id the task has had before. For implementers of stores.
    pub fn repeated(&self) -> Error {
        Error::AlreadyExists { what: "hint", id: self.id.to_string() }
    }
}

/// Keeps hints until a run of their task records them.
///
/// # Contract
///
/// 1. Any process sends a hint, without a lease. The hints of a task are returned in the order in which
///    they were sent.
/// 2. A hint for a task that does not exist is refused with `NotFound`, one for a task that has ended with
///    `Invalid`, and one whose id the task has had before, also one that is recorded, with `AlreadyExists`.
/// 3. The append of a `hint` event removes the hint whose id is the event's call, in the same transaction.
///    With clause 4 of [`Journal`](super::Journal), each hint is recorded once, also after a crash.
/// 4. A hint that was not recorded when its task ended stays for the next run of the task. The deletion of
///    a task deletes its hints.
/// 5. Acknowledged hints survive a restart, if the backend is durable.
#[async_trait]
pub trait HintQueue: fmt::Debug + Send + Sync + 'static {
    /// Sends a hint to a task.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid`, `AlreadyExists`, or the backend's own.
    async fn send_hint(&self, task: &TaskId, hint: &Hint, now: Timestamp) -> Result<()>;

    /// Returns the hints of a task that are not recorded yet.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn hints(&self, task: &TaskId) -> Result<Vec<Hint>>;
}
