//! A model's reply, independent of the provider.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::finish_reason::FinishReason;

/// One reply of a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ModelReply {
    /// The text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The reasoning, if the provider returns it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// The tool calls that the model requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// The reason for the end of the reply, as the client maps it; absent in older records. Use
    /// [`finish_reason`](Self::finish_reason), which also reads those.
    #[serde(skip_serializing_if = "is_unknown")]
    pub finish: FinishReason,
    /// The provider's value for the reason.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop: String,
    /// Where the reply was cut off, if its agent treats it as one that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Box<Cut>>,
    /// Replay data: what the provider needs back unchanged with the next request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<Box<Value>>,
}

/// Where a reply was cut off at its length limit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Cut {
    /// The limit of the request, in tokens.
    pub at: u32,
    /// The tool whose call was cut off, if the reply ended within one. That call is not in `calls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
}

impl Cut {
    /// Creates a cut at a limit in tokens, within the call of a tool or outside of calls.
    pub const fn new(at: u32, call: Option<String>) -> Self {
        Self { at, call }
    }
}

/// A tool call that a model requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolCall {
    /// The provider's id for it; need not be unique, may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments: a JSON object, or the model's text as a string if it is not one.
    pub arguments: Value,
}

impl ModelReply {
    /// Creates a reply of text only.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Returns the reason for the end of the reply.
    ///
    /// Some providers use one value whether or not the model calls tools, so a complete reply with
    /// calls has the reason [`FinishReason::ToolCalls`].
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

    /// Returns whether the reply is an answer: it has a text, requests no calls, and was neither cut off nor paused.
    pub fn is_answer(&self) -> bool {
        let reason = self.finish_reason();
        let is_whole = !reason.is_cut() && reason != FinishReason::Pause;
        is_whole && self.calls.is_empty() && !self.text.trim().is_empty()
    }

    /// Returns the reply with a reason for its end, and its neutral value.
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
