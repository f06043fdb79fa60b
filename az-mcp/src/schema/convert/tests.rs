use az_core::content::ContentPart;
use az_core::tool::{EffectClass, ToolOutput, ToolScope, ToolSpec};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::schema::{ArgumentType, McpTool, McpToolResult, ToolArgument, WireResult, WireTool};

fn search() -> McpTool {
    McpTool::new("semantic.search", "Semantic document search", "array")
        .with_category("ai")
        .with_argument(ToolArgument::required("query", ArgumentType::String, "Search query"))
        .with_argument(
            ToolArgument::optional("n_results", ArgumentType::Number, "Number of results")
                .with_default(5),
        )
        .with_argument(ToolArgument::optional("collection", ArgumentType::String, ""))
}

#[test]
fn a_tool_is_serialized_as_mcp_specifies() {
    insta::assert_json_snapshot!(WireTool::from(&search()), @r#"
    {
      "name": "semantic.search",
      "description": "Semantic document search",
      "inputSchema": {
        "properties": {
          "collection": {
            "type": "string"
          },
          "n_results": {
            "default": 5,
            "description": "Number of results",
            "type": "number"
          },
          "query": {
            "description": "Search query",
            "type": "string"
          }
        },
        "required": [
          "query"
        ],
        "type": "object"
      },
      "_meta": {
        "dev.azos/arguments": [
          "query",
          "n_results",
          "collection"
        ],
        "dev.azos/category": "ai",
        "dev.azos/returns": "array"
      }
    }
    "#);
}

#[test]
fn the_description_for_people_has_the_fields_and_defaults_of_the_design() {
    let short = json!({
        "name": "t", "description": "d", "returns": "string",
        "arguments": [{"name": "n", "type": "integer", "description": "x", "default": null}],
    });
    let tool: McpTool = serde_json::from_value(short).unwrap();
    let full = json!({
        "name": "t", "description": "d", "returns": "string", "category": "general",
        "arguments": [{"name": "n", "type": "number", "description": "x", "required": true}],
    });
    assert_eq!(serde_json::to_value(tool).unwrap(), full);
}

#[test]
fn a_tool_of_another_server_keeps_its_schemas_and_unknown_fields() {
    let foreign = json!({
        "name": "grep",
        "title": "Grep",
        "inputSchema": {
            "type": "object",
            "properties": {
                "mode": {"enum": ["a", "b"]},
                "limit": {"type": ["integer", "null"], "default": null, "minimum": 1},
                "where": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "string"}}]},
                "odd": {"$ref": "#/$defs/odd"},
            },
            "required": ["where"],
            "$defs": {"odd": {"type": "boolean"}},
        },
        "outputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": true},
        "icons": [],
    });
    let wire: WireTool = serde_json::from_value(foreign.clone()).unwrap();
    assert_eq!(serde_json::to_value(&wire).unwrap(), foreign);
    let expect = McpTool::new("grep", "", "object")
        .with_argument(ToolArgument::required("where", ArgumentType::Array, ""))
        .with_argument(ToolArgument::optional("limit", ArgumentType::Number, ""))
        .with_argument(ToolArgument::optional("mode", ArgumentType::String, ""))
        .with_argument(ToolArgument::optional("odd", ArgumentType::Object, ""));
    assert_eq!(McpTool::from(&wire), expect);
    let spec = ToolSpec::from(&wire);
    assert_eq!((&*spec.input_schema, spec.effect), (&foreign["inputSchema"], EffectClass::Unsafe));
}

#[test]
fn the_effect_class_and_the_scope_of_a_spec_become_annotations() {
    let annotated = |effect, scope| {
        let spec = ToolSpec::from(&search()).with_effect(effect).with_scope(scope);
        let wire = WireTool::from(&spec);
        assert_eq!(wire.input_schema, *spec.input_schema);
        wire.annotations.unwrap()
    };
    let changes = |idempotent: bool, open: bool| {
        json!({
            "readOnlyHint": false, "destructiveHint": true, "idempotentHint": idempotent,
            "openWorldHint": open,
        })
    };
    for (effect, scope, expected) in [
        (
            EffectClass::Read,
            ToolScope::Workspace,
            json!({"readOnlyHint": true, "openWorldHint": false}),
        ),
        (
            EffectClass::Read,
            ToolScope::System,
            json!({"readOnlyHint": true, "openWorldHint": true}),
        ),
        (EffectClass::Idempotent, ToolScope::Network, changes(true, true)),
        (EffectClass::Probe, ToolScope::Workspace, changes(false, false)),
        (EffectClass::Unsafe, ToolScope::System, changes(false, true)),
    ] {
        assert_eq!(annotated(effect, scope), expected, "{effect:?} {scope:?}");
    }
}

#[test]
fn the_schema_of_the_output_survives_conversions() {
    let schema = json!({"type": "array", "items": {"type": "string"}});
    let spec = ToolSpec::from(&search()).with_output_schema(Some(schema.clone()));
    let wire = WireTool::from(&spec);
    assert_eq!(wire.output_schema.as_ref(), Some(&schema));
    assert_eq!(ToolSpec::from(&wire).output_schema.as_deref(), Some(&schema));
    let stored = serde_json::to_value(&spec).unwrap();
    assert_eq!(serde_json::from_value::<ToolSpec>(stored).unwrap(), spec);
}

