//! What the record is made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fold::History;
use super::reply::ModelReply;
use crate::clock::Timestamp;
use crate::content::ContentPart;
use crate::cost::{Charge, Hold, Payer, Settlement};
use crate::error::{Error, ErrorKind};
use crate::id::{CallId, TaskId, WorkerId};
use crate::money::Usd;
use crate::task::Outcome;
use crate::tool::{EffectClass, ToolOutput};

/// The version of the events that are written; kept in every `run_started`.
///
/// Version 2 holds the results of tools as content parts and has observations. Events of version 1,
/// which hold results as one text, are read as well.
pub const SCHEMA: u32 = 2;

/// One entry of a task's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The task.
    pub task: TaskId,
    /// Its place in the record, from 0 without gaps.
    pub seq: u64,
    /// The claim under which it was written.
    pub epoch: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    #[serde(flatten)]
    pub event: NewEvent,
}

/// An entry before it has its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// The call that it is about. At most one intent and one result, one question and one answer
    /// per call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// What it says.
    #[serde(flatten)]
    pub body: EventBody,
}

impl NewEvent {
    /// Returns an event about the run as a whole.
    pub const fn new(body: EventBody) -> Self {
        Self { call: None, body }
    }

    /// Returns an event about a call.
    pub const fn about(call: CallId, body: EventBody) -> Self {
        Self { call: Some(call), body }
    }

    /// Returns the call that it is about.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when it names none.
    pub fn call_id(&self) -> Result<&CallId, Error> {
        let nameless = || Error::invalid("event", format!("{} names no call", self.body.name()));
        self.call.as_ref().ok_or_else(nameless)
    }
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// A worker took the task up.
    RunStarted {
        /// The version of the events that follow.
        schema: u32,
        /// The worker.
        owner: WorkerId,
        /// How many steps are on record already.
        #[serde(default, skip_serializing_if = "is_zero")]
        steps: u32,
    },
    /// A model is about to be asked.
    LlmIntent(ModelIntent),
    /// What came of it.
    LlmResult(ModelResult),
    /// A tool is about to be called.
    ToolIntent(ToolIntent),
    /// Approval of a tool call was requested.
    ApprovalAsked {
        /// The tool.
        tool: String,
        /// A digest of its arguments: the answer holds for these and no others.
        digest: String,
        /// Why it had to be asked.
        reason: String,
        /// The arguments; absent in older records.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        arguments: Value,
    },
    /// The answer.
    ApprovalGiven {
        /// The digest that was asked about.
        digest: String,
        /// Whether it may.
        granted: bool,
        /// Who or what answered.
        by: String,
    },
    /// What came of a tool call.
    ToolResult(ToolResult),
    /// A text that the agent adds to what the model sees.
    Observation {
        /// The text.
        text: String,
    },
    /// Something worth knowing that changes nothing.
    Note {
        /// What.
        text: String,
    },
    /// The fold of everything before it, so that reading can begin here.
    Snapshot {
        /// The fold.
        history: Box<History>,
    },
    /// The run ended.
    RunFinished {
        /// How.
        outcome: Outcome,
        /// What the task came to; absent in older records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        totals: Option<RunTotals>,
    },
}

impl EventBody {
    /// Returns the type's name in records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::LlmIntent(_) => "llm_intent",
            Self::LlmResult(_) => "llm_result",
            Self::ToolIntent(_) => "tool_intent",
            Self::ApprovalAsked { .. } => "approval_asked",
            Self::ApprovalGiven { .. } => "approval_given",
            Self::ToolResult(_) => "tool_result",
            Self::Observation { .. } => "observation",
            Self::Note { .. } => "note",
            Self::Snapshot { .. } => "snapshot",
            Self::RunFinished { .. } => "run_finished",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What a task came to when a run of it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTotals {
    /// What the task has cost, as far as prices are known.
    pub cost: Usd,
    /// Whether some of it has no known price.
    pub unpriced: bool,
    /// All tokens that it used.
    pub tokens: u64,
    /// All steps that it took.
    pub steps: u32,
    /// How long this run took, in milliseconds.
    pub millis: u64,
}

/// What a model is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// The next step of the task.
    #[default]
    Step,
    /// A summary of the first turns, to make room.
    Summary {
        /// How many turns it stands for.
        turns: usize,
    },
}

