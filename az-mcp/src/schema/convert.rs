//! Conversions between the descriptions of tools and results.
//!
//! Converting an [`McpTool`] to a [`WireTool`] and back changes nothing. A [`WireTool`] may hold
//! more than an [`McpTool`]; code that needs the rest keeps the [`WireTool`], or the [`ToolSpec`]
//! with its complete schema.

use az_core::content::ContentPart;
use az_core::tool::{EffectClass, ToolOutput, ToolScope, ToolSpec};
use serde_json::{Map, Value, json};

use super::argument::ToolArgument;
use super::result::{McpToolResult, UNKNOWN};
use super::tool::{McpTool, general};
use super::wire::{Content, WireResult, WireTool};

/// The `_meta` key of the category, for which MCP has no field.
const CATEGORY: &str = "dev.azos/category";
/// The `_meta` key of the result's type.
const RETURNS: &str = "dev.azos/returns";
/// The `_meta` key of the order of the arguments, which a JSON object does not preserve.
const ORDER: &str = "dev.azos/arguments";
/// The result type of a tool that does not declare one.
const ANYTHING: &str = "any";

impl From<&McpTool> for WireTool {
    fn from(tool: &McpTool) -> Self {
        let input_schema = ToolArgument::schema(&tool.arguments);
        let mut meta = Map::new();
        meta.insert(CATEGORY.to_owned(), tool.category.clone().into());
        meta.insert(RETURNS.to_owned(), tool.returns.clone().into());
        if ToolArgument::read(&input_schema, &[]) != tool.arguments {
            let names = tool.arguments.iter().map(|argument| argument.name.as_str());
            meta.insert(ORDER.to_owned(), names.collect());
        }
        Self {
            name: tool.name.clone(),
            description: tool.description.clone(),
            input_schema,
            output_schema: None,
            annotations: None,
            meta,
            rest: Map::new(),
        }
    }
}

impl From<&WireTool> for McpTool {
    fn from(wire: &WireTool) -> Self {
        let meta = |key| wire.meta.get(key).and_then(Value::as_str).map(str::to_owned);
        let order: Vec<&str> = match wire.meta.get(ORDER) {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let output = wire.output_schema.as_ref();
        let output = output.and_then(|schema| schema.get("type")?.as_str()).unwrap_or(ANYTHING);
        Self {
            name: wire.name.clone(),
            description: wire.description.clone(),
            arguments: ToolArgument::read(&wire.input_schema, &order),
            returns: meta(RETURNS).unwrap_or_else(|| output.to_owned()),
            category: meta(CATEGORY).unwrap_or_else(general),
        }
    }
}

impl From<&ToolSpec> for WireTool {
    fn from(spec: &ToolSpec) -> Self {
        let mut meta = Map::new();
        meta.insert(CATEGORY.to_owned(), spec.category.clone().into());
        Self {
            name: spec.name.clone(),
            description: spec.description.clone(),
            input_schema: Value::clone(&spec.input_schema),
            output_schema: spec.output_schema.as_deref().cloned(),
            annotations: Some(annotations(spec)),
            meta,
            rest: Map::new(),
        }
    }
}

impl From<&WireTool> for ToolSpec {
    /// The effect class is `Unsafe` and the scope `System`: annotations are hints that an untrusted
    /// server may set as it likes, so they are ignored.
    fn from(wire: &WireTool) -> Self {
        let tool = McpTool::from(wire);
        Self::new(tool.name, tool.description, wire.input_schema.clone())
            .with_category(tool.category)
            .with_output_schema(wire.output_schema.clone())
    }
}

impl From<&ToolSpec> for McpTool {
    fn from(spec: &ToolSpec) -> Self {
        Self::from(&WireTool::from(spec))
    }
}

impl From<&McpTool> for ToolSpec {
    fn from(tool: &McpTool) -> Self {
        Self::from(&WireTool::from(tool))
    }
}

/// Returns MCP's annotations: what a call does by the effect class, and what it can reach by the scope.
///
/// The hints about changes are only meaningful for a tool that does more than read.
pub fn annotations(spec: &ToolSpec) -> Value {
    let open_world = spec.scope != ToolScope::Workspace;
    match spec.effect {
        EffectClass::Read => json!({"readOnlyHint": true, "openWorldHint": open_world}),
        EffectClass::Idempotent | EffectClass::Probe | EffectClass::Unsafe => json!({
            "readOnlyHint": false,
            "destructiveHint": true,
            "idempotentHint": spec.effect == EffectClass::Idempotent,
            "openWorldHint": open_world,
        }),
    }
}

impl From<ToolOutput> for WireResult {
    fn from(output: ToolOutput) -> Self {
        Self {
            content: output.content.iter().map(Content::from).collect(),
            structured_content: output.data,
            is_error: !output.ok,
            meta: output.unknown.then(|| (UNKNOWN.to_owned(), true.into())).into_iter().collect(),
        }
    }
}

impl From<WireResult> for ToolOutput {
    fn from(wire: WireResult) -> Self {
        let WireResult { content, structured_content, is_error, meta } = wire;
        // Models are shown text, so a result that has only data gets its JSON as text.
        let text = structured_content.as_ref().filter(|_| content.is_empty());
        let mut output = Self::done(text.map(Value::to_string).unwrap_or_default());
        output.content.extend(content.iter().map(ContentPart::from));
        output.data = structured_content;
        let unknown = is_error && meta.get(UNKNOWN) == Some(&Value::Bool(true));
        output.with_ok(!is_error).with_unknown(unknown)
    }
}

impl From<WireResult> for McpToolResult {
    fn from(mut wire: WireResult) -> Self {
        let meta = std::mem::take(&mut wire.meta);
        let metadata = (!meta.is_empty()).then_some(meta);
        Self { metadata, ..Self::from(ToolOutput::from(wire)) }
    }
}

impl From<McpToolResult> for WireResult {
    fn from(mut result: McpToolResult) -> Self {
        let meta = result.metadata.take().unwrap_or_default();
        Self { meta, ..Self::from(ToolOutput::from(result)) }
    }
}

#[cfg(test)]
mod tests;
