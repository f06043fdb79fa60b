//! The tools with which clients run tasks.

use std::sync::Arc;
use std::time::Duration;

use az_core::task::TaskStatus;
use az_core::tool::{EffectClass, Invocation, Progress, SpawnRequest, ToolOutput, ToolScope};
use az_core::{Result, TaskId, Usd};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::Instant;

use super::{ServeTasks, ServedTask, TaskRequest};
use crate::ToolRegistry;
use crate::builtin::task::spawn::amount;
use crate::tool::{TypedTool, invalid_argument};

/// The names of the tools.
pub const TASK_TOOLS: [&str; 4] =
    [RunTool::NAME, StatusTool::NAME, ResultTool::NAME, CancelTool::NAME];

/// The longest that a call waits for the end of a task.
const LONGEST_WAIT: Duration = Duration::from_secs(540);
/// How often the state of a task is looked at during a wait.
const POLL: Duration = Duration::from_millis(200);

/// Returns the tools.
///
/// # Errors
///
/// None in practice; their names and schemas are checked like any other.
pub fn task_tools(tasks: &Arc<dyn ServeTasks>) -> Result<ToolRegistry> {
    let mut tools = ToolRegistry::new();
    tools.add(RunTool(Arc::clone(tasks)))?;
    tools.add(StatusTool(Arc::clone(tasks)))?;
    tools.add(ResultTool(Arc::clone(tasks)))?;
    tools.add(CancelTool(Arc::clone(tasks)))?;
    Ok(tools)
}

#[derive(Debug)]
struct RunTool(Arc<dyn ServeTasks>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RunArgs {
    /// What the task is to do, with all that it needs to know
    command: String,
    /// Name of the model; by default the one that is configured
    #[serde(default)]
    model: Option<String>,
    /// Names of the only tools that it may use; by default those of this server
    #[serde(default)]
    tools: Option<Vec<String>>,
    /// The most that it may spend, in dollars
    #[serde(default)]
    budget: Option<f64>,
    /// The directory that it works in, relative to the workspace of this server
    #[serde(default)]
    workspace: Option<String>,
    /// How long to wait for its end, in seconds, at most 540; by default the id is returned at once
    #[serde(default)]
    wait: Option<u64>,
}

impl TypedTool for RunTool {
    type Args = RunArgs;
    const NAME: &'static str = "task.run";
    const DESCRIPTION: &'static str = "Hand a task to an agent, which works on it by itself with its own tools. Returns the id of the task; \
         task.result waits for its answer. A task that has begun goes on when this server ends, in another one or a worker";
    const CATEGORY: &'static str = "task";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Unsafe;
    const SCOPE: ToolScope = ToolScope::Workspace;

    fn check(&self, args: &RunArgs) -> Result<()> {
        if args.command.trim().is_empty() {
            return Err(invalid_argument(Self::NAME, "command", "must not be empty"));
        }
        budget(args).map(drop)
    }

    async fn call(&self, args: RunArgs, call: &Invocation) -> Result<ToolOutput> {
        let (wait, budget) = (args.wait, budget(&args)?);
        let task = SpawnRequest::new(args.command)
            .with_tools(args.tools)
            .with_model(args.model)
            .with_budget(budget);
        let request = TaskRequest::new(task).in_workspace(args.workspace);
        let id = self.0.run(&request).await?;
        output(&ended(&*self.0, &id, seconds(wait, 0), call).await?)
    }
}

fn budget(args: &RunArgs) -> Result<Option<Usd>> {
    amount(RunTool::NAME, args.budget)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TaskArgs {
    /// Id of the task, as task.run returned it
    task: String,
}

#[derive(Debug)]
struct StatusTool(Arc<dyn ServeTasks>);

impl TypedTool for StatusTool {
    type Args = TaskArgs;
    const NAME: &'static str = "task.status";
    const DESCRIPTION: &'static str = "Return the status of a task that task.run has started, with its answer once it is completed";
    const CATEGORY: &'static str = "task";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;

    async fn call(&self, args: TaskArgs, _call: &Invocation) -> Result<ToolOutput> {
        output(&self.0.look(&TaskId::new(args.task)?).await?)
    }
}

#[derive(Debug)]
struct ResultTool(Arc<dyn ServeTasks>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResultArgs {
    /// Id of the task, as task.run returned it
    task: String,
    /// How long to wait for its end, in seconds, at most 540 [default: 60]
    #[serde(default)]
    wait: Option<u64>,
}

/// How long `task.result` waits by default, in seconds.
const USUAL_WAIT: u64 = 60;

impl TypedTool for ResultTool {
    type Args = ResultArgs;
    const NAME: &'static str = "task.result";
    const DESCRIPTION: &'static str = "Wait for the end of a task that task.run has started, and return its answer, or why there is none";
    const CATEGORY: &'static str = "task";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;

    async fn call(&self, args: ResultArgs, call: &Invocation) -> Result<ToolOutput> {
        let limit = seconds(args.wait, USUAL_WAIT);
        output(&ended(&*self.0, &TaskId::new(args.task)?, limit, call).await?)
    }
}

#[derive(Debug)]
struct CancelTool(Arc<dyn ServeTasks>);

impl TypedTool for CancelTool {
    type Args = TaskArgs;
    const NAME: &'static str = "task.cancel";
    const DESCRIPTION: &'static str =
        "Cancel a task that task.run has started. One that has ended stays as it is";
    const CATEGORY: &'static str = "task";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Idempotent;
    const SCOPE: ToolScope = ToolScope::Workspace;

    async fn call(&self, args: TaskArgs, _call: &Invocation) -> Result<ToolOutput> {
        output(&self.0.cancel(&TaskId::new(args.task)?).await?)
    }
}

fn seconds(wait: Option<u64>, default: u64) -> Duration {
    Duration::from_secs(wait.unwrap_or(default)).min(LONGEST_WAIT)
}

/// Returns the state of a task once nothing more happens by itself, or the limit is reached. A cancelled call
/// leaves the task as it is.
#[expect(clippy::disallowed_methods, reason = "another process may run the task")]
async fn ended(
    tasks: &dyn ServeTasks,
    id: &TaskId,
    limit: Duration,
    call: &Invocation,
) -> Result<ServedTask> {
    let begun = Instant::now();
    let mut last = None;
    loop {
        let state = tasks.look(id).await?;
        let is_parked = state.status == TaskStatus::Pending && state.reason.is_some();
        if state.status.is_ended() || is_parked || begun.elapsed() >= limit {
            return Ok(state);
        }
        if last != Some(state.status) {
            last = Some(state.status);
            call.progress.report(Progress::message(format!("task {id} is {}", state.status)));
        }
        tokio::select! {
            () = call.cancel.cancelled() => return Ok(state),
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Returns the state as data, with the JSON as the text.
fn output(state: &ServedTask) -> Result<ToolOutput> {
    let data = serde_json::to_value(state).map_err(|error| {
        az_core::Error::Internal(format!("the state of a task is no JSON: {error}"))
    })?;
    Ok(ToolOutput::done(data.to_string()).with_data(data))
}
