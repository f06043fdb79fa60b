//! Events of tasks: as they happen, and as the journal has them.

use az_core::engine::{RunEvent, RunEventKind};
use az_core::error::ErrorKind;
use az_core::journal::{Continued, Event, EventBody, ToolIntent};
use az_core::tool::Progress;
use az_core::{CallId, TaskId, Timestamp, WorkerId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::context::ContextChangeView;
use super::event_body::{
    BudgetAlertView, ModelIntentView, ModelResultView, OutcomeView, RunTotalsView, ToolResultView,
};
use super::waiting::WaitingView;

/// An event of a task. Live events and those of the journal have the same form.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct EventView<'a> {
    /// The task.
    pub task: &'a TaskId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The number in the journal; absent if the event is not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The epoch of the run; only the journal has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The model or tool call that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<&'a CallId>,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBodyView<'a>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of the core's events")]
pub enum EventBodyView<'a> {
    /// A worker claimed the task.
    RunStarted {
        schema: u32,
        owner: &'a WorkerId,
        steps: u32,
        /// How much of another task's record the journal begins with a copy of; absent if it is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        continues: Option<Continued>,
    },
    /// A model call is about to be made.
    LlmIntent(ModelIntentView<'a>),
    /// A model call ended.
    LlmResult(ModelResultView<'a>),
    /// A tool call is about to be made.
    ToolIntent(&'a ToolIntent),
    /// A tool call needs approval.
    ApprovalAsked {
        tool: &'a str,
        digest: &'a str,
        reason: &'a str,
        arguments: &'a Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        deny_at: Option<Timestamp>,
    },
    /// A tool call was approved or denied.
    ApprovalGiven {
        digest: &'a str,
        granted: bool,
        by: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        tool: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// A tool call asked a question.
    QuestionAsked { tool: &'a str, digest: &'a str, question: &'a str, options: &'a [String] },
    /// The question of a tool call was answered; without a text, there is no answer.
    QuestionAnswered {
        digest: &'a str,
        by: &'a str,
        text: Option<&'a str>,
        reason: Option<&'a str>,
    },
    /// A tool call ended.
    ToolResult(ToolResultView<'a>),
    /// The agent added a text to what the model sees.
    Observation { text: &'a str },
    /// A person sent a text to the task, which the model sees before its next turn.
    Hint { text: &'a str },
    /// The run decided how the requests that follow are built.
    Context(ContextChangeView<'a>),
    /// A copy of an event of the task that this one continues: what it was, and which call it was about.
    Copied {
        written_at: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        copied_call: Option<&'a CallId>,
        copy: Box<Self>,
    },
    /// The run took a decision.
    Note { text: &'a str },
    /// The fold of the events before it was stored.
    Snapshot {},
    /// The run ended, and the task with it.
    RunFinished { outcome: OutcomeView<'a>, totals: Option<RunTotalsView> },
    /// A piece of the model's reasoning arrived.
    ReasoningDelta { text: &'a str },
    /// A piece of the model's reply arrived.
    TextDelta { text: &'a str },
    /// A failed model call will be tried again.
    RetryScheduled { kind: ErrorKind, message: &'a str, retry_in_ms: u64 },
    /// A running tool call reports its progress.
    ToolProgress {
        tool: &'a str,
        #[serde(flatten)]
        progress: &'a Progress,
    },
    /// A budget reached one of its alert percentages.
    BudgetAlert(BudgetAlertView),
    /// The task was parked: the run ends, and the task waits for the answer to a call.
    Parked { waiting: WaitingView },
}

impl<'a> EventView<'a> {
    /// Returns the view of an event as it happens; `None` for a kind that this version does not know.
    pub fn live(event: &'a RunEvent) -> Option<Self> {
        let (seq, call, body) = match &event.kind {
            RunEventKind::Recorded(recorded) => {
                (Some(recorded.seq), recorded.call.as_ref(), (&recorded.body).into())
            }
            RunEventKind::ReasoningDelta { text } => {
                (None, None, EventBodyView::ReasoningDelta { text })
            }
            RunEventKind::TextDelta { text } => (None, None, EventBodyView::TextDelta { text }),
            RunEventKind::RetryScheduled { call, kind, message, in_millis } => {
                let retry_in_ms = *in_millis;
                let body = EventBodyView::RetryScheduled { kind: *kind, message, retry_in_ms };
                (None, Some(call), body)
            }
            RunEventKind::ToolProgress { call, tool, progress } => {
                (None, Some(call), EventBodyView::ToolProgress { tool, progress })
            }
            RunEventKind::BudgetAlert(alert) => {
                (None, None, EventBodyView::BudgetAlert(alert.into()))
            }
            RunEventKind::Parked(waiting) => {
                (None, None, EventBodyView::Parked { waiting: (&**waiting).into() })
            }
            _ => return None,
        };
        let (task, occurred_at) = (&event.task, event.at);
        Some(Self { task, occurred_at, seq, epoch: None, call, body })
    }

    /// Returns the view of an event of the journal.
    pub fn recorded(event: &'a Event) -> Self {
        Self {
            task: &event.task,
            occurred_at: event.at,
            seq: Some(event.seq),
            epoch: Some(event.epoch),
            call: event.event.call.as_ref(),
            body: (&event.event.body).into(),
        }
    }
}

impl<'a> From<&'a EventBody> for EventBodyView<'a> {
    fn from(body: &'a EventBody) -> Self {
        match body {
            EventBody::RunStarted { schema, owner, steps, continues } => {
                let (schema, steps, continues) = (*schema, *steps, *continues);
                Self::RunStarted { schema, owner, steps, continues }
            }
            EventBody::LlmIntent(intent) => Self::LlmIntent(intent.into()),
            EventBody::LlmResult(result) => Self::LlmResult(result.into()),
            EventBody::ToolIntent(intent) => Self::ToolIntent(intent),
            EventBody::ApprovalAsked { tool, digest, reason, arguments, deny_at } => {
                Self::ApprovalAsked { tool, digest, reason, arguments, deny_at: *deny_at }
            }
            EventBody::ApprovalGiven { digest, granted, by, tool, reason } => {
                let (tool, reason) = (tool.as_deref(), reason.as_deref());
                Self::ApprovalGiven { digest, granted: *granted, by, tool, reason }
            }
            EventBody::QuestionAsked { tool, digest, question, options } => {
                Self::QuestionAsked { tool, digest, question, options }
            }
            EventBody::QuestionAnswered { digest, by, text, reason } => {
                let (text, reason) = (text.as_deref(), reason.as_deref());
                Self::QuestionAnswered { digest, by, text, reason }
            }
            EventBody::ToolResult(result) => Self::ToolResult(result.into()),
            EventBody::Observation { text } => Self::Observation { text },
            EventBody::Hint { text } => Self::Hint { text },
            EventBody::Context(change) => Self::Context(change.into()),
            EventBody::Copied { written_at, event } => Self::Copied {
                written_at: *written_at,
                copied_call: event.call.as_ref(),
                copy: Box::new(Self::from(&event.body)),
            },
            EventBody::Note { text } => Self::Note { text },
            EventBody::Snapshot { .. } => Self::Snapshot {},
            EventBody::RunFinished { outcome, totals } => {
                let totals = totals.as_ref().map(RunTotalsView::from);
                Self::RunFinished { outcome: outcome.into(), totals }
            }
        }
    }
}
