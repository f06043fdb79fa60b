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
        assert_refused(arguments, &format!("arguments.count: must be an integer, got {count:?}"));
    }
    assert_eq!(read(json!({"path": "a", "count": 5})).1, Vec::<String>::new());
}

#[test]
fn a_missing_argument_is_reported_with_its_type() {
    assert_refused(json!({}), "arguments.path: is missing; must be a string");
    assert_refused(Value::Null, "arguments.path: is missing; must be a string");
}

#[test]
fn an_unknown_argument_is_reported_with_a_suggestion() {
    let expect = "arguments.path: is missing; must be a string; \
                  arguments.pth: is unknown; did you mean `path`?";
    assert_refused(json!({"pth": "a"}), expect);
    let expect = "arguments.colour: is unknown; expected one of `any`, `count`, `path`";
    assert_refused(json!({"path": "a", "colour": 1}), expect);
}

#[test]
fn a_wrong_type_is_reported_with_the_expected_one() {
    assert_refused(json!({"path": 7}), "arguments.path: must be a string, got 7");
    assert_refused(
        json!({"path": "a", "count": 1.5}),
        "arguments.count: must be an integer, got 1.5",
    );
    assert_refused(json!({"path": null}), "arguments.path: must be a string, got null");
    assert_refused(json!([1]), "arguments: must be an object, got an array");
    assert_refused(json!("[1]"), "arguments: must be an object, got an array");
    assert_refused(
        json!("{\"path\": \"a"),
        "arguments: not valid JSON: EOF while parsing a string at line 1 column 11; send one JSON object",
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    let expect = "arguments.path: is missing; must be a string; \
                  arguments.count: must be an integer, got true";
    assert_refused(json!({"count": true}), expect);
}

#[test]
fn arguments_sent_as_a_json_string_are_parsed() {
    assert_accepted(json!("{\"path\": \"a\", \"count\": 2.0}"), &json!({"path": "a", "count": 2}));
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

#[test]
fn problems_within_values_are_reported_with_their_path() {
    let schema = json!({
        "type": "object",
        "properties": {
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
            "files": {"type": "array", "minItems": 1, "items": {
                "type": "object",
                "properties": {"mode": {"enum": ["r", "w"]}, "size": {"type": "number", "minimum": 1}},
                "required": ["mode"],
                "additionalProperties": false,
            }},
            "name": {"type": "string", "maxLength": 3},
            "any": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        },
        "additionalProperties": false,
    });
    let spec = ToolSpec::new("t", "", schema);
    for (arguments, expected) in [
        (json!({"env": {"A": 1}}), "arguments.env.A: must be a string, got 1"),
        (json!({"env": {"a b": null}}), "arguments.env[\"a b\"]: must be a string, got null"),
        (json!({"files": []}), "arguments.files: must have at least 1 items, got an array"),
        (
            json!({"files": [{"mode": "r"}, {"mode": "x", "size": 0, "mod": 1}]}),
            "arguments.files[1].mod: is unknown; did you mean `mode`?; \
             arguments.files[1].mode: must be one of \"r\", \"w\", got \"x\"; \
             arguments.files[1].size: must be at least 1, got 0",
        ),
        (
            json!({"files": [{}]}),
            "arguments.files[0].mode: is missing; must be one of \"r\", \"w\"",
        ),
        (json!({"name": "abcd"}), "arguments.name: must have at most 3 characters, got \"abcd\""),
        (json!({"any": [1]}), "arguments.any[0]: must be a string, got 1"),
        (json!({"share": 0}), "arguments.share: must be greater than 0, got 0"),
        (json!({"share": 1.0}), "arguments.share: must be less than 1, got 1.0"),
    ] {
        let call = Invocation::bare("t", arguments.clone()).unwrap();
        let error = check_arguments(&spec, call).unwrap_err().to_string();
        assert_eq!(error, format!("invalid arguments: t: {expected}"), "{arguments}");
    }
    let fits = json!({"any": ["x"], "share": 0.5, "files": [{"mode": "w"}], "name": "abc"});
    assert!(check_arguments(&spec, Invocation::bare("t", fits).unwrap()).is_ok());
}

#[test]
fn many_problems_are_cut() {
    let arguments: serde_json::Map<_, _> =
        (0..15).map(|n| (format!("argument_{n:02}"), json!(n))).collect();
    let call = Invocation::bare("t", arguments.into()).unwrap();
    let error = check_arguments(&spec(), call).unwrap_err().to_string();
    assert!(error.ends_with("; and 6 more"), "{error}");
}

#[test]
fn the_check_of_arguments_ends_whatever_the_schema_is() {
    let schema = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]});
    let call = Invocation::bare("t", json!({})).unwrap();
    let error = check_arguments(&ToolSpec::new("t", "", schema), call).unwrap_err();
    let expect = "arguments: is nested too deeply for this schema to check";
    assert_eq!(error.to_string(), format!("invalid arguments: t: {expect}"));
}
