//! Replay data of turns, shared by both APIs.

use crate::provider::tool_names::ToolNames;
use az_core::journal::ModelReply;
use serde_json::{Value, json};

/// Renames the calls of a kept turn to the names of their tools in this request. Returns whether
/// they are still the reply's calls: a caller may have changed those on purpose.
pub(in crate::provider) fn renamed(
    calls: Vec<&mut Value>,
    reply: &ModelReply,
    names: &ToolNames,
) -> bool {
    let same = calls.len() == reply.calls.len();
    same && calls.into_iter().zip(&reply.calls).all(|(kept, call)| {
        let name = json!(names.outward(&call.name));
        kept.as_object_mut().map(|kept| kept.insert("name".to_owned(), name)).is_some()
    })
}
