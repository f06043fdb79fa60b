use az_core::tool::{EffectClass, Invocation, ToolSpec};
use serde_json::{Value, json};

use super::checked;

fn spec() -> ToolSpec {
    let schema = json!({
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "count": {"type": "integer"},
            "any": {},
        },
        "required": ["path"],
        "additionalProperties": false,
    });
    ToolSpec::new("t", "", schema).with_effect(EffectClass::Read)
}

#[track_caller]
fn refused(arguments: Value, expect: &str) {
    let call = Invocation::bare("t", arguments).unwrap();
    let error = checked(&spec(), call).unwrap_err();
    assert_eq!(error.to_string(), format!("invalid arguments: of t: {expect}"));
}

#[track_caller]
fn accepted(arguments: Value, expect: &Value) {
    let call = Invocation::bare("t", arguments).unwrap();
    assert_eq!(checked(&spec(), call).unwrap().arguments, *expect);
}

#[test]
fn a_missing_argument_is_named_with_its_type() {
    refused(json!({}), "argument `path` is missing; expected string");
    refused(Value::Null, "argument `path` is missing; expected string");
}

#[test]
fn an_unknown_argument_is_met_with_a_guess() {
    let expect = "argument `path` is missing; expected string; \
                  there is no argument `pth`; did you mean `path`?";
    refused(json!({"pth": "a"}), expect);
    let expect = "there is no argument `colour`; there are `any`, `count`, `path`";
    refused(json!({"path": "a", "colour": 1}), expect);
}

#[test]
fn a_wrong_type_is_told_with_the_right_one() {
    refused(json!({"path": 7}), "argument `path` is a number; expected string");
    refused(json!({"path": "a", "count": 1.5}), "argument `count` is a number; expected integer");
    refused(json!({"path": null}), "argument `path` is null; expected string");
    refused(json!([1]), "they must be a JSON object, not an array");
    refused(json!("rm"), "they must be a JSON object, not a string");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let expect = "argument `path` is missing; expected string; \
                  argument `count` is a boolean; expected integer";
    refused(json!({"count": true}), expect);
}

#[test]
fn arguments_that_came_as_text_are_read() {
    accepted(json!("{\"path\": \"a\", \"count\": 2.0}"), &json!({"path": "a", "count": 2.0}));
}

#[test]
fn null_leaves_an_optional_argument_out() {
    accepted(json!({"path": "a", "count": null, "any": null}), &json!({"path": "a", "any": null}));
}

#[test]
fn an_open_schema_lets_unknown_arguments_through() {
    let mut open = spec();
    let schema = std::sync::Arc::make_mut(&mut open.input_schema);
    schema.as_object_mut().unwrap().remove("additionalProperties");
    let call = Invocation::bare("t", json!({"path": "a", "more": 1})).unwrap();
    assert!(checked(&open, call).is_ok());
}
