//! Calls that an agent makes or declines by its own choice.

use serde_json::Value;

use super::run::Run;
use super::tools::EndedCall;
use crate::approval::call_digest;
use crate::error::Result;
use crate::id::CallId;
use crate::journal::{CallRecord, CallState, ToolCall, ToolOutcome, ToolResult};
use crate::tool::{EffectClass, ToolOutput};

impl Run {
    /// Makes a call that the agent chooses, and returns its record.
    ///
    /// A call of the last turn with the same tool and arguments that has no result yet gets this
    /// result. Otherwise it is a call of the agent's own, which the model does not see. One of the
    /// same tool and arguments that was interrupted, or waits for approval, is continued under its
    /// idempotency key.
    ///
    /// # Errors
    ///
    /// Those of [`call_tools`](Self::call_tools).
    pub async fn act(&mut self, tool: &str, arguments: Value) -> Result<CallRecord> {
        let asked = |call: &ToolCall| call.name == tool && call.arguments == arguments;
        let pending = self.history.pending_calls().find(|(_, call)| asked(call));
        if let Some((id, call)) = pending {
            let call = call.clone();
            return self.call_one(id, call).await;
        }
        let call = ToolCall { id: String::new(), name: tool.to_owned(), arguments };
        self.call_one(self.next_act(&call), call).await
    }

    /// Returns the id of the agent's next call: that of an earlier one, if this continues it.
    fn next_act(&self, call: &ToolCall) -> CallId {
        // Records have the arguments as the tool prepared them.
        let invocation = self.invocation(CallId::act(0), call.name.clone(), call.arguments.clone());
        let prepared = self.context.toolbox.prepare(invocation);
        let arguments =
            prepared.map_or_else(|_| call.arguments.clone(), |ready| ready.invocation.arguments);
        let digest = call_digest(&call.name, &arguments);
        let is_continued = |act: &CallRecord| match &act.state {
            CallState::Waiting => act.asked.as_ref().is_none_or(|asked| *asked == digest),
            CallState::Begun { tool, arguments: begun, .. } => {
                *tool == call.name && *begun == arguments
            }
            CallState::Ended { .. } => false,
        };
        let mut number = 0;
        loop {
            let id = CallId::act(number);
            if self.history.call(&id).is_none_or(is_continued) {
                return id;
            }
            number += 1;
        }
    }

    /// Records that the pending calls of the last turn are not made, and why; the model sees the
    /// reason as their results. A call that was interrupted, and so may have been made, is recorded
    /// as unknown.
    ///
    /// # Errors
    ///
    /// The journal's.
    pub async fn decline_pending(&mut self, reason: &str) -> Result<()> {
        let ended = self.history.pending_calls().map(|(call, asked)| {
            let state = self.history.call(&call).map(|record| &record.state);
            let (outcome, output) = declined(state, reason);
            EndedCall { call, result: ToolResult::new(&*asked.name, outcome, output) }
        });
        let ended = ended.collect();
        self.record(ended).await
    }
}

/// Returns the result of a call that is declined in a state.
fn declined(state: Option<&CallState>, reason: &str) -> (ToolOutcome, ToolOutput) {
    match state {
        Some(CallState::Begun { effect, .. }) if *effect != EffectClass::Read => {
            let text = format!("interrupted, outcome unknown; not repeated: {reason}");
            (ToolOutcome::Unknown, ToolOutput::unknown(text))
        }
        _ => (ToolOutcome::Refused, ToolOutput::failed(reason)),
    }
}
