//! Pages of the list of tools.

use std::num::NonZeroUsize;

use az_core::tool::ToolSpec;
use rmcp::ErrorData;
use rmcp::model::{ListToolsResult, Tool};
use serde_json::Value;

use crate::schema::WireTool;

/// Returns the tools that clients get, in the order of the toolbox: no one can answer their questions.
pub(super) fn offered(specs: &[ToolSpec]) -> impl Iterator<Item = &ToolSpec> {
    specs.iter().filter(|spec| !spec.asks_person)
}

/// Returns the page after the tool that the cursor names; the first one without a cursor.
///
/// # Errors
///
/// Invalid parameters for a cursor that names no tool, and an internal error for a tool that the protocol
/// cannot express.
pub(super) fn page(
    specs: &[ToolSpec],
    cursor: Option<&str>,
    size: NonZeroUsize,
) -> Result<ListToolsResult, ErrorData> {
    let offered: Vec<_> = offered(specs).collect();
    let start = match cursor {
        None => 0,
        Some(name) => {
            let last = offered.iter().position(|spec| spec.name == name);
            last.ok_or_else(|| unknown_cursor(name))? + 1
        }
    };
    let rest = offered.get(start..).unwrap_or_default();
    let shown = rest.get(..size.get()).unwrap_or(rest);
    let tools = shown.iter().map(|spec| tool(spec)).collect::<Result<_, _>>()?;
    let mut page = ListToolsResult::with_all_items(tools);
    let more = rest.len() > shown.len();
    page.next_cursor = shown.last().filter(|_| more).map(|spec| spec.name.clone());
    Ok(page)
}

/// Returns whether the schema of the output is of data, and not of the text.
pub(super) fn has_data(spec: &ToolSpec) -> bool {
    let kind = spec.output_schema.as_deref().and_then(|schema| schema.get("type"));
    spec.output_schema.is_some() && kind.and_then(Value::as_str) != Some("string")
}

/// Returns the definition of a tool.
///
/// # Errors
///
/// An internal error for a tool that the protocol cannot express.
pub(super) fn tool(spec: &ToolSpec) -> Result<Tool, ErrorData> {
    let mut wire = WireTool::from(spec);
    // A client expects data beside the text where there is a schema of it.
    if !has_data(spec) {
        wire.output_schema = None;
    }
    let tool = serde_json::to_value(wire).and_then(serde_json::from_value);
    tool.map_err(|error| {
        ErrorData::internal_error(format!("the tool {}: {error}", spec.name), None)
    })
}

fn unknown_cursor(name: &str) -> ErrorData {
    let text = format!("unknown cursor {name:?}; list the tools again, from the first page");
    ErrorData::invalid_params(text, None)
}
