//! `task.wait`.

use std::time::Duration;

use az_core::tool::{ChildReport, EffectClass, Invocation, TASK_WAIT, ToolOutput, ToolScope};
use az_core::{Result, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::schema::output_schema;
use crate::tool::{TypedTool, invalid_argument};

/// The default of `timeout`, in seconds.
const DEFAULT_TIMEOUT: u32 = 600;
/// The longest `timeout`, in seconds.
const MAX_TIMEOUT: u32 = 86_400;
/// The most tasks of one call.
const MOST_TASKS: usize = 64;

/// Waits for child tasks. It changes nothing, so that a wait that was interrupted is made again.
#[derive(Debug)]
pub struct WaitTool;

/// The arguments of `task.wait`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitArgs {
    /// Ids of child tasks; by default all whose end was not reported yet
    #[serde(default)]
    pub tasks: Vec<String>,
    /// The longest time to wait, in seconds
    #[serde(default = "default_timeout")]
    pub timeout: u32,
}

/// The data of a result.
#[derive(Debug, Serialize, JsonSchema)]
struct Reports {
    /// The tasks in the order in which they were named
    tasks: Vec<ChildReport>,
}

const fn default_timeout() -> u32 {
    DEFAULT_TIMEOUT
}

impl TypedTool for WaitTool {
    type Args = WaitArgs;
    const NAME: &'static str = TASK_WAIT;
    const DESCRIPTION: &'static str = "Wait until child tasks have ended; returns the status of each, and the first and last part of its answer, \
         up to 2 KB. At the end of the timeout it returns what there is; wait again for the others";
    const CATEGORY: &'static str = "task";
    const RETURNS: &'static str = "object";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const EXAMPLE: &'static str =
        r#"{"tasks": ["5a1c9e02-7f4d-8e21-8c3b-0d6f2a9b7e11"], "timeout": 60}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<Reports>())
    }

    fn check(&self, args: &WaitArgs) -> Result<()> {
        let refused = |name: &str, reason: &str| Err(invalid_argument(Self::NAME, name, reason));
        if args.tasks.len() > MOST_TASKS {
            let number = args.tasks.len();
            return refused("tasks", &format!("must be at most {MOST_TASKS} ids, got {number}"));
        }
        if let Some(wrong) = args.tasks.iter().find(|id| TaskId::new(id.trim()).is_err()) {
            return refused("tasks", &format!("{wrong:?} is not the id of a task"));
        }
        if args.timeout > MAX_TIMEOUT {
            let reason = format!("must be at most {MAX_TIMEOUT}, got {}", args.timeout);
            return refused("timeout", &reason);
        }
        Ok(())
    }

    async fn call(&self, args: WaitArgs, call: &Invocation) -> Result<ToolOutput> {
        let children = call.children.get()?;
        let ids = args.tasks.iter().map(|id| TaskId::new(id.trim()));
        let ids = ids.collect::<Result<Vec<_>>>()?;
        let limit = Duration::from_secs(args.timeout.into());
        let tasks = children.wait(&ids, limit).await?;
        let text = in_words(&tasks, args.timeout);
        Ok(ToolOutput::done(text).with_data(json!(Reports { tasks })))
    }
}

/// Returns the reports as text for the model.
fn in_words(tasks: &[ChildReport], timeout: u32) -> String {
    if tasks.is_empty() {
        return "there is no child task whose end was not reported yet".to_owned();
    }
    let mut text = String::new();
    for ChildReport { task, status, text: result, .. } in tasks {
        text.push_str(&format!("{task} {status}"));
        match result.as_str() {
            "" => text.push('\n'),
            result => text.push_str(&format!(":\n{}\n", result.trim_end())),
        }
    }
    let left = tasks.iter().filter(|report| !report.status.is_ended()).count();
    if left > 0 {
        let of = tasks.len();
        text.push_str(&format!("[after {timeout} s, {left} of {of} have not ended; wait again]"));
    }
    text.trim_end().to_owned()
}
