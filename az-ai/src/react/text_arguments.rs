//! Arguments of tools, described in text for models without native tool calls.

use az_core::text::Excerpt;
use serde_json::{Map, Value};

use crate::chat::ToolDefinition;

/// Returns a line for each argument of a schema, those that are required first:
/// `  path (string, required): Path of the file`. A schema that is no plain list of properties is returned as it is.
///
/// This has about half of the length of the schema, which is much in a small context window.
pub(super) fn described(schema: &Value) -> String {
    let Some(properties) = plain_properties(schema) else { return format!("  {schema}\n") };
    let required = required(schema);
    let line = |(name, property): (&String, &Value)| {
        let is_required = required.contains(&name.as_str());
        format!("  {name} ({}){}\n", kind(property, is_required), described_property(property))
    };
    let mut properties: Vec<_> = properties.iter().collect();
    properties.sort_by_key(|(name, _)| (!required.contains(&name.as_str()), *name));
    properties.into_iter().map(line).collect()
}

/// Returns the properties of a schema, if it says nothing else of them but which are required.
fn plain_properties(schema: &Value) -> Option<&Map<String, Value>> {
    const PLAIN: [&str; 7] = [
        "$schema",
        "additionalProperties",
        "description",
        "properties",
        "required",
        "title",
        "type",
    ];
    let schema = schema.as_object()?;
    let is_plain = schema.keys().all(|key| PLAIN.contains(&key.as_str()));
    schema.get("properties").filter(|_| is_plain)?.as_object()
}

fn required(schema: &Value) -> Vec<&str> {
    let required = schema.get("required").and_then(Value::as_array);
    required.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Returns the type of a property and whether it is required; its whole schema unless it is a simple one.
fn kind(property: &Value, is_required: bool) -> String {
    const SIMPLE: [&str; 4] = ["default", "description", "title", "type"];
    let keys = property.as_object().into_iter().flat_map(Map::keys);
    let name = match property.get("type") {
        Some(Value::String(name)) if keys.clone().all(|key| SIMPLE.contains(&key.as_str())) => {
            name.clone()
        }
        _ => {
            let mut whole = property.clone();
            if let Some(schema) = whole.as_object_mut() {
                schema.remove("description");
                schema.remove("default");
            }
            whole.to_string()
        }
    };
    match property.get("default") {
        _ if is_required => format!("{name}, required"),
        None | Some(Value::Null) => name,
        Some(default) => format!("{name}, default {default}"),
    }
}

fn described_property(property: &Value) -> String {
    let description = property.get("description").and_then(Value::as_str);
    description.map(|text| format!(": {text}")).unwrap_or_default()
}

/// Returns a call as an example: of the first tool that needs texts only.
pub(super) fn example(tools: &[ToolDefinition]) -> (&str, Value) {
    let mut examples = tools.iter().filter_map(|tool| {
        let required = required(&tool.schema);
        let properties = tool.schema.get("properties");
        let kind = |name: &str| properties?.get(name)?.get("type")?.as_str();
        let is_text = |name: &&str| kind(name) == Some("string");
        let is_simple = !required.is_empty() && required.iter().all(is_text);
        let values = required.iter().map(|name| ((*name).to_owned(), value(name).into()));
        is_simple.then(|| (tool.name.as_str(), Value::Object(values.collect())))
    });
    let first = || tools.first().map(|tool| (tool.name.as_str(), Value::Object(Map::new())));
    examples.next().or_else(first).unwrap_or_else(|| ("tool", Value::Object(Map::new())))
}

/// Returns a value for an argument of an example.
fn value(argument: &str) -> String {
    match argument {
        "path" | "file" => "notes.txt".to_owned(),
        "command" => "date".to_owned(),
        other => Excerpt::of(&format!("the {other}"), 64).render(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{described, example};
    use crate::chat::ToolDefinition;

    #[test]
    fn arguments_are_described_in_a_line_each() {
        let schema = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Path of the file"},
                "limit": {"type": "integer", "default": 100},
                "kinds": {"type": "array", "items": {"type": "string"}, "description": "Which"},
                "offset": {"type": ["integer", "null"], "default": null},
            },
            "required": ["path"],
            "additionalProperties": false,
        });
        assert_eq!(
            described(&schema),
            "  path (string, required): Path of the file\n  \
             kinds ({\"items\":{\"type\":\"string\"},\"type\":\"array\"}): Which\n  \
             limit (integer, default 100)\n  \
             offset ({\"type\":[\"integer\",\"null\"]})\n"
        );
    }

    #[test]
    fn a_schema_that_is_no_list_of_properties_is_shown_whole() {
        for schema in [
            json!({"type": "object", "anyOf": [{"required": ["a"]}], "properties": {"a": {}}}),
            json!({"type": "object"}),
            json!(true),
        ] {
            assert_eq!(described(&schema), format!("  {schema}\n"));
        }
    }

    #[test]
    fn the_example_calls_a_tool_that_is_there() {
        let tool = |name: &str, schema| ToolDefinition::new(name, "", schema);
        let number =
            tool("add", json!({"properties": {"n": {"type": "integer"}}, "required": ["n"]}));
        let none = tool("now", json!({"type": "object"}));
        let text = tool(
            "read",
            json!({"properties": {"path": {"type": "string"}, "n": {"type": "integer"}}, "required": ["path"]}),
        );
        let tools = [number.clone(), none.clone(), text];
        assert_eq!(example(&tools), ("read", json!({"path": "notes.txt"})));
        assert_eq!(example(&tools[..2]), ("add", json!({})));
        assert_eq!(example(&[]), ("tool", json!({})));
    }
}
