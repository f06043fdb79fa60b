use serde_json::{Value, json};

use super::{Place, check_document, violations};

#[track_caller]
fn check(schema: &Value, value: &Value, expected: &[&str]) {
    check_document(schema).unwrap();
    assert_eq!(violations(schema, value, &Place::root("v")), expected, "{value}");
}

#[test]
fn types_values_and_fields_are_checked_and_the_place_is_named() {
    for (schema, fitting, other, problem) in [
        (
            json!({"type": ["string", "null"]}),
            json!(null),
            json!(1),
            "v: must be a string or null, got 1",
        ),
        (json!({"enum": ["a", 2]}), json!(2), json!("b"), "v: must be one of \"a\", 2, got \"b\""),
        (json!({"const": [1]}), json!([1]), json!([2]), "v: must be [1], got an array"),
        (json!({"required": ["a"]}), json!({"a": 1}), json!({}), "v.a: is missing"),
        (
            json!({"properties": {"path": true}, "additionalProperties": false}),
            json!({"path": 1}),
            json!({"pth": 1}),
            "v.pth: is unknown; did you mean `path`?",
        ),
        (
            json!({"additionalProperties": {"type": "string"}}),
            json!({"a": "b"}),
            json!({"a b": 1}),
            "v[\"a b\"]: must be a string, got 1",
        ),
    ] {
        check(&schema, &fitting, &[]);
        check(&schema, &other, &[problem]);
    }
}

#[test]
fn items_bounds_and_combinations_are_checked_and_the_place_is_named() {
    let one_of = json!({"oneOf": [{"type": "integer"}, {"minimum": 5}]});
    for (schema, fitting, other, problem) in [
        (
            json!({"minProperties": 1}),
            json!({"a": 1}),
            json!({}),
            "v: must have at least 1 fields, got an object",
        ),
        (
            json!({"items": {"minimum": 0}}),
            json!([0]),
            json!([1, -1]),
            "v[1]: must be at least 0, got -1",
        ),
        (
            json!({"prefixItems": [true, {"type": "null"}], "items": false}),
            json!([1, null]),
            json!([1, null, 2]),
            "v[2]: must not be given",
        ),
        (
            json!({"uniqueItems": true}),
            json!([1, 2]),
            json!([1, 2, 1]),
            "v[2]: is there already; the items must differ",
        ),
        (
            json!({"maxItems": 1}),
            json!([1]),
            json!([1, 2]),
            "v: must have at most 1 items, got an array",
        ),
        (
            json!({"maxLength": 2}),
            json!("ää"),
            json!("äää"),
            "v: must have at most 2 characters, got \"äää\"",
        ),
        (json!({"exclusiveMaximum": 2}), json!(1.9), json!(2), "v: must be less than 2, got 2"),
        (
            json!({"multipleOf": 0.1}),
            json!(0.3),
            json!(0.35),
            "v: must be a multiple of 0.1, got 0.35",
        ),
        (
            json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}),
            json!(2),
            json!(3),
            "v: must be at most 2, got 3",
        ),
        (
            json!({"not": {"type": "null"}}),
            json!(0),
            json!(null),
            "v: fits what the schema excludes with `not`",
        ),
        (one_of, json!(4), json!(7), "v: fits 2 of 2 alternatives, and must fit one"),
    ] {
        check(&schema, &fitting, &[]);
        check(&schema, &other, &[problem]);
    }
}

#[test]
fn of_several_alternatives_the_nearest_says_what_does_not_fit() {
    let circle = json!({
        "type": "object",
        "properties": {"kind": {"const": "circle"}, "r": {"type": "number"}},
        "required": ["kind", "r"],
    });
    let square = json!({
        "type": "object",
        "properties": {"kind": {"const": "square"}, "side": {"type": "number"}},
        "required": ["kind", "side"],
    });
    let schema = json!({"anyOf": [circle, square, {"type": "null"}]});
    check(&schema, &json!({"kind": "square", "side": 2}), &[]);
    check(
        &schema,
        &json!({"kind": "square", "side": "2"}),
        &["v.side: must be a number, got \"2\""],
    );
    check(&schema, &json!("circle"), &["v: must be an object or null, got \"circle\""]);
}

#[test]
fn references_within_the_schema_are_followed_also_in_a_recursive_one() {
    let schema = json!({
        "$ref": "#/$defs/node",
        "$defs": {"node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#/$defs/node"}}},
            "required": ["name"],
        }},
    });
    let tree = |leaf: Value| json!({"name": "a", "children": [{"name": "b", "children": [leaf]}]});
    check(&schema, &tree(json!({"name": "c"})), &[]);
    check(
        &schema,
        &tree(json!({})),
        &["v.children[0].children[0].name: is missing; must be a string"],
    );
}

#[test]
fn a_schema_without_an_end_is_no_endless_check() {
    let schema = json!({"allOf": [{"$ref": "#"}]});
    check(&schema, &json!(1), &["v: is nested too deeply"]);
}

#[test]
fn a_document_is_refused_where_it_is_no_schema_or_more_than_is_checked() {
    for (document, problem) in [
        (json!("x"), "schema: must be a JSON object, got a string"),
        (
            json!({"type": "text"}),
            "schema.type: \"text\" is none of the types null, boolean, integer, number, string, array, object",
        ),
        (
            json!({"type": 1}),
            "schema.type: must be the name of a type, or an array of such, got a number",
        ),
        (
            json!({"properties": {"a": 1}}),
            "schema.properties.a: must be a schema, which is an object, got a number",
        ),
        (json!({"required": "a"}), "schema.required: must be an array of names, got a string"),
        (
            json!({"anyOf": [{"minLength": -1}]}),
            "schema.anyOf[0].minLength: must be a whole number from 0, got a number",
        ),
        (
            json!({"propertis": {}}),
            "schema: has the unknown keyword `propertis`; did you mean `properties`?",
        ),
        (
            json!({"items": {"patternProperties": {}}}),
            "schema.items: has the keyword `patternProperties`, which is not checked; leave it out, and put \
             what it says into a `description`",
        ),
        (
            json!({"$ref": "#/$defs/a"}),
            "schema.$ref: \"#/$defs/a\" names no schema of this file; references have the form \"#/$defs/NAME\"",
        ),
        (
            json!({"$ref": "https://example.com/a"}),
            "schema.$ref: \"https://example.com/a\" names no schema of this file; references have the form \
             \"#/$defs/NAME\"",
        ),
        (json!({"$ref": "#"}), "schema.$ref: refers to itself"),
    ] {
        let found = check_document(&document).unwrap_err().to_string();
        assert_eq!(found, problem, "{document}");
    }
    let notes =
        json!({"title": "t", "description": "d", "format": "date", "default": 1, "x-order": 3});
    assert_eq!(check_document(&notes), Ok(()));
}
