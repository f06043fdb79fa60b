//! Traces.

use az_core::Timestamp;
use az_core::trace::{Span, SpanKind, SpanStatus};
use schemars::JsonSchema;
use serde::Serialize;

use super::units::{millis, money};

/// A span of a trace, with its parts.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SpanView {
    /// The span.
    #[serde(flatten)]
    pub span: SpanRowView,
    /// Its parts, in the order in which they began.
    pub children: Vec<Self>,
}

/// A span in a line.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SpanRowView {
    /// A name that is unique in the task; that of the call for a call.
    pub span: String,
    /// The span that it is a part of; `null` for the task.
    pub parent: Option<String>,
    /// The kind of work: `task`, `run`, `step`, `model`, `tool` or `approval`.
    pub kind: &'static str,
    /// The model, the tool or the worker.
    pub name: Option<String>,
    /// The provider of a model.
    pub provider: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `null` if it has not.
    pub ended_at: Option<Timestamp>,
    /// Its duration.
    pub duration_ms: Option<u64>,
    /// How it ended: `open`, `waiting`, `done`, `failed` or `interrupted`.
    pub status: &'static str,
    /// Why it failed.
    pub error: Option<String>,
    /// The tokens that were sent to a model.
    pub input_tokens: Option<u64>,
    /// The tokens of a model's reply.
    pub output_tokens: Option<u64>,
    /// The cost of a model call in nano-dollars; `null` if it is not known.
    pub cost_nanos: Option<i64>,
    /// The same in dollars.
    pub cost_usd: Option<String>,
    /// The input tokens that were read from the provider's cache.
    pub cached_tokens: Option<u64>,
    /// The first part of the request that changed against the one before, although no recorded decision
    /// changed it: `the tools`, `the system text` or `message N`.
    pub prefix_changed: Option<String>,
}

impl SpanRowView {
    /// Returns a line for each span of a tree, parents first.
    pub fn all(root: &Span) -> Vec<Self> {
        let mut rows = Vec::new();
        root.walk(&mut |span, parent| rows.push(Self::new(span, parent)));
        rows
    }

    fn new(span: &Span, parent: Option<&Span>) -> Self {
        let (kind, name) = match &span.kind {
            SpanKind::Task { .. } => ("task", None),
            SpanKind::Run { owner } => ("run", Some(owner.to_string())),
            SpanKind::Model(model) => ("model", Some(model.model.clone())),
            SpanKind::Tool { tool } => ("tool", Some(tool.clone())),
            SpanKind::Approval(_) => ("approval", None),
            _ => ("step", None),
        };
        let model = match &span.kind {
            SpanKind::Model(model) => Some(model),
            _ => None,
        };
        let charge = model.and_then(|model| model.charge.as_ref());
        let cost = charge.and_then(|charge| charge.cost);
        let (status, error) = match &span.status {
            SpanStatus::Done => ("done", None),
            SpanStatus::Failed(reason) => ("failed", Some(reason.clone())),
            SpanStatus::Interrupted => ("interrupted", None),
            SpanStatus::Waiting(_) => ("waiting", None),
            _ => ("open", None),
        };
        Self {
            span: span.id.clone(),
            parent: parent.map(|parent| parent.id.clone()),
            kind,
            name,
            provider: model.map(|model| model.provider.clone()),
            started_at: span.started_at,
            ended_at: span.ended_at,
            duration_ms: span.duration().map(millis),
            status,
            error,
            input_tokens: charge.map(|charge| charge.usage.total_input()),
            output_tokens: charge.map(|charge| charge.usage.output),
            cost_nanos: cost.map(|cost| cost.nanos()),
            cost_usd: cost.map(|cost| money(cost).1),
            cached_tokens: charge.map(|charge| charge.usage.cache_read),
            prefix_changed: model.and_then(|model| Some(model.changed?.to_string())),
        }
    }
}

impl SpanView {
    fn below(span: &Span, parent: Option<&Span>) -> Self {
        let children = span.children.iter().map(|child| Self::below(child, Some(span)));
        Self { span: SpanRowView::new(span, parent), children: children.collect() }
    }
}

impl From<&Span> for SpanView {
    fn from(span: &Span) -> Self {
        Self::below(span, None)
    }
}
