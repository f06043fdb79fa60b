//! Spans: parts of a task's work, with their times.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::cost::Charge;
use crate::id::WorkerId;
use crate::journal::RequestPart;
use crate::task::WaitKind;

/// A part of a task's work, and the parts that it consists of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// A name that is unique in the task: that of the call, or `task`, `run-0`, `step-0`.
    pub id: String,
    /// The kind of work.
    pub kind: SpanKind,
    /// The time at which it began.
    pub started_at: Timestamp,
    /// The time at which it ended; `None` if it has not.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub status: SpanStatus,
    /// Its parts, in the order in which they began.
    pub children: Vec<Self>,
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpanStatus {
    /// It has not ended.
    #[default]
    Open,
    /// It waits for the answer of a person, or ended to wait for it.
    Waiting(WaitKind),
    /// It succeeded.
    Done,
    /// It failed, for this reason.
    Failed(String),
    /// It was cut short by the end of the process or by a request.
    Interrupted,
}

/// The kind of a span's work.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SpanKind {
    /// The task.
    Task {
        /// Its command.
        command: String,
    },
    /// A run of the task, by one worker.
    Run {
        /// The worker.
        owner: WorkerId,
    },
    /// A step: the model calls until a reply, and the tool calls that the reply requests.
    Step,
    /// A model call.
    Model(Box<ModelSpan>),
    /// A tool call.
    Tool {
        /// The tool.
        tool: String,
    },
    /// The wait for the approval of a tool call.
    Approval(ApprovalSpan),
}

/// A model call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ModelSpan {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Whether the reply is a summary of earlier steps.
    pub is_summary: bool,
    /// The reason for the choice of this model, if there was a choice.
    pub reason: Option<String>,
    /// The first part of the request that changed although no recorded decision changed it, if one did.
    pub changed: Option<RequestPart>,
    /// The charge, if it is known.
    pub charge: Option<Charge>,
    /// The number of tool calls that the reply requests.
    pub calls: usize,
    /// The reason for the end of the reply, as the provider names it; empty if there is no reply.
    pub stop: String,
}

/// The wait for an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApprovalSpan {
    /// The reason that the call needs approval.
    pub reason: String,
    /// Whether the call may be made; `None` without an answer.
    pub granted: Option<bool>,
    /// The person or program that answered.
    pub by: Option<String>,
}

impl Span {
    /// Creates a span that has begun.
    pub(super) fn begun(id: impl Into<String>, kind: SpanKind, started_at: Timestamp) -> Self {
        let (id, status, children) = (id.into(), SpanStatus::Open, Vec::new());
        Self { id, kind, started_at, ended_at: None, status, children }
    }

    /// Ends the span.
    pub(super) fn end(&mut self, at: Timestamp, status: SpanStatus) {
        self.ended_at = Some(at);
        self.status = status;
    }

    /// Returns the duration; `None` if the span has not ended. A clock that was set back makes it 0.
    pub fn duration(&self) -> Option<Duration> {
        let ended = self.ended_at?;
        Some(Duration::try_from(ended.duration_since(self.started_at)).unwrap_or_default())
    }

    /// Calls a function with each span of the tree, the parents first, with the parent of each.
    pub fn walk<'s>(&'s self, visit: &mut impl FnMut(&'s Self, Option<&'s Self>)) {
        fn below<'s>(
            span: &'s Span,
            parent: Option<&'s Span>,
            visit: &mut impl FnMut(&'s Span, Option<&'s Span>),
        ) {
            visit(span, parent);
            span.children.iter().for_each(|child| below(child, Some(span), visit));
        }
        below(self, None, visit);
    }
}
