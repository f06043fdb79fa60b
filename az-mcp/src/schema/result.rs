//! What a tool returned, as people and programs read it.

use az_core::content::ContentPart;
use az_core::tool::ToolOutput;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a tool returned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct McpToolResult {
    /// Whether it did what it was asked to.
    pub success: bool,
    /// What it returned; of a failed call, what it could tell nevertheless.
    #[serde(default)]
    pub result: Option<Value>,
    /// What went wrong.
    #[serde(default)]
    pub error: Option<String>,
    /// The images and links that it returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Value>")]
    pub content: Vec<ContentPart>,
    /// What else is known of the call.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

impl McpToolResult {
    /// Returns the result of a call that did what it was asked to.
    pub fn done(result: impl Into<Value>) -> Self {
        Self { success: true, result: Some(result.into()), ..Self::default() }
    }

    /// Returns the result of a call that failed.
    pub fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }

    /// Returns the result with something else that is known of the call.
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
        let is_text = |part: &ContentPart| matches!(part, ContentPart::Text { .. });
        let content = output.content.into_iter().filter(|part| !is_text(part)).collect();
        Self { content, ..result }
    }
}

impl From<McpToolResult> for ToolOutput {
    fn from(result: McpToolResult) -> Self {
        let McpToolResult { success, result, error, content, .. } = result;
        let (text, data) = match (error, result) {
            (Some(error), data) => (error, data),
            (None, Some(Value::String(text))) => (text, None),
            (None, Some(data)) => (data.to_string(), Some(data)),
            (None, None) => (String::new(), None),
        };
        let mut output = Self::done(text).with_ok(success);
        output.content.extend(content);
        output.data = data;
        output
    }
}
