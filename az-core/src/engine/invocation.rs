//! The calls of a task, as its journal describes them.

use serde_json::Value;

use crate::error::Error;
use crate::id::CallId;
use crate::journal::{CallRecord, CallState, History, ToolCall};
use crate::task::Task;
use crate::tool::Invocation;

/// Returns the calls of a task that were begun and have no result, as they were made.
pub fn interrupted_calls(task: &Task, history: &History) -> Vec<Invocation> {
    let begun = history.begun_calls().filter_map(|(call, record)| match &record.state {
        CallState::Begun { tool, arguments, .. } => {
            Some(invocation(task, history, call.clone(), tool.clone(), arguments.clone()))
        }
        CallState::Waiting | CallState::Ended { .. } => None,
    });
    begun.collect()
}

/// Drops the calls that a task may not make any more; returns the error if there are any. Calls that were
/// refused do not count, and neither do those that `is_free` names.
pub(super) fn drop_beyond_limit(
    history: &History,
    limit: u32,
    calls: &mut Vec<(CallId, ToolCall)>,
    is_free: impl Fn(&CallId) -> bool,
) -> Option<Error> {
    let is_made = |(id, record): &(&CallId, &CallRecord)| {
        let is_refused =
            record.intent_seq.is_none() && matches!(record.state, CallState::Ended { .. });
        !is_refused && !is_free(id)
    };
    let made = history.own_calls().filter(is_made).count();
    let mut left = (limit as usize).saturating_sub(made);
    let requested = calls.len();
    calls.retain(|(id, _)| {
        // A call that was begun before the limit was reached is counted already.
        let is_known = history.call(id).is_some() || is_free(id);
        let is_allowed = is_known || left > 0;
        left = left.saturating_sub(usize::from(!is_known));
        is_allowed
    });
    (calls.len() < requested).then_some(Error::CallLimit { calls: limit })
}

/// Returns a call of a task with its idempotency key, and with its witness if it was begun.
pub(super) fn invocation(
    task: &Task,
    history: &History,
    call: CallId,
    tool: String,
    arguments: Value,
) -> Invocation {
    let record = history.call(&call);
    let seq = record.and_then(|record| record.intent_seq).unwrap_or(0);
    let key = Invocation::key_of(&task.id, seq);
    let mut invocation = Invocation::new(task.id.clone(), call, tool, arguments).with_key(key);
    invocation.workspace.clone_from(&task.options.workspace);
    invocation.env.clone_from(&task.options.env);
    if let Some(CallState::Begun { witness, .. }) = record.map(|record| &record.state) {
        invocation.witness.clone_from(witness);
        invocation.repeated = true;
    }
    invocation
}
