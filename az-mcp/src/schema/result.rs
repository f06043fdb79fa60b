//! The result of a tool call for people and programs.

use az_core::content::ContentPart;
use az_core::tool::ToolOutput;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The key in the metadata of a failed call whose effect is unknown; its value is `true`.
pub(super) const UNKNOWN: &str = "dev.azos/unknown";

/// The result of a tool call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct McpToolResult {
    /// Whether the call succeeded.
    pub success: bool,
    /// The returned value; of a failed call, structured data about the failure.
    #[serde(default)]
    pub result: Option<Value>,
    /// The error message of a failed call.
    #[serde(default)]
    pub error: Option<String>,
    /// The images and links that the tool returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Value>")]
    pub content: Vec<ContentPart>,
    /// Further data about the call.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

impl McpToolResult {
    /// Creates the result of a call that succeeded.
    pub fn done(result: impl Into<Value>) -> Self {
        Self { success: true, result: Some(result.into()), ..Self::default() }
    }

    /// Creates the result of a call that failed.
    pub fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }

    /// Adds a metadata entry.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.get_or_insert_default().insert(key.into(), value.into());
        self
    }
}

impl From<ToolOutput> for McpToolResult {
    fn from(output: ToolOutput) -> Self {
        let text = output.text().into_owned();
        let result = match (output.ok, output.data) {
            (true, data) => Self::done(data.unwrap_or(Value::String(text))),
            (false, data) => Self { result: data, ..Self::failed(text) },
        };
        let result = if output.unknown { result.with_metadata(UNKNOWN, true) } else { result };
        let is_text = |part: &ContentPart| matches!(part, ContentPart::Text { .. });
        let content = output.content.into_iter().filter(|part| !is_text(part)).collect();
        Self { content, ..result }
    }
}

impl From<McpToolResult> for ToolOutput {
    fn from(result: McpToolResult) -> Self {
        let McpToolResult { success, result, error, content, metadata } = result;
        let mark = metadata.as_ref().and_then(|metadata| metadata.get(UNKNOWN));
        let unknown = !success && mark == Some(&Value::Bool(true));
        let (text, data) = match (error, result) {
            (Some(error), data) => (error, data),
            (None, Some(Value::String(text))) => (text, None),
            (None, Some(data)) => (data.to_string(), Some(data)),
            (None, None) => (String::new(), None),
        };
        let mut output = Self::done(text).with_ok(success).with_unknown(unknown);
        output.content.extend(content);
        output.data = data;
        output
    }
}
