//! A tool, as people read it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::argument::ToolArgument;

/// A tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct McpTool {
    /// Its name, such as `filesystem.read`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<ToolArgument>,
    /// The type of what it returns.
    pub returns: String,
    /// What sort of tool.
    #[serde(default = "general")]
    pub category: String,
}

/// Returns the category of tools that name none.
pub(super) fn general() -> String {
    "general".to_owned()
}

impl McpTool {
    /// Returns a tool of the category `general`, without arguments.
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        returns: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            arguments: Vec::new(),
            returns: returns.into(),
            category: general(),
        }
    }

    /// Returns the tool with one more argument.
    #[must_use]
    pub fn with_argument(mut self, argument: ToolArgument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Returns the tool in another category.
    #[must_use]
    pub fn with_category(mut self, category: impl Into<String>) -> Self {
        self.category = category.into();
        self
    }
}
