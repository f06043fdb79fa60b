//! The child tasks of the task that makes a call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::money::Usd;
use crate::task::TaskStatus;

/// The name of the tool that spawns child tasks.
pub const TASK_SPAWN: &str = "task.spawn";

/// The name of the tool that waits for child tasks. The fold of a journal notes which ends it has told.
pub const TASK_WAIT: &str = "task.wait";

/// How the names of models begin that read or write a file that the name contains.
const MODELS_OF_A_FILE: [&str; 3] = ["record:", "replay:", "scripted:"];

/// Returns whether the name of a model is one that reads or writes a file: `record:`, `replay:` or `scripted:`. A
/// child task runs on such a model only if its parent does.
pub fn is_model_of_a_file(name: &str) -> bool {
    MODELS_OF_A_FILE.iter().any(|start| name.trim_start().starts_with(start))
}

/// A request for a child task.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpawnRequest {
    /// What the child is to do.
    pub command: String,
    /// The only tools that it may use; those of its parent if absent.
    pub tools: Option<Vec<String>>,
    /// The model; that of its parent if absent.
    pub model: Option<String>,
    /// The most that it may spend, as a part of what its parent has left.
    pub budget: Option<Usd>,
}

impl SpawnRequest {
    /// Creates a request for a child with the tools and the model of its parent.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into(), tools: None, model: None, budget: None }
    }

    /// Sets the only tools that the child may use.
    #[must_use]
    pub fn with_tools(mut self, tools: Option<Vec<String>>) -> Self {
        self.tools = tools;
        self
    }

    /// Sets the model.
    #[must_use]
    pub fn with_model(mut self, model: Option<String>) -> Self {
        self.model = model;
        self
    }

    /// Sets the most that the child may spend.
    #[must_use]
    pub const fn with_budget(mut self, budget: Option<Usd>) -> Self {
        self.budget = budget;
        self
    }
}

/// The state of a child task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ChildReport {
    /// The id of the task
    pub task: TaskId,
    /// Its status
    pub status: TaskStatus,
    /// The answer, or why there is none, once it has ended; what it waits for if it is parked
    pub text: String,
}

impl ChildReport {
    /// Creates a report.
    pub fn new(task: TaskId, status: TaskStatus, text: impl Into<String>) -> Self {
        Self { task, status, text: text.into() }
    }
}

/// Returns the tasks that have ended, as the data of a result of `task.wait` says.
pub(crate) fn told_ends(tool: &str, data: Option<&Value>) -> Vec<TaskId> {
    let reports = data.filter(|_| tool == TASK_WAIT).and_then(|data| data.get("tasks"));
    let reports: Vec<ChildReport> =
        reports.and_then(|reports| Vec::deserialize(reports).ok()).unwrap_or_default();
    let ended = reports.into_iter().filter(|report| report.status.is_ended());
    ended.map(|report| report.task).collect()
}

/// Spawns child tasks of one task, and waits for them. The engine provides it.
///
/// # Contract
///
/// 1. A spawned task is part of the task that makes the call, and is run without a further request. With
///    the key of an earlier call, [`spawn`](Self::spawn) returns the task that this one created, and
///    creates none.
/// 2. A spawned task may do no more than its parent: its workspace, rules, variables, instructions and limits are those of
///    the parent, and its tools are those of the parent or some of them. If its parent may do less once it is resumed,
///    so may the task from its next claim on. It runs on the model of its parent or one of those that are allowed,
///    and on one that reads or writes a file only if this is the model of its parent.
/// 3. A task that would exceed the number of children at once, the number of levels, the number of tasks below the
///    first one, or what its parent may spend is refused with `Invalid`, and so is one with a tool that its parent
///    may not use. Nothing is created then.
/// 4. [`wait`](Self::wait) returns the state of the named tasks, in order, once all of them have ended or the time
///    has passed. It changes nothing, so that it can be repeated.
/// 5. A wait for a task that is not a child of the task is refused with `Invalid`.
/// 6. A child that has not ended is cancelled when its parent ends, and is left to the queue when its parent is parked or
///    released. A resumed task resumes the children that were cancelled with it, unless a wait has told it of their end; a
///    child whose own cancellation was requested stays cancelled.
#[async_trait]
pub trait SpawnTasks: fmt::Debug + Send + Sync + 'static {
    /// Spawns a task for the call with this key; returns its id.
    ///
    /// # Errors
    ///
    /// `Invalid`, or the store's.
    async fn spawn(&self, key: &str, request: &SpawnRequest) -> Result<TaskId>;

    /// Waits until these tasks have ended, for at most `limit`; without any, until all children have whose
    /// end was not told yet.
    ///
    /// # Errors
    ///
    /// `Invalid`; `Cancelled` if the task is stopped meanwhile; or the store's.
    async fn wait(&self, tasks: &[TaskId], limit: Duration) -> Result<Vec<ChildReport>>;
}

/// The child tasks of the task that makes a call; none can be spawned outside of the engine.
#[derive(Debug, Clone, Default)]
pub struct ChildTasks(Option<Arc<dyn SpawnTasks>>);

impl ChildTasks {
    /// Creates access through the engine's implementation.
    pub fn new(children: Arc<dyn SpawnTasks>) -> Self {
        Self(Some(children))
    }

    /// Returns the implementation.
    ///
    /// # Errors
    ///
    /// `Invalid` if the call is not made by a task that runs.
    pub fn get(&self) -> Result<&dyn SpawnTasks> {
        self.0.as_deref().ok_or_else(|| {
            Error::invalid("call", "only a task that runs has child tasks; `az task run` runs one")
        })
    }
}
