//! Tasks that clients hand to the server.

mod tools;

use std::fmt;

use async_trait::async_trait;
use az_core::tool::SpawnRequest;
use az_core::{Result, TaskId, TaskStatus};
use schemars::JsonSchema;
use serde::Serialize;

pub use tools::{TASK_TOOLS, task_tools};

/// A request of a client for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskRequest {
    /// The command, and the tools, model and budget, which are those of the server if absent.
    pub task: SpawnRequest,
    /// The directory that its tools work in, in that of the server; that of the server if absent.
    pub workspace: Option<String>,
}

impl TaskRequest {
    /// Creates a request for a task in the directory of the server.
    pub const fn new(task: SpawnRequest) -> Self {
        Self { task, workspace: None }
    }

    /// Sets the directory that the tools of the task work in.
    #[must_use]
    pub fn in_workspace(mut self, workspace: Option<String>) -> Self {
        self.workspace = workspace;
        self
    }
}

/// The state of a task, for clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ServedTask {
    /// The id of the task
    pub task: TaskId,
    /// Its status
    pub status: TaskStatus,
    /// The answer, if it is completed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why there is no answer, or what it waits for
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ServedTask {
    /// Creates the state of a task without an answer.
    pub const fn new(task: TaskId, status: TaskStatus) -> Self {
        Self { task, status, answer: None, reason: None }
    }

    /// Sets the answer.
    #[must_use]
    pub fn with_answer(mut self, answer: Option<String>) -> Self {
        self.answer = answer;
        self
    }

    /// Sets why there is no answer, or what the task waits for.
    #[must_use]
    pub fn with_reason(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}

/// Runs tasks for the clients of a server.
///
/// # Contract
///
/// 1. [`run`](Self::run) returns the id of a task that is in the queue: it is run without a further request,
///    and survives the process.
/// 2. A task may do no more than the clients of the server: its tools are among those that they get, its
///    workspace is in theirs, its budget is not larger than the server's, and its rules are the server's. A
///    request for more, or for a model that reads or writes a file, is refused with `Invalid`, and nothing is
///    created.
/// 3. [`look`](Self::look) returns the state of a task, with its answer once it is completed.
///    A task outside of the workspace of the server is `NotFound`, as one that does not exist.
/// 4. [`cancel`](Self::cancel) ends a task that has not ended, without waiting for the end. One that has ended stays as
///    it is. It finds the tasks that `look` finds.
#[async_trait]
pub trait ServeTasks: fmt::Debug + Send + Sync + 'static {
    /// Queues a task; returns its id.
    ///
    /// # Errors
    ///
    /// `Invalid`, or the store's.
    async fn run(&self, request: &TaskRequest) -> Result<TaskId>;

    /// Returns the state of a task.
    ///
    /// # Errors
    ///
    /// `NotFound`, or the store's.
    async fn look(&self, task: &TaskId) -> Result<ServedTask>;

    /// Cancels a task; returns its state then.
    ///
    /// # Errors
    ///
    /// `NotFound`, or the store's.
    async fn cancel(&self, task: &TaskId) -> Result<ServedTask>;
}
