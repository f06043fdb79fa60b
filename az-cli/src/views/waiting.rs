//! What a parked task waits for.

use az_core::task::{WaitKind, Waiting};
use az_core::{CallId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// The call that a parked task waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct WaitingView {
    /// The call.
    pub call: CallId,
    /// The kind of answer that it needs.
    pub kind: WaitKind,
    /// The tool.
    pub tool: String,
    /// The digest of the tool and its arguments; an answer applies only to these.
    pub digest: String,
    /// The reason that an approval is needed, or the question.
    pub reason: String,
    /// The time since which the task waits.
    pub since: Timestamp,
    /// The time from which on the call counts as denied; absent without a limit.
    pub deny_at: Option<Timestamp>,
}

impl WaitingView {
    /// Whether the time to answer has ended.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.deny_at.is_some_and(|deny_at| deny_at <= now)
    }
}

impl From<&Waiting> for WaitingView {
    fn from(waiting: &Waiting) -> Self {
        let Waiting { call, kind, tool, digest, reason, since, deny_at, .. } = waiting.clone();
        Self { call, kind, tool, digest, reason, since, deny_at }
    }
}
