//! Tools and results in the JSON format of MCP.

use az_core::content::{ContentPart, ImageContent};
use az_core::text::plural;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A tool as MCP's `tools/list` returns it.
///
/// Schemas and unknown fields are kept unchanged, so that a tool can be passed on without loss.
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
    /// Hints about its effects; not to be trusted if the server is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
    /// Data for which the protocol has no field.
    #[serde(rename = "_meta", default, skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
    /// All other fields, such as `title` and `icons`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A result as MCP's `tools/call` returns it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireResult {
    /// The content parts, for the model.
    #[serde(default)]
    pub content: Vec<Content>,
    /// The result as data: any JSON since protocol version 2026-07-28, an object before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// Whether the tool failed.
    #[serde(default)]
    pub is_error: bool,
    /// Data for which the protocol has no field.
    #[serde(rename = "_meta", default, skip_serializing_if = "Map::is_empty")]
    pub meta: Map<String, Value>,
}

/// A content part of a result: an object with a `type`, kept unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(pub Map<String, Value>);

impl From<&ContentPart> for Content {
    fn from(part: &ContentPart) -> Self {
        let value = match part {
            ContentPart::Image(ImageContent { mime_type, data }) => {
                json!({"type": "image", "mimeType": mime_type, "data": data})
            }
            ContentPart::ResourceLink { uri, name, mime_type, description } => {
                let mut link = json!({"type": "resource_link", "uri": uri, "name": name});
                for (key, value) in [("mimeType", mime_type), ("description", description)] {
                    if let (Some(value), Some(link)) = (value, link.as_object_mut()) {
                        link.insert(key.to_owned(), value.as_str().into());
                    }
                }
                link
            }
            // Parts of a type that MCP does not have are sent as text.
            other => json!({"type": "text", "text": other.describe()}),
        };
        match value {
            Value::Object(part) => Self(part),
            _ => Self(Map::new()),
        }
    }
}

impl From<&Content> for ContentPart {
    /// Audio, binary resources and unknown types become a line of text that names the part, so that
    /// nothing is dropped silently.
    fn from(content: &Content) -> Self {
        let part = &content.0;
        let of = |key| str_of(part, key).map(str::to_owned);
        let resource = part.get("resource").and_then(Value::as_object);
        match str_of(part, "type").unwrap_or("unknown") {
            "text" => Self::text(of("text").unwrap_or_default()),
            "image" => {
                Self::image(of("mimeType").unwrap_or_default(), of("data").unwrap_or_default())
            }
            "resource_link" => {
                let uri = of("uri").unwrap_or_default();
                Self::ResourceLink {
                    name: of("name").unwrap_or_else(|| uri.clone()),
                    uri,
                    mime_type: of("mimeType"),
                    description: of("description"),
                }
            }
            "resource" => match resource {
                Some(resource) => match str_of(resource, "text") {
                    Some(text) => Self::text(text),
                    None => Self::text(placeholder("resource", resource)),
                },
                None => Self::text(placeholder("resource", part)),
            },
            kind => Self::text(placeholder(kind, part)),
        }
    }
}

/// Returns a line with the type, the address and the size of a part.
fn placeholder(kind: &str, part: &Map<String, Value>) -> String {
    let mut text = format!("[{kind}");
    for key in ["mimeType", "uri"] {
        if let Some(value) = str_of(part, key) {
            text.push(' ');
            text.push_str(value);
        }
    }
    if let Some(data) = str_of(part, "data").or_else(|| str_of(part, "blob")) {
        text.push_str(&format!(", {} of base64", plural(data.len(), "byte")));
    }
    text.push(']');
    text
}

fn str_of<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}
