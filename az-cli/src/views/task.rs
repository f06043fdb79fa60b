//! Tasks: in a listing, and one with everything that is known of it.

use std::collections::BTreeSet;

use az_core::cost::{CacheUse, CostEntry};
use az_core::journal::{
    CallState, ChildTotals, Hint, History, PrefixChange, RequestPart, ToolOutcome,
};
use az_core::task::{ReasoningEffort, TaskImage, TaskOptions, TaskOrigin, UnattendedMode};
use az_core::tool::{BackgroundProcess, TodoItem};
use az_core::{Task, TaskId, TaskPriority, TaskStatus, Timestamp};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::cache_use::CacheUseView;
use super::charge::LedgerEntryView;
use super::child_task::{ChildTaskView, ChildTotalsView};
use super::failure::FailureView;
use super::units::{millis, money};
use super::waiting::WaitingView;

/// A task in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TaskSummaryView {
    /// The id.
    pub id: TaskId,
    /// The status.
    pub status: TaskStatus,
    /// The priority.
    pub priority: TaskPriority,
    /// The model that the task names or was given.
    pub model: Option<String>,
    /// The cost so far, without the calls whose price is unknown.
    pub cost_nanos: i64,
    /// The cost in dollars.
    pub cost_usd: String,
    /// Whether the price of some calls is unknown.
    pub unpriced: bool,
    /// The tokens used so far.
    pub actual_tokens: u64,
    /// When the task was created.
    pub created_at: Timestamp,
    /// The task that this one is a part of.
    pub parent_task_id: Option<TaskId>,
    /// The command.
    pub command: String,
    /// The call that the task waits for; absent unless it is parked.
    pub waiting: Option<WaitingView>,
    /// The part of the stored task that cannot be read, and why. A damaged task does not run; it can
    /// be deleted.
    pub damage: Option<String>,
}

impl TaskSummaryView {
    /// Returns the view of a task; `unpriced` is whether the price of some of its calls is unknown.
    pub fn new(task: Task, unpriced: bool) -> Self {
        let (cost_nanos, cost_usd) = money(task.cost);
        Self {
            id: task.id,
            status: task.status,
            priority: task.priority,
            model: task.model,
            cost_nanos,
            cost_usd,
            unpriced,
            actual_tokens: task.actual_tokens,
            created_at: task.created_at,
            parent_task_id: task.parent_task_id,
            command: task.command,
            waiting: task.waiting.as_deref().map(WaitingView::from),
            damage: task.damage,
        }
    }
}

/// A task with its limits, its result and its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TaskView {
    /// The task as listings show it.
    #[serde(flatten)]
    pub summary: TaskSummaryView,
    /// The estimated tokens of the command.
    pub estimated_tokens: u64,
    /// When the task first ran.
    pub started_at: Option<Timestamp>,
    /// When the task ended.
    pub completed_at: Option<Timestamp>,
    /// When the task last changed.
    pub updated_at: Timestamp,
    /// The task whose first steps this one continues; absent if there is none.
    pub continues: Option<TaskOriginView>,
    /// The limits of the task.
    pub options: TaskOptionsView,
    /// The answer, once completed.
    pub answer: Option<String>,
    /// Why the task did not complete.
    pub failure: Option<FailureView>,
    /// The steps taken so far.
    pub steps: u32,
    /// How many times the task was claimed.
    pub runs: u32,
    /// How many tool calls there were.
    pub tool_calls: usize,
    /// The tool calls by their outcomes.
    pub tool_outcomes: ToolOutcomesView,
    /// The tasks that are parts of this one, oldest first; the latest 100 of them.
    pub children: Vec<ChildTaskView>,
    /// What the tasks that were spawned below it cost beside it; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_totals: Option<ChildTotalsView>,
    /// The list of steps that the model set last.
    pub todo: Vec<TodoItem>,
    /// The processes that its commands left running in the background.
    pub background: Vec<BackgroundProcess>,
    /// The hints that the model has not read yet.
    pub hints: Vec<String>,
    /// The arguments of the call that the task waits for; absent unless it waits for approval.
    pub waiting_arguments: Option<Value>,
    /// The answers to choose from, if the task waits for the answer to a question with such.
    pub waiting_options: Vec<String>,
    /// What the task's calls read from caches.
    #[serde(flatten)]
    pub cache: CacheUseView,
    /// The requests that did not begin with the one before, without a recorded cut.
    pub prefix_changes: Vec<PrefixChangeView>,
    /// The ledger entries of the task's calls.
    pub entries: Vec<LedgerEntryView>,
}

