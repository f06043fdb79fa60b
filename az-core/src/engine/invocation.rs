//! The calls of a task, as its journal describes them.

use serde_json::Value;

use crate::id::CallId;
use crate::journal::{CallRecord, CallState, History};
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

/// Returns the number of calls that were begun, or wait for an answer; without those that were refused.
pub(super) fn calls_made(history: &History) -> usize {
    let is_made = |record: &&CallRecord| {
        record.intent_seq.is_some() || !matches!(record.state, CallState::Ended { .. })
    };
    history.calls.values().filter(is_made).count()
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
