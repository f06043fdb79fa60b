//! What the fold keeps of a conversation.

use serde::{Deserialize, Serialize};

use super::event::ModelIntent;
use super::reply::ModelReply;
use crate::id::CallId;
use crate::tool::TodoList;

/// One reply of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The reply.
    pub reply: ModelReply,
    /// The provider that it is from; empty in older snapshots.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
}

impl Turn {
    /// Creates a turn with a reply of this provider.
    pub fn new(reply: ModelReply, provider: impl Into<String>) -> Self {
        Self { reply, provider: provider.into() }
    }
}

/// A text that the agent, or a person, added for the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The number of turns before it.
    pub after: usize,
    /// The text.
    pub text: String,
    /// Whether a person sent it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_hint: bool,
    /// Whether it describes tools that appeared later.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_announcement: bool,
}

impl Observation {
    pub(super) fn new(text: &str) -> Self {
        Self { after: 0, text: text.to_owned(), is_hint: false, is_announcement: false }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A summary of the first turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of turns that it replaces.
    pub turns: usize,
    /// The text of the summary.
    pub text: String,
}

/// The list of steps that a model set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Todo {
    /// The call that set it.
    pub call: CallId,
    /// The list.
    pub list: TodoList,
}

/// A model call without a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenModelCall {
    /// Its id.
    pub call: CallId,
    /// The intent.
    pub intent: ModelIntent,
}
