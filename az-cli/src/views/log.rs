//! Events as lines of text.

use az_core::journal::Event;
use az_core::{CallId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// An event of a journal in a line, for CSV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LogLineView {
    /// The number in the journal.
    pub seq: u64,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The kind of event.
    pub event: &'static str,
    /// The model or tool call that the event is about.
    pub call: Option<CallId>,
    /// What happened, in words.
    pub text: String,
}

impl LogLineView {
    /// Creates the line of an event with what it says.
    pub fn new(event: &Event, text: String) -> Self {
        Self {
            seq: event.seq,
            occurred_at: event.at,
            event: event.event.body.name(),
            call: event.event.call.clone(),
            text,
        }
    }
}