#[test]
fn converting_an_output_to_mcp_and_back_changes_nothing() {
    let outputs = [
        ToolOutput::done("fine"),
        ToolOutput::done("2 files").with_data(json!(["a", "b"])),
        ToolOutput::failed("no such file"),
    ];
    for output in outputs {
        let wire = serde_json::to_value(WireResult::from(output.clone())).unwrap();
        let wire: WireResult = serde_json::from_value(wire).unwrap();
        assert_eq!(ToolOutput::from(wire), output);
    }
}

#[test]
fn content_of_unknown_types_is_named_and_not_dropped() {
    let wire = json!({
        "content": [
            {"type": "text", "text": "see"},
            {"type": "image", "mimeType": "image/png", "data": "AAAA"},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}},
            {"type": "resource_link", "uri": "file:///b", "name": "b"},
            {"type": "hologram"},
        ],
        "_meta": {"took": 3},
    });
    let wire: WireResult = serde_json::from_value(wire).unwrap();
    let mut expect = McpToolResult::done("see\ninside\n[hologram]").with_metadata("took", 3);
    expect.content =
        vec![ContentPart::image("image/png", "AAAA"), ContentPart::link("file:///b", "b")];
    assert_eq!(McpToolResult::from(wire), expect);
}

#[test]
fn structured_content_without_text_becomes_text() {
    let wire = WireResult { structured_content: Some(json!({"n": 1})), ..WireResult::default() };
    assert_eq!(ToolOutput::from(wire), ToolOutput::done(r#"{"n":1}"#).with_data(json!({"n": 1})));
}

#[test]
fn a_failed_result_has_the_error_and_the_data() {
    let output = ToolOutput::failed("exit code 1").with_data(json!({"exit_code": 1}));
    let result = McpToolResult::from(output.clone());
    let expect = json!({
        "success": false, "result": {"exit_code": 1}, "error": "exit code 1", "metadata": null,
    });
    assert_eq!(serde_json::to_value(&result).unwrap(), expect);
    assert_eq!(ToolOutput::from(result), output);
}

fn kind() -> impl Strategy<Value = ArgumentType> {
    prop::sample::select(vec![
        ArgumentType::String,
        ArgumentType::Number,
        ArgumentType::Boolean,
        ArgumentType::Array,
        ArgumentType::Object,
    ])
}

fn default() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        any::<i32>().prop_map(|n| Some(n.into())),
        ".*".prop_map(|text| Some(text.into())),
        any::<bool>().prop_map(|value| Some(json!({"nested": [value]}))),
    ]
}

fn arguments() -> impl Strategy<Value = Vec<ToolArgument>> {
    let names = prop::collection::hash_set("[a-z_]{1,6}", 0..6);
    let names = names.prop_map(|names| names.into_iter().collect::<Vec<_>>());
    names.prop_shuffle().prop_flat_map(|names| {
        let argument = |name: String| {
            let parts = (kind(), ".{0,12}", any::<bool>(), default());
            parts.prop_map(move |(kind, description, required, default)| ToolArgument {
                name: name.clone(),
                kind,
                description,
                required,
                default,
            })
        };
        names.into_iter().map(argument).collect::<Vec<_>>()
    })
}

proptest! {
    #[test]
    fn converting_a_tool_to_mcp_and_back_changes_nothing(
        name in "[a-z.]{1,9}", description in ".{0,20}", returns in ".{0,9}",
        category in ".{0,9}", arguments in arguments(),
    ) {
        let tool = McpTool { name, description, arguments, returns, category };
        let text = serde_json::to_string(&WireTool::from(&tool)).unwrap();
        let wire: WireTool = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(McpTool::from(&wire), tool);
    }
}

#[test]
fn images_and_links_are_kept_by_every_conversion_of_a_result() {
    let link = ContentPart::ResourceLink {
        uri: "file:///a.csv".to_owned(),
        name: "a.csv".to_owned(),
        mime_type: Some("text/csv".to_owned()),
        description: None,
    };
    let output =
        ToolOutput::done("a plot").with_image("image/png", "aGVsbG8=").with_part(link.clone());
    let wire = WireResult::from(output.clone());
    let expected = json!({
        "content": [
            {"type": "text", "text": "a plot"},
            {"type": "image", "mimeType": "image/png", "data": "aGVsbG8="},
            {"type": "resource_link", "uri": "file:///a.csv", "name": "a.csv",
             "mimeType": "text/csv"},
        ],
        "isError": false,
    });
    assert_eq!(serde_json::to_value(&wire).unwrap(), expected);
    assert_eq!(ToolOutput::from(wire.clone()), output);
    let people = McpToolResult::from(wire);
    assert_eq!(people.content, [ContentPart::image("image/png", "aGVsbG8="), link]);
    assert_eq!(ToolOutput::from(people), output);
}
