//! The description of a tool.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What may be done about a call that has an intent and no result.
///
/// Exhaustive, because the engine recovers interrupted calls by it. Ordered by how much harm a
/// repeated call can do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// The call changes nothing: it is made again. Such calls may also run concurrently.
    Read,
    /// Making the call twice has the effect of making it once: it is made again, with the same key.
    Idempotent,
    /// The tool can find out whether the call took effect.
    Probe,
    /// The call is never repeated; the model learns that the outcome is unknown.
    #[default]
    Unsafe,
}

/// What a tool can reach.
///
/// A tool must declare its scope correctly, because
/// [`WorkspacePolicy`](crate::policy::WorkspacePolicy) asks for approval by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolScope {
    /// The task's workspace and nothing else; also pure computation, which reaches nothing.
    Workspace,
    /// Other machines.
    Network,
    /// Everything that the process can reach.
    #[default]
    System,
}

/// The description of a tool for models, people and policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolSpec {
    /// The name, such as `filesystem.read`.
    pub name: String,
    /// What the tool does and when to use it, for the model.
    pub description: String,
    /// A JSON Schema of the arguments; always of an object. Shared, so that a clone is cheap.
    #[serde(with = "crate::serde_arc")]
    pub input_schema: Arc<Value>,
    /// A JSON Schema of the structured data of a successful call, or of its text if it has no data;
    /// `None` if it is unknown.
    #[serde(default, with = "crate::serde_arc::option", skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Arc<Value>>,
    /// A category for listings, such as `filesystem`.
    pub category: String,
    /// The MCP server that it is of; `None` for a tool of this program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The effect class: what may be done about an interrupted call.
    pub effect: EffectClass,
    /// What the tool can reach.
    #[serde(default)]
    pub scope: ToolScope,
    /// Whether its calls ask a person a question, so that it is offered only where one can answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_person: bool,
    /// Whether it is sent to the model also if there are so many tools that the others have to be searched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub core: bool,
    /// The tool's own time limit, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

impl ToolSpec {
    /// Creates the description of a tool of the category `general` with the most cautious
    /// assumptions: unsafe to repeat, and able to reach everything.
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        input_schema: impl Into<Arc<Value>>,
    ) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            input_schema: input_schema.into(),
            output_schema: None,
            category: "general".to_owned(),
            server: None,
            effect: EffectClass::default(),
            scope: ToolScope::default(),
            asks_person: false,
            core: false,
            timeout: None,
        }
    }

    /// Sets the schema of the output.
    #[must_use]
    pub fn with_output_schema(mut self, schema: Option<Value>) -> Self {
        self.output_schema = schema.map(Arc::new);
        self
    }

    /// Sets the category.
    #[must_use]
    pub fn with_category(mut self, category: impl Into<String>) -> Self {
        self.category = category.into();
        self
    }

    /// Sets the MCP server that the tool is of.
    #[must_use]
    pub fn with_server(mut self, server: impl Into<String>) -> Self {
        self.server = Some(server.into());
        self
    }

    /// Sets the effect class.
    #[must_use]
    pub const fn with_effect(mut self, effect: EffectClass) -> Self {
        self.effect = effect;
        self
    }

    /// Sets the scope.
    #[must_use]
    pub const fn with_scope(mut self, scope: ToolScope) -> Self {
        self.scope = scope;
        self
    }

    /// Declares that calls of the tool ask a person a question.
    #[must_use]
    pub const fn asking_person(mut self) -> Self {
        self.asks_person = true;
        self
    }

    /// Declares the tool to be one that nearly every task uses: it is always sent to the model.
    #[must_use]
    pub const fn as_core(mut self) -> Self {
        self.core = true;
        self
    }

    /// Sets the tool's own time limit.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }
}
