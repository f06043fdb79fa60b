//! The events of a journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::child_totals::ChildTotals;
use super::context::ContextChange;
use super::fold::History;
use super::reply::ModelReply;
use super::sent::SentRequest;
use super::tool_result::ToolResult;
use crate::clock::Timestamp;
use crate::cost::{CacheUse, Charge, Hold, Payer, Settlement};
use crate::error::{Error, ErrorKind};
use crate::id::{CallId, TaskId, WorkerId};
use crate::money::Usd;
use crate::task::Outcome;
use crate::tool::EffectClass;

/// The version of the events that are written; stored in every `run_started`.
///
/// Version 3 records how requests are built. Version 2 stores the results of tools as content parts and
/// has observations. Both, and version 1, which stores results as one text, are read.
pub const SCHEMA: u32 = 3;

/// One entry of a task's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The task.
    pub task: TaskId,
    /// Its number in the journal, from 0 without gaps.
    pub seq: u64,
    /// The epoch of the claim under which it was written.
    pub epoch: u64,
    /// The time at which it was written.
    pub at: Timestamp,
    /// The call and the body.
    #[serde(flatten)]
    pub event: NewEvent,
}

/// An event without a number yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// The call that it is about. A journal has at most one event of each type about a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// The body.
    #[serde(flatten)]
    pub body: EventBody,
}

impl NewEvent {
    /// Creates an event about the run as a whole.
    pub const fn new(body: EventBody) -> Self {
        Self { call: None, body }
    }

    /// Creates an event about a call.
    pub const fn about(call: CallId, body: EventBody) -> Self {
        Self { call: Some(call), body }
    }

    /// Returns the id of the call that it is about.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it has none.
    pub fn call_id(&self) -> Result<&CallId, Error> {
        let nameless = || Error::invalid("event", format!("{} has no call id", self.body.name()));
        self.call.as_ref().ok_or_else(nameless)
    }
}

/// The body of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// A worker claimed the task and began a run.
    RunStarted {
        /// The version of the events that follow.
        schema: u32,
        /// The worker.
        owner: WorkerId,
        /// The number of steps that were recorded before.
        #[serde(default, skip_serializing_if = "is_zero")]
        steps: u32,
        /// What the journal begins with a copy of, in the first run of a task that continues another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        continues: Option<Continued>,
    },
    /// A model call is about to be made.
    LlmIntent(ModelIntent),
    /// The result of a model call.
    LlmResult(ModelResult),
    /// A tool call is about to be made.
    ToolIntent(ToolIntent),
    /// Approval of a tool call was requested.
    ApprovalAsked {
        /// The tool.
        tool: String,
        /// A digest of its arguments; the answer applies only to these.
        digest: String,
        /// The reason that it needs approval.
        reason: String,
        /// The arguments; absent in older journals.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        arguments: Value,
        /// The time from which on the call counts as denied.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deny_at: Option<Timestamp>,
    },
    /// The answer to a request for approval.
    ApprovalGiven {
        /// The digest from the request.
        digest: String,
        /// Whether the call may be made.
        granted: bool,
        /// The person or program that answered.
        by: String,
        /// The tool, if its further calls by the task are approved as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool: Option<String>,
        /// The reason for a denial, for the model.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A tool call asked a question.
    QuestionAsked {
        /// The tool.
        tool: String,
        /// A digest of its arguments; the answer applies only to these.
        digest: String,
        /// The question.
        question: String,
        /// The answers to choose from; empty if any text is an answer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
    /// The answer to the question of a tool call.
    QuestionAnswered {
        /// The digest from the question.
        digest: String,
        /// The person or program that answered.
        by: String,
        /// The answer; absent if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// The reason that there is no answer, for the model.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The result of a tool call.
    ToolResult(ToolResult),
    /// A text that the agent adds for the model.
    Observation {
        /// The text.
        text: String,
    },
    /// A text that a person sent to the task, for the model. Its id is the event's call.
    Hint {
        /// The text.
        text: String,
    },
    /// A decision about how the requests that follow are built.
    Context(ContextChange),
    /// An event of the task that this one continues. It is a part of the conversation and has no other
    /// effect: nothing is booked, held or done for it.
    Copied {
        /// The time at which it was written there.
        written_at: Timestamp,
        /// The event.
        event: Box<NewEvent>,
    },
    /// A note, which changes nothing.
    Note {
        /// The text.
        text: String,
    },
    /// The fold of all events before it, so that reading can begin here.
    Snapshot {
        /// The fold.
        history: Box<History>,
    },
    /// The run ended.
    RunFinished {
        /// The outcome.
        outcome: Outcome,
        /// The task's totals; absent in older journals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        totals: Option<RunTotals>,
    },
}

impl EventBody {
    /// Returns the type's name in journals.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::LlmIntent(_) => "llm_intent",
            Self::LlmResult(_) => "llm_result",
            Self::ToolIntent(_) => "tool_intent",
            Self::ApprovalAsked { .. } => "approval_asked",
            Self::ApprovalGiven { .. } => "approval_given",
            Self::QuestionAsked { .. } => "question_asked",
            Self::QuestionAnswered { .. } => "question_answered",
            Self::ToolResult(_) => "tool_result",
            Self::Observation { .. } => "observation",
            Self::Hint { .. } => "hint",
            Self::Context(_) => "context",
            Self::Copied { .. } => "copied",
            Self::Note { .. } => "note",
            Self::Snapshot { .. } => "snapshot",
            Self::RunFinished { .. } => "run_finished",
        }
    }
}

