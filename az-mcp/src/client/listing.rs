//! The tools of a server.

use az_core::text::{json_size, plural};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits::Limits;
use super::options::Era;
use crate::schema::WireTool;

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerIdentity {
    /// Its name; empty if it does not say one.
    #[serde(default)]
    pub name: String,
    /// Its version; empty if it does not say one.
    #[serde(default)]
    pub version: String,
    /// The version of the protocol that is spoken with it.
    #[serde(default)]
    pub protocol: String,
    /// The era of that version.
    #[serde(default)]
    pub era: Era,
    /// What it says about its use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

/// A tool that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its name.
    pub tool: String,
    /// Why.
    pub reason: String,
}

/// The tools of a server, as it defines them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Listing {
    /// What the server says about itself.
    pub server: ServerIdentity,
    /// The tools, in the order of the server.
    pub tools: Vec<WireTool>,
    /// The tools that are not used, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

impl Listing {
    pub(super) fn new(server: ServerIdentity) -> Self {
        Self { server, ..Self::default() }
    }

    /// Returns the definition of a tool.
    pub fn find(&self, tool: &str) -> Option<&WireTool> {
        self.tools.iter().find(|known| known.name == tool)
    }

    /// Adds a tool, unless it exceeds the limits.
    pub(super) fn add(&mut self, tool: WireTool, limits: &Limits) {
        match self.problem(&tool, limits) {
            None => self.tools.push(tool),
            // What is left out is limited, too.
            Some(_) if self.left_out.len() >= limits.items => {}
            Some(reason) => {
                let name = tool.name.chars().take(128).collect();
                self.left_out.push(LeftOut { tool: name, reason });
            }
        }
    }

    fn problem(&self, tool: &WireTool, limits: &Limits) -> Option<String> {
        if self.tools.len() >= limits.items {
            return Some(format!("a server may have {}", plural(limits.items, "tool")));
        }
        if tool.name.is_empty() || tool.name.len() > 128 {
            return Some("its name is empty or longer than 128 bytes".to_owned());
        }
        if self.find(&tool.name).is_some() {
            return Some("another tool has its name".to_owned());
        }
        let schemas = [Some(&tool.input_schema), tool.output_schema.as_ref()];
        for schema in schemas.into_iter().flatten() {
            let size = json_size(schema);
            if usize::try_from(size).unwrap_or(usize::MAX) > limits.schema_bytes {
                let most = limits.schema_bytes;
                return Some(format!("its schema has {size} bytes; at most {most} are read"));
            }
            if is_deeper(schema, limits.schema_depth) {
                let most = limits.schema_depth;
                return Some(format!("its schema is nested more than {most} levels deep"));
            }
        }
        let kind = tool.input_schema.get("type");
        let is_of_object = kind.is_none_or(|kind| *kind == "object");
        (!is_of_object || !tool.input_schema.is_object())
            .then(|| "its schema is not one of an object".to_owned())
    }
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match value {
        Value::Object(fields) => fields.values().any(|value| is_deeper(value, below)),
        Value::Array(items) => items.iter().any(|item| is_deeper(item, below)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Listing, ServerIdentity};
    use crate::client::Limits;

    fn reasons(tools: &[(&str, Value)]) -> (usize, Vec<String>) {
        let limits = Limits { items: 2, schema_bytes: 100, schema_depth: 3, ..Limits::default() };
        let mut listing = Listing::new(ServerIdentity::default());
        for (name, schema) in tools {
            let tool = json!({"name": name, "inputSchema": schema});
            listing.add(serde_json::from_value(tool).unwrap(), &limits);
        }
        let reasons = listing.left_out.into_iter().map(|left_out| left_out.reason);
        (listing.tools.len(), reasons.collect())
    }

    #[test]
    fn tools_beyond_the_limits_are_left_out_with_the_reason() {
        let plain = || json!({"type": "object"});
        assert_eq!(reasons(&[("a", json!({})), ("b", plain())]), (2, vec![]));
        let more = vec!["a server may have 2 tools".to_owned()];
        assert_eq!(reasons(&[("a", plain()), ("b", plain()), ("c", plain())]), (2, more));
        for (name, schema, reason) in [
            ("", plain(), "its name is empty or longer than 128 bytes"),
            ("a", json!({"x": "y".repeat(200)}), "its schema has 208 bytes; at most 100 are read"),
            ("a", json!([[[[]]]]), "its schema is nested more than 3 levels deep"),
            ("a", json!({"type": "string"}), "its schema is not one of an object"),
            ("a", json!(true), "its schema is not one of an object"),
        ] {
            assert_eq!(reasons(&[(name, schema)]), (0, vec![reason.to_owned()]), "{name:?}");
        }
        let twice = vec!["another tool has its name".to_owned()];
        assert_eq!(reasons(&[("a", plain()), ("a", plain())]), (1, twice));
    }
}
