use az_core::tool::{EffectClass, Invocation, ToolSpec};
use serde_json::{Value, json};

use super::check_arguments;

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
fn assert_refused(arguments: Value, expect: &str) {
    let call = Invocation::bare("t", arguments).unwrap();
    let error = check_arguments(&spec(), call).unwrap_err();
    assert_eq!(error.to_string(), format!("invalid arguments: t: {expect}"));
}

#[track_caller]
fn assert_accepted(arguments: Value, expect: &Value) {
    let call = Invocation::bare("t", arguments).unwrap();
    assert_eq!(check_arguments(&spec(), call).unwrap().arguments, *expect);
}

#[test]
fn booleans_and_numbers_that_are_sent_as_text_are_read_and_noted() {
    let read = |arguments: Value| {
        let call = Invocation::bare("t", arguments).unwrap();
        let checked = check_arguments(&spec(), call).unwrap();
        (checked.arguments, checked.corrections)
    };
    let (arguments, notes) = read(json!({"path": "5", "count": "5", "any": "true"}));
    assert_eq!(arguments, json!({"path": "5", "count": 5, "any": "true"}));
    let note = "the argument `count` was a text and was read as 5; send it as a number";
    assert_eq!(notes, [note]);
    for count in ["five", "5.5", "", "0x5", "true", "5 apples"] {
        let arguments = json!({"path": "a", "count": count});
        assert_refused(arguments, "argument `count` is a string; expected integer");
    }
    assert_eq!(read(json!({"path": "a", "count": 5})).1, Vec::<String>::new());
}

#[test]
fn a_missing_argument_is_reported_with_its_type() {
    assert_refused(json!({}), "argument `path` is missing; expected string");
    assert_refused(Value::Null, "argument `path` is missing; expected string");
}

#[test]
fn an_unknown_argument_is_reported_with_a_suggestion() {
    let expect = "argument `path` is missing; expected string; \
                  unknown argument `pth`; did you mean `path`?";
    assert_refused(json!({"pth": "a"}), expect);
    let expect = "unknown argument `colour`; expected one of `any`, `count`, `path`";
    assert_refused(json!({"path": "a", "colour": 1}), expect);
}

#[test]
fn a_wrong_type_is_reported_with_the_expected_one() {
    assert_refused(json!({"path": 7}), "argument `path` is a number; expected string");
    assert_refused(
        json!({"path": "a", "count": 1.5}),
        "argument `count` is a number; expected integer",
    );
    assert_refused(json!({"path": null}), "argument `path` is null; expected string");
    assert_refused(json!([1]), "the arguments must be a JSON object, not an array");
    assert_refused(json!("rm"), "the arguments must be a JSON object, not a string");
}

#[test]
fn all_problems_are_reported_at_once() {
    let expect = "argument `path` is missing; expected string; \
                  argument `count` is a boolean; expected integer";
    assert_refused(json!({"count": true}), expect);
}

#[test]
fn arguments_sent_as_a_json_string_are_parsed() {
    assert_accepted(
        json!("{\"path\": \"a\", \"count\": 2.0}"),
        &json!({"path": "a", "count": 2.0}),
    );
}

#[test]
fn null_for_an_optional_argument_is_dropped() {
    assert_accepted(
        json!({"path": "a", "count": null, "any": null}),
        &json!({"path": "a", "any": null}),
    );
}

#[test]
fn an_open_schema_allows_unknown_arguments() {
    let mut open = spec();
    let schema = std::sync::Arc::make_mut(&mut open.input_schema);
    schema.as_object_mut().unwrap().remove("additionalProperties");
    let call = Invocation::bare("t", json!({"path": "a", "more": 1})).unwrap();
    assert!(check_arguments(&open, call).is_ok());
}
