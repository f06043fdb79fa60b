//! Tools and what they can do.

use az_core::journal::ToolUsage;
use az_core::tool::{EffectClass, ToolScope, ToolSpec};
use az_mcp::schema::{McpTool, ToolArgument, annotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A tool in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ToolSummaryView {
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: String,
    /// The server that it is of; `builtin` for the tools of az.
    pub server: String,
    /// What may be done about an interrupted call: `read`, `idempotent`, `probe` or `unsafe`.
    pub effect: EffectClass,
    /// What it can reach: `workspace`, `network` or `system`.
    #[schemars(with = "String")]
    pub scope: ToolScope,
    /// What it does.
    pub description: String,
}

impl ToolSummaryView {
    /// The server of the tools of az.
    pub const BUILTIN: &'static str = "builtin";
}

/// Returns the server of a tool.
pub(crate) fn server_of(spec: &ToolSpec) -> &str {
    spec.server.as_deref().unwrap_or(ToolSummaryView::BUILTIN)
}

impl From<&ToolSpec> for ToolSummaryView {
    fn from(spec: &ToolSpec) -> Self {
        Self {
            name: spec.name.clone(),
            category: spec.category.clone(),
            server: server_of(spec).to_owned(),
            effect: spec.effect,
            scope: spec.scope,
            description: spec.description.clone(),
        }
    }
}

/// The calls of one tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ToolUsageView {
    /// The tool.
    pub tool: String,
    /// The number of calls, those that were refused included.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many were not made: the policy or the tool refused them.
    pub refused: u64,
    /// Of how many the outcome is unknown.
    pub unknown: u64,
    /// The duration that half of the calls that were made did not exceed; absent if none was made.
    pub p50_ms: Option<u64>,
    /// The duration that 95 of 100 calls that were made did not exceed.
    pub p95_ms: Option<u64>,
}

impl From<ToolUsage> for ToolUsageView {
    fn from(usage: ToolUsage) -> Self {
        let ToolUsage { tool, calls, failed, refused, unknown, p50_millis, p95_millis, .. } = usage;
        Self { tool, calls, failed, refused, unknown, p50_ms: p50_millis, p95_ms: p95_millis }
    }
}

/// A tool with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ToolView {
    /// What a listing shows.
    #[serde(flatten)]
    pub summary: ToolSummaryView,
    /// Its arguments.
    pub arguments: Vec<ToolArgument>,
    /// The type of its result.
    pub returns: String,
    /// The arguments of an example call; absent if there is none.
    pub example: Option<Value>,
    /// Whether the example call is allowed: `allowed`, `asks: …` or `denied: …`; absent without an
    /// example.
    pub policy: Option<String>,
    /// The hints of MCP about its effects.
    pub annotations: Value,
    /// The time limit of a call, if the tool has one of its own.
    pub timeout_ms: Option<u64>,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
    /// The JSON Schema of its result, if it is known.
    pub output_schema: Option<Value>,
}

impl ToolView {
    /// Creates the view of a tool.
    pub fn new(spec: &ToolSpec, tool: Option<McpTool>, example: Option<Value>) -> Self {
        let tool = tool.unwrap_or_else(|| McpTool::from(spec));
        let timeout = spec.timeout.map(|limit| u64::try_from(limit.as_millis()));
        Self {
            summary: spec.into(),
            arguments: tool.arguments,
            returns: tool.returns,
            example,
            policy: None,
            annotations: annotations(spec),
            timeout_ms: timeout.map(|millis| millis.unwrap_or(u64::MAX)),
            input_schema: Value::clone(&spec.input_schema),
            output_schema: spec.output_schema.as_deref().cloned(),
        }
    }

    /// Returns the view with what the policy says about the example call.
    #[must_use]
    pub fn with_policy(mut self, policy: Option<String>) -> Self {
        self.policy = policy;
        self
    }
}