impl TaskView {
    /// Sets the processes that the task's commands left running in the background.
    #[must_use]
    pub fn with_background(mut self, processes: Vec<BackgroundProcess>) -> Self {
        self.background = processes;
        self
    }

    /// Sets the tasks that are parts of this one, those of them that have calls whose price is unknown, and what
    /// the tasks that were spawned below this one cost.
    #[must_use]
    pub fn with_children(
        mut self,
        children: impl IntoIterator<Item = Task>,
        unpriced: &BTreeSet<TaskId>,
        totals: Option<ChildTotals>,
    ) -> Self {
        let view = |child: Task| {
            let unpriced = unpriced.contains(&child.id);
            ChildTaskView::new(child, unpriced)
        };
        self.children = children.into_iter().map(view).collect();
        self.child_totals = totals.map(ChildTotalsView::from);
        self
    }

    /// Sets the hints that the model has not read yet.
    #[must_use]
    pub fn with_hints(mut self, hints: Vec<Hint>) -> Self {
        self.hints = hints.into_iter().map(|hint| hint.text).collect();
        self
    }

    /// Sets the arguments of the call that the task waits for, and the answers to choose from.
    #[must_use]
    pub fn with_asked(mut self, arguments: Value, options: Vec<String>) -> Self {
        self.waiting_arguments = Some(arguments).filter(|arguments| !arguments.is_null());
        self.waiting_options = options;
        self
    }

    /// Returns the view of a task, the fold of its journal and its ledger entries.
    pub fn new(task: Task, history: &History, entries: Vec<CostEntry>) -> Self {
        let mut cache = CacheUse::default();
        entries.iter().for_each(|entry| cache.add(&entry.charge));
        Self {
            estimated_tokens: task.estimated_tokens,
            started_at: task.started_at,
            completed_at: task.completed_at,
            updated_at: task.updated_at,
            continues: task.options.origin.as_ref().map(TaskOriginView::from),
            options: (&task.options).into(),
            answer: task.answer.clone(),
            failure: task.failure.as_ref().map(FailureView::from),
            steps: history.own_steps(),
            runs: history.own_runs(),
            tool_calls: history.own_calls().count(),
            tool_outcomes: history.into(),
            children: Vec::new(),
            child_totals: None,
            todo: history.todo.as_ref().map(|todo| todo.list.items.clone()).unwrap_or_default(),
            background: Vec::new(),
            hints: Vec::new(),
            waiting_arguments: None,
            waiting_options: Vec::new(),
            cache: cache.into(),
            prefix_changes: history.context.prefix_changes.iter().map(Into::into).collect(),
            entries: entries.into_iter().map(LedgerEntryView::from).collect(),
            summary: TaskSummaryView::new(task, history.unpriced),
        }
    }
}

/// A request that did not begin with the one before, although no recorded decision changed that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct PrefixChangeView {
    /// The number of the step, from 1.
    pub step: u32,
    /// The first part that changed: `the tools`, `the system text` or `message N`.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    pub part: RequestPart,
}

impl From<&PrefixChange> for PrefixChangeView {
    fn from(change: &PrefixChange) -> Self {
        Self { step: change.step, part: change.part }
    }
}

fn as_text<S: Serializer>(part: &RequestPart, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(part)
}

