//! The definition of a tool, as it is sent to a model.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spec::ToolSpec;

/// The definition of a tool, as it is sent to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolDefinition {
    /// The name, such as `filesystem.read`; providers that allow fewer characters map it.
    pub name: String,
    /// A description of what the tool does and when to use it.
    pub description: String,
    /// The JSON Schema of the arguments.
    #[serde(with = "crate::serde_arc")]
    pub schema: Arc<Value>,
}

impl ToolDefinition {
    /// Creates a definition.
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        schema: impl Into<Arc<Value>>,
    ) -> Self {
        Self { name: name.into(), description: description.into(), schema: schema.into() }
    }
}

impl From<&ToolSpec> for ToolDefinition {
    fn from(spec: &ToolSpec) -> Self {
        Self {
            name: spec.name.clone(),
            description: spec.description.clone(),
            schema: Arc::clone(&spec.input_schema),
        }
    }
}
