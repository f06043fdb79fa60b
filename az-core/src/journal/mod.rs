//! The journal of a task: every effect has an intent before it and a result after it.
//!
//! [`check_append`] and [`NewEvent::effect`] are rules that every store applies. They are for
//! implementers of stores.

mod call_record;
mod child_totals;
mod context;
mod contract;
mod conversation;
mod copied;
mod effect;
mod event;
mod excerpt;
mod finish_reason;
mod fold;
mod hint;
mod reply;
mod sent;
mod summarised;
mod tool_result;
mod tool_usage;

pub use call_record::{CallRecord, CallState};
pub use child_totals::ChildTotals;
pub use context::{AddedTools, Context, ContextChange, ContextCut, ModelChoice, Prompt, Protocol};
pub use contract::{Appended, Journal, RunStore};
pub use conversation::{Observation, OpenModelCall, Summary, Todo, Turn};
pub use copied::{CompleteSteps, CopiedPart, complete_steps, copies};
pub use effect::{Effect, check_append};
pub use event::{
    Continued, Event, EventBody, ModelIntent, ModelOutcome, ModelResult, NewEvent, Purpose,
    RunTotals, SCHEMA, ToolIntent,
};
pub use finish_reason::FinishReason;
pub use fold::{History, fold};
pub use hint::{Hint, HintQueue};
pub use reply::{Cut, ModelReply, ToolCall};
pub use sent::{
    CountedRequest, PrefixChange, RequestDigests, RequestPart, SentRequest, SentRequests,
};
pub use tool_result::{ToolOutcome, ToolResult};
pub use tool_usage::{ToolCallSummary, ToolUsage, tool_usage};
