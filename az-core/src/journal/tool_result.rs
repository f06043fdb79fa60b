//! The result of a tool call in a journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::ContentPart;
use crate::tool::{SeenFile, ToolOutput};

/// The result of a tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredToolResult")]
#[non_exhaustive]
pub struct ToolResult {
    /// The tool.
    pub tool: String,
    /// The outcome.
    pub outcome: ToolOutcome,
    /// The output of the tool, in full, for the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<ContentPart>,
    /// The output as structured data, if the tool returns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// What the call showed of files, or wrote to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<SeenFile>,
    /// The duration of the call, in milliseconds.
    pub millis: u64,
}

impl ToolResult {
    /// Creates a result from a tool's output.
    pub fn new(tool: impl Into<String>, outcome: ToolOutcome, output: ToolOutput) -> Self {
        let ToolOutput { content, data, seen, .. } = output;
        Self { tool: tool.into(), outcome, content, data, seen, millis: 0 }
    }

    /// Sets the duration of the call, in milliseconds.
    #[must_use]
    pub const fn with_millis(mut self, millis: u64) -> Self {
        self.millis = millis;
        self
    }
}

/// A tool result as versions 1 and 2 store it.
#[derive(Deserialize)]
struct StoredToolResult {
    tool: String,
    outcome: ToolOutcome,
    /// Version 1.
    #[serde(default)]
    text: String,
    /// Version 2.
    #[serde(default)]
    content: Vec<ContentPart>,
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    seen: Vec<SeenFile>,
    millis: u64,
}

impl From<StoredToolResult> for ToolResult {
    fn from(stored: StoredToolResult) -> Self {
        let StoredToolResult { tool, outcome, text, mut content, data, seen, millis } = stored;
        if !text.is_empty() {
            content.insert(0, ContentPart::Text { text });
        }
        Self { tool, outcome, content, data, seen, millis }
    }
}

/// The outcome of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    /// The tool succeeded.
    Done,
    /// The tool reported a failure.
    Failed,
    /// The call was not made: the tool does not exist, the arguments are invalid, or it was not
    /// approved.
    Refused,
    /// The call was cut short, or failed after it may have changed something: its effect is unknown.
    Unknown,
}
