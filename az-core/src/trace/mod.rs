//! Traces: the work of a task as a tree of spans, folded from its journal.

mod fold;
mod span;

pub use fold::TraceFold;
pub use span::{ApprovalSpan, ModelSpan, Span, SpanKind, SpanStatus};