/// The limits of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TaskOptionsView {
    /// The only tools that the task may use; absent if it may use all.
    pub tools: Option<Vec<String>>,
    /// The tools that run without approval.
    pub allow: Vec<String>,
    /// The calls that it may not make.
    pub deny: Vec<String>,
    /// The limit of steps.
    pub max_steps: Option<u32>,
    /// The limit of tool calls.
    pub max_calls: Option<u32>,
    /// The time limit of one run.
    pub timeout_ms: Option<u64>,
    /// The directory that the tools work in.
    pub workspace: Option<String>,
    /// The names of the environment variables that commands get beside the default ones.
    pub env: Vec<String>,
    /// What to do about a call that needs an answer if no one can be asked; absent if the worker decides.
    pub unattended: Option<UnattendedMode>,
    /// The size of the input in bytes; absent if there is none.
    pub input_bytes: Option<usize>,
    /// How much the model reasons; absent if that is left to it.
    pub effort: Option<ReasoningEffort>,
    /// The images that the model gets with the command.
    pub images: Vec<TaskImageView>,
    /// The instructions for work in the workspace; absent if there are none.
    pub instructions: Option<InstructionsView>,
    /// The commands that have to succeed before the task is completed.
    pub until: Vec<String>,
    /// The JSON Schema that the answer has to fit, which is JSON then; absent if there is none.
    pub output_schema: Option<Value>,
}

impl From<&TaskOptions> for TaskOptionsView {
    fn from(options: &TaskOptions) -> Self {
        Self {
            tools: options.tools.clone(),
            allow: options.allow.clone(),
            deny: options.deny.clone(),
            max_steps: options.max_steps,
            max_calls: options.max_calls,
            timeout_ms: options.timeout.map(millis),
            workspace: options.workspace.clone(),
            env: options.env.clone(),
            unattended: options.unattended,
            input_bytes: options.input.as_ref().map(String::len),
            effort: options.effort,
            images: options.images.iter().map(TaskImageView::from).collect(),
            instructions: options.instructions.as_ref().map(|instructions| InstructionsView {
                files: instructions.files.clone(),
                bytes: instructions.text.len(),
                sha256: instructions.sha256.clone(),
            }),
            until: options.until.iter().map(|check| check.command.clone()).collect(),
            output_schema: options.output_schema.as_ref().map(|schema| schema.as_value().clone()),
        }
    }
}

/// The instructions for work in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct InstructionsView {
    /// The files that they are from.
    pub files: Vec<String>,
    /// The size of the text in bytes.
    pub bytes: usize,
    /// The SHA-256 digest of the text.
    pub sha256: String,
}

/// The task whose first steps a task continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TaskOriginView {
    /// The task.
    pub task_id: TaskId,
    /// How many of its steps are continued.
    pub steps: usize,
}

impl From<&TaskOrigin> for TaskOriginView {
    fn from(origin: &TaskOrigin) -> Self {
        Self { task_id: origin.task.clone(), steps: origin.steps }
    }
}

/// An image that the model gets with the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TaskImageView {
    /// The file that it is from.
    pub name: String,
    /// The media type, such as `image/png`.
    pub mime_type: String,
    /// The size in bytes.
    pub bytes: usize,
}

impl From<&TaskImage> for TaskImageView {
    fn from(image: &TaskImage) -> Self {
        Self {
            name: image.name.clone(),
            mime_type: image.content.mime_type.clone(),
            bytes: image.content.bytes(),
        }
    }
}

/// How many tool calls ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ToolOutcomesView {
    /// Calls that returned a result.
    pub done: usize,
    /// Calls that returned an error.
    pub failed: usize,
    /// Calls that a policy or a person refused.
    pub refused: usize,
    /// Calls that were interrupted, with an unknown outcome.
    pub unknown: usize,
}

impl From<&History> for ToolOutcomesView {
    fn from(history: &History) -> Self {
        let mut counts = Self::default();
        for (_, call) in history.own_calls() {
            let CallState::Ended { outcome, .. } = &call.state else { continue };
            match outcome {
                ToolOutcome::Done => counts.done += 1,
                ToolOutcome::Failed => counts.failed += 1,
                ToolOutcome::Refused => counts.refused += 1,
                ToolOutcome::Unknown => counts.unknown += 1,
            }
        }
        counts
    }
}
