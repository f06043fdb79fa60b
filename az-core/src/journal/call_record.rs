//! The record of a tool call in the fold.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tool_result::ToolOutcome;
use crate::clock::Timestamp;
use crate::content::ImageContent;
use crate::text::Excerpt;
use crate::tool::EffectClass;

/// The record of a tool call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CallRecord {
    /// The number of its intent, once begun; with the task's id, its idempotency key.
    pub intent_seq: Option<u64>,
    /// The digest of the call that approval was requested for, until the call begins or ends; absent
    /// in older snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The answer to the request for approval, with the digest that it applies to.
    pub approval: Option<(String, bool)>,
    /// The reason for which the call was denied, or its question not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<String>,
    /// Whether its question was asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub questioned: bool,
    /// The time from which on a request for approval counts as denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_at: Option<Timestamp>,
    /// The answer to its question, if there is one, with the digest that it applies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<(String, Option<String>)>,
    /// Whether it is a call of the task that this one continues.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_copied: bool,
    /// The state of the call.
    pub state: CallState,
}

/// The state of a call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallState {
    /// Submitted for approval, not begun.
    #[default]
    Waiting,
    /// Begun, without a result.
    Begun {
        /// The tool.
        tool: String,
        /// Its arguments.
        arguments: Value,
        /// What may be done about it.
        effect: EffectClass,
        /// The tool's note about the state before the call.
        witness: Option<Value>,
    },
    /// Has a result.
    Ended {
        /// The outcome.
        outcome: ToolOutcome,
        /// The output as text, shortened; a line replaces each part that is not kept.
        text: Excerpt,
        /// The images of the output, up to the limit.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<ImageContent>,
        /// The output as structured data, if it is small.
        data: Option<Value>,
    },
}