/// How much of another task's record a journal begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Continued {
    /// Everything that was done.
    Whole,
    /// A part: something was done later.
    Part,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// The totals of a task when a run of it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTotals {
    /// The cost of the task, without calls whose price is unknown.
    pub cost: Usd,
    /// Whether some calls have no known price.
    pub unpriced: bool,
    /// The number of tokens that it used.
    pub tokens: u64,
    /// The number of steps that it took.
    pub steps: u32,
    /// The duration of this run, in milliseconds.
    pub millis: u64,
    /// What it read from the caches of providers; absent in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheUse>,
    /// What the tasks below it cost beside it; absent if there are none, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<ChildTotals>,
}

/// The use of a model's reply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// The next step of the task.
    #[default]
    Step,
    /// A summary of the first turns, for compaction.
    Summary {
        /// The number of turns that it replaces.
        turns: usize,
    },
}

/// A model call about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIntent {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The use of the reply.
    #[serde(flatten)]
    pub purpose: Purpose,
    /// The most that it can cost; `None` if the price is unknown. The amount of the hold.
    pub hold: Option<Usd>,
    /// The lease time at which the hold expires, unless the lease is extended.
    pub hold_until: Timestamp,
    /// The estimated number of tokens that are sent.
    pub estimated_tokens: u64,
    /// The reason for the choice of this model, if there was a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Digests of the request; absent in older journals, and for requests that are not steps of a
    /// conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Box<SentRequest>>,
}

impl ModelIntent {
    /// Returns the hold that the intent takes.
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

/// The result of a model call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelResult {
    /// The outcome.
    #[serde(flatten)]
    pub outcome: ModelOutcome,
    /// The settlement of the hold.
    #[serde(flatten)]
    pub settlement: Settlement,
    /// The duration of the call, in milliseconds.
    pub millis: u64,
}

impl ModelResult {
    /// Returns the charge of the call, if it is known.
    pub const fn charge(&self) -> Option<&Charge> {
        match &self.settlement {
            Settlement::Paid(charge) => Some(charge),
            Settlement::Full | Settlement::Nothing => None,
        }
    }
}

/// The outcome of a model call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ModelOutcome {
    /// The model replied.
    Replied {
        /// The reply.
        reply: ModelReply,
    },
    /// The call failed.
    Failed {
        /// The kind of failure.
        kind: ErrorKind,
        /// The message of the provider or of the connection.
        message: String,
    },
    /// The call was interrupted before a reply arrived.
    Interrupted,
}

/// A tool call about to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolIntent {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// What may be done if no result follows.
    pub effect: EffectClass,
    /// The tool's note about the state before the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Value>,
}
