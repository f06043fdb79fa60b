//! The limits, permissions and workspace of a task.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::effort::ReasoningEffort;
use super::goal::GoalCheck;
use super::image::TaskImage;
use super::instructions::TaskInstructions;
use super::origin::TaskOrigin;
use super::output_schema::OutputSchema;
use super::spawned::Spawned;

/// A task's limits, permissions and workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TaskOptions {
    /// The only tools that it may use; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// The tools that need no approval: names, or rules as the policy reads them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The tools that it may not call: names, or rules as the policy reads them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    /// The most steps that it may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// The most tool calls that it may make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u32>,
    /// The longest that one run of it may take, serialized in milliseconds.
    #[serde(with = "millis", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// The directory that its tools work in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The names of environment variables that its commands get beside the default ones. Their
    /// values are read from the environment of the process that runs the task, and not stored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// What to do about a call that needs an answer if no one can be asked; the worker's setting if
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unattended: Option<UnattendedMode>,
    /// How much the model reasons; its default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<ReasoningEffort>,
    /// Input for the task, which is data and not a part of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The images that the model gets with the command.
    #[serde(with = "crate::serde_arc", skip_serializing_if = "is_none")]
    pub images: Arc<[TaskImage]>,
    /// The instructions for work in its workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<TaskInstructions>,
    /// The checks that have to succeed before it is completed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub until: Vec<GoalCheck>,
    /// The schema that its answer has to fit, which is JSON then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<OutputSchema>,
    /// The part of another task's record that it begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<TaskOrigin>,
    /// Set if the task that it is a part of has spawned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spawned: Option<Spawned>,
}

/// What to do about a call that needs an approval or an answer if no one can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnattendedMode {
    /// The task fails.
    #[default]
    Deny,
    /// The task is parked until it is answered.
    Wait,
}

impl TaskOptions {
    /// Restricts the task to these tools.
    #[must_use]
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tools = Some(tools.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the tools that need no approval.
    #[must_use]
    pub fn with_allow(mut self, tools: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allow = tools.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the tools that it may not call.
    #[must_use]
    pub fn with_deny(mut self, tools: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.deny = tools.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the most steps that the task may take.
    #[must_use]
    pub const fn with_max_steps(mut self, steps: u32) -> Self {
        self.max_steps = Some(steps);
        self
    }

    /// Sets the most tool calls that the task may make.
    #[must_use]
    pub const fn with_max_calls(mut self, calls: u32) -> Self {
        self.max_calls = Some(calls);
        self
    }

    /// Sets the longest that one run may take.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the directory that the tools work in.
    #[must_use]
    pub fn with_workspace(mut self, directory: impl Into<String>) -> Self {
        self.workspace = Some(directory.into());
        self
    }

    /// Sets the names of the environment variables that commands get beside the default ones.
    #[must_use]
    pub fn with_env(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.env = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what to do about a call that needs an answer if no one can be asked.
    #[must_use]
    pub const fn with_unattended(mut self, mode: UnattendedMode) -> Self {
        self.unattended = Some(mode);
        self
    }

    /// Sets the instructions for work in the workspace.
    #[must_use]
    pub fn with_instructions(mut self, instructions: TaskInstructions) -> Self {
        self.instructions = Some(instructions);
        self
    }

    /// Sets the checks that have to succeed before the task is completed.
    #[must_use]
    pub fn with_until(mut self, checks: impl IntoIterator<Item = GoalCheck>) -> Self {
        self.until = checks.into_iter().collect();
        self
    }

    /// Sets the images that the model gets with the command.
    #[must_use]
    pub fn with_images(mut self, images: impl Into<Arc<[TaskImage]>>) -> Self {
        self.images = images.into();
        self
    }

    /// Sets the schema that the answer has to fit.
    #[must_use]
    pub fn with_output_schema(mut self, schema: OutputSchema) -> Self {
        self.output_schema = Some(schema);
        self
    }

    /// Sets how much the model reasons.
    #[must_use]
    pub const fn with_effort(mut self, effort: ReasoningEffort) -> Self {
        self.effort = Some(effort);
        self
    }

    /// Marks the task as one that its parent has spawned.
    #[must_use]
    pub fn with_spawned(mut self, spawned: Spawned) -> Self {
        self.spawned = Some(spawned);
        self
    }

    /// Sets the input.
    #[must_use]
    pub fn with_input(mut self, input: impl Into<String>) -> Self {
        self.input = Some(input.into());
        self
    }
}

fn is_none(images: &Arc<[TaskImage]>) -> bool {
    images.is_empty()
}

/// Serializes an optional duration as whole milliseconds.
pub mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes milliseconds.
    ///
    /// # Errors
    ///
    /// The serializer's own.
    pub fn serialize<S: Serializer>(d: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        d.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)).serialize(s)
    }

    /// Reads milliseconds.
    ///
    /// # Errors
    ///
    /// The deserializer's own.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(d)?.map(Duration::from_millis))
    }
}
