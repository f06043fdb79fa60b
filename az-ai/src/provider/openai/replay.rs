//! What turns that are sent back as they were have in common.

use crate::provider::tool_names::ToolNames;
use az_core::journal::ModelReply;
use serde_json::{Value, json};

/// Gives the calls of a kept turn the names that their tools have in this request. Returns whether
/// they are still the reply's calls: whoever changed those means it.
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