/// A model call about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIntent {
    /// Who is asked.
    pub provider: String,
    /// Which model.
    pub model: String,
    /// What for.
    #[serde(flatten)]
    pub purpose: Purpose,
    /// The most that it can cost; `None` when the price is unknown. Taken as a hold.
    pub hold: Option<Usd>,
    /// When the hold may be swept if nothing more is heard.
    pub hold_until: Timestamp,
    /// Tokens expected to be sent.
    pub estimated_tokens: u64,
    /// Why this model, where there was a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ModelIntent {
    /// Returns the hold that it takes.
    pub fn hold_of(&self, task: &TaskId, call: &CallId, now: Timestamp) -> Hold {
        Hold {
            payer: Payer::Task(task.clone()),
            call: call.clone(),
            provider: self.provider.clone(),
            model: self.model.clone(),
            amount: self.hold,
            at: now,
            until: self.hold_until,
        }
    }
}

/// What came of a model call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelResult {
    /// What the model did.
    #[serde(flatten)]
    pub outcome: ModelOutcome,
    /// What becomes of the hold.
    #[serde(flatten)]
    pub settlement: Settlement,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl ModelResult {
    /// Returns what the call used and cost, as far as that is known.
    pub const fn charge(&self) -> Option<&Charge> {
        match &self.settlement {
            Settlement::Paid(charge) => Some(charge),
            Settlement::Full | Settlement::Nothing => None,
        }
    }
}

/// What a model did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ModelOutcome {
    /// It replied.
    Replied {
        /// What it said.
        reply: ModelReply,
    },
    /// The call failed.
    Failed {
        /// What sort of failure.
        kind: ErrorKind,
        /// What the provider or the connection said.
        message: String,
    },
    /// The call was interrupted before a reply arrived.
    Interrupted,
}

/// A tool call about to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolIntent {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// What may be done if no result follows.
    pub effect: EffectClass,
    /// What the tool needs to know later of how things stood before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Value>,
}

/// The result of a tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredToolResult")]
#[non_exhaustive]
pub struct ToolResult {
    /// The tool.
    pub tool: String,
    /// What it did.
    pub outcome: ToolOutcome,
    /// What it returned, in full, for the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<ContentPart>,
    /// The same as data, where the tool returns data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl ToolResult {
    /// Creates a result from what a tool returned.
    pub fn new(tool: impl Into<String>, outcome: ToolOutcome, output: ToolOutput) -> Self {
        let ToolOutput { content, data, .. } = output;
        Self { tool: tool.into(), outcome, content, data, millis: 0 }
    }

    /// Sets how long the call took, in milliseconds.
    #[must_use]
    pub const fn with_millis(mut self, millis: u64) -> Self {
        self.millis = millis;
        self
    }
}

/// A tool result as versions 1 and 2 store it.
#[derive(Deserialize)]
struct StoredToolResult {
    tool: String,
    outcome: ToolOutcome,
    /// Version 1.
    #[serde(default)]
    text: String,
    /// Version 2.
    #[serde(default)]
    content: Vec<ContentPart>,
    #[serde(default)]
    data: Option<Value>,
    millis: u64,
}

impl From<StoredToolResult> for ToolResult {
    fn from(stored: StoredToolResult) -> Self {
        let StoredToolResult { tool, outcome, text, mut content, data, millis } = stored;
        if !text.is_empty() {
            content.insert(0, ContentPart::Text { text });
        }
        Self { tool, outcome, content, data, millis }
    }
}

/// What a tool did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    /// What it was asked to.
    Done,
    /// It failed, and said so.
    Failed,
    /// It was not called: it does not exist, its arguments do not fit, or it was not approved.
    Refused,
    /// It was interrupted, and its outcome is unknown.
    Unknown,
}
