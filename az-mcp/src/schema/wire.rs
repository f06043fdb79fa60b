//! Tools and results in the shapes that MCP gives them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A tool as MCP's `tools/list` tells of it.
///
/// The schemas are kept as they came: a reader that understands less must not lose the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireTool {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
    /// The JSON Schema of its structured result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Hints on what it does; only hints, where the tool is somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
    /// What the protocol has no field for.
    #[serde(rename = "_meta", default, skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
    /// The fields that are not read here, such as `title` and `icons`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A result as MCP's `tools/call` returns it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireResult {
    /// The result in parts, for the model.
    #[serde(default)]
    pub content: Vec<Content>,
    /// The result as data; any JSON since 2026-07-28, an object before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// Whether the tool failed.
    #[serde(default)]
    pub is_error: bool,
    /// What the protocol has no field for.
    #[serde(rename = "_meta", default, skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
}

/// One part of a result: an object with a `type`, kept as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(pub Map<String, Value>);

impl Content {
    /// Returns a part that is text.
    pub fn text(text: impl Into<String>) -> Self {
        let mut part = Map::new();
        part.insert("type".to_owned(), "text".into());
        part.insert("text".to_owned(), text.into().into());
        Self(part)
    }

    /// Returns the part as text for a model; what is not text is named, never dropped.
    pub fn to_text(&self) -> String {
        let resource = self.0.get("resource").and_then(Value::as_object);
        let kind = str_of(&self.0, "type").unwrap_or("unknown");
        match (kind, resource) {
            ("text", _) => str_of(&self.0, "text").unwrap_or_default().to_owned(),
            ("resource", Some(resource)) if resource.contains_key("text") => {
                str_of(resource, "text").unwrap_or_default().to_owned()
            }
            ("resource", Some(resource)) => placeholder("resource", resource),
            (kind, _) => placeholder(kind, &self.0),
        }
    }
}

/// Names a part that is not text, and how large it is.
fn placeholder(kind: &str, part: &Map<String, Value>) -> String {
    let mut text = format!("[{kind}");
    for key in ["mimeType", "uri"] {
        if let Some(value) = str_of(part, key) {
            text.push(' ');
            text.push_str(value);
        }
    }
    if let Some(data) = str_of(part, "data").or_else(|| str_of(part, "blob")) {
        text.push_str(&format!(", {} bytes of base64", data.len()));
    }
    text.push(']');
    text
}

fn str_of<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}
