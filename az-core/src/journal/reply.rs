//! What a model said, as far as every part of the program understands it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::finish_reason::FinishReason;

/// A model's turn.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelReply {
    /// What it said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What it thought, where the provider shows it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// The tools it wants called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// The reason that the reply ended, as the client understood it; absent in older records. Use
    /// [`finish_reason`](Self::finish_reason), which also knows the words of those.
    #[serde(skip_serializing_if = "is_unknown")]
    pub finish: FinishReason,
    /// The provider's word for the reason.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop: String,
    /// What the provider wants back unchanged with the next request, in its own shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<Box<Value>>,
}

/// A call that a model asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id for it; need not be unique, may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments: a JSON object, or whatever the model wrote instead, as a string.
    pub arguments: Value,
}

impl ModelReply {
    /// Returns a reply of text only.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Returns the reason that the reply ended.
    ///
    /// Some providers use the same word whether the model calls tools or not, so a reply with calls
    /// that is complete ended with [`FinishReason::ToolCalls`].
    pub fn finish_reason(&self) -> FinishReason {
        let reason = match self.finish {
            FinishReason::Unknown => FinishReason::from_word(&self.stop),
            reason => reason,
        };
        match reason {
            FinishReason::Stop | FinishReason::Other | FinishReason::Unknown
                if !self.calls.is_empty() =>
            {
                FinishReason::ToolCalls
            }
            reason => reason,
        }
    }

    /// Returns the reply with the reason that it ended, in the neutral word.
    #[must_use]
    pub fn with_finish(mut self, reason: FinishReason) -> Self {
        self.finish = reason;
        reason.as_str().clone_into(&mut self.stop);
        self
    }

    /// Returns the reply with one more call.
    #[must_use]
    pub fn with_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        let id = format!("call_{}", self.calls.len());
        self.calls.push(ToolCall { id, name: name.into(), arguments });
        self
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_unknown(reason: &FinishReason) -> bool {
    *reason == FinishReason::Unknown
}
