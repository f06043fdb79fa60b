//! The description of a tool for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::argument::ToolArgument;

/// The description of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct McpTool {
    /// Its name, such as `filesystem.read`.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<ToolArgument>,
    /// The type of its result.
    pub returns: String,
    /// The category for listings.
    #[serde(default = "general")]
    pub category: String,
}

/// Returns the category of tools that do not have one.
pub(super) fn general() -> String {
    "general".to_owned()
}

impl McpTool {
    /// Creates the description of a tool without arguments, in the category `general`.
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

    /// Adds an argument.
    #[must_use]
    pub fn with_argument(mut self, argument: ToolArgument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Sets the category.
    #[must_use]
    pub fn with_category(mut self, category: impl Into<String>) -> Self {
        self.category = category.into();
        self
    }
}
