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
fn a_check_without_an_end_is_given_up_and_nothing_fits() {
    let (deep, large) = (
        "v: is nested too deeply for this schema to check",
        "v: is too large for this schema to check",
    );
    let all = json!({"allOf": [{"$ref": "#"}]});
    check(&all, &json!(1), &[deep]);
    let any = json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]});
    check(&any, &json!(1), &[deep]);

    // Each level of the value has both alternatives, which differ in what is checked after the next level.
    let node =
        |kind: &str| json!({"properties": {"c": {"$ref": "#/$defs/node"}, "k": {"const": kind}}});
    let tree =
        json!({"$ref": "#/$defs/node", "$defs": {"node": {"anyOf": [node("a"), node("b")]}}});
    let levels =
        |count: usize| (0..count).fold(json!({"k": "b"}), |c, _| json!({"c": c, "k": "b"}));
    check(&tree, &levels(8), &[]);
    check(&tree, &levels(24), &[large]);

    // Long constants and lists of types take steps of their own.
    let doubled = |last: Value| {
        let next = |number: u32| json!({"$ref": format!("#/$defs/{number}")});
        let both = |number: u32| json!({"anyOf": [next(number + 1), next(number + 1)]});
        let levels = (0..30).map(|number| (number.to_string(), both(number)));
        let all: serde_json::Map<_, _> = levels.chain([("30".to_owned(), last)]).collect();
        json!({"$ref": "#/$defs/0", "$defs": all})
    };
    for last in [json!({"const": "x".repeat(50_000)}), json!({"type": vec!["null"; 5_000]})] {
        check(&doubled(last), &json!("y"), &[large]);
    }

    // A check that was given up in an alternative says nothing about it.
    let nested = (0..100).fold(json!([]), |items, _| json!([items]));
    let list = json!({"type": "array", "items": {"$ref": "#/$defs/list"}});
    let list = |keyword: &str, schema: Value| json!({keyword: schema, "$defs": {"list": list}});
    let reference = json!({"$ref": "#/$defs/list"});
    check(&list("not", reference.clone()), &nested, &[deep]);
    check(&list("oneOf", json!([reference, true])), &nested, &[deep]);
    let unlike = json!({"not": {"uniqueItems": true, "items": true}});
    check(&unlike, &Value::from(vec![0; 300_000]), &[large]);
}

#[test]
fn equal_items_are_found_in_an_array_of_many() {
    let schema = json!({"uniqueItems": true});
    for item in [|number: u32| json!(number), |number: u32| json!({"id": number})] {
        let mut items: Vec<_> = (0..40_000).map(item).collect();
        check(&schema, &json!(items), &[]);
        items.push(item(39_999));
        check(&schema, &json!(items), &["v[40000]: is there already; the items must differ"]);
    }
}

#[test]
fn numbers_are_compared_exactly_and_however_they_are_written() {
    for (schema, fitting, other, problem) in [
        (
            json!({"maximum": 9_007_199_254_740_992_u64}),
            json!(9_007_199_254_740_992_u64),
            json!(9_007_199_254_740_993_u64),
            "v: must be at most 9007199254740992, got 9007199254740993",
        ),
        (
            json!({"exclusiveMinimum": -9_007_199_254_740_993_i64}),
            json!(-9_007_199_254_740_992_i64),
            json!(-9_007_199_254_740_993_i64),
            "v: must be greater than -9007199254740993, got -9007199254740993",
        ),
        (
            json!({"multipleOf": 1}),
            json!(3.0),
            json!(1.000_000_000_1),
            "v: must be a multiple of 1, got 1.0000000001",
        ),
        (json!({"const": 1.0}), json!(1), json!(2), "v: must be 1.0, got 2"),
        (
            json!({"enum": [[1], {"a": 2.0}]}),
            json!({"a": 2}),
            json!([2]),
            "v: must be one of [1], {\"a\":2.0}, got an array",
        ),
        (
            json!({"uniqueItems": true}),
            json!([1, 1.5, [1], {"a": 1}]),
            json!([{"a": [1]}, {"a": [1.0]}]),
            "v[1]: is there already; the items must differ",
        ),
    ] {
        check(&schema, &fitting, &[]);
        check(&schema, &other, &[problem]);
    }
    check(
        &json!({"uniqueItems": true}),
        &json!([1, 1.0]),
        &["v[1]: is there already; the items must differ"],
    );
}

#[test]
fn each_of_several_keywords_that_name_values_has_to_fit() {
    let schema = json!({"type": "integer", "enum": [1, 2, "1"], "const": 1});
    check(&schema, &json!(1), &[]);
    check(&schema, &json!(2), &["v: must be 1, got 2"]);
    let schema = json!({"type": "integer", "enum": [1, "1"]});
    check(&schema, &json!("1"), &["v: must be an integer, got \"1\""]);
    let schema = json!({"enum": [1, 2], "anyOf": [{"const": 2}, {"const": 3}]});
    check(&schema, &json!(2), &[]);
    check(&schema, &json!(1), &["v: must be 2 or 3, got 1"]);
}

#[test]
fn problems_are_limited_in_number_and_length() {
    let choices: Vec<String> = (0..6_000).map(|number| format!("c{number:04}")).collect();
    let schema = json!({"items": {"enum": choices}});
    let found = violations(&schema, &Value::from(vec!["x"; 50]), &Place::root("v"));
    assert_eq!(found.len(), 11);
    assert_eq!(found.last().unwrap(), "and 40 more");
    assert!(found.iter().take(10).all(|problem| problem.chars().count() == 500), "{found:?}");
    let begin = "v[9]: must be one of \"c0000\", \"c0001\", ";
    assert!(found.iter().any(|problem| problem.starts_with(begin)), "{found:?}");
}

#[test]
fn a_document_is_refused_where_it_is_no_schema_or_more_than_is_checked() {
    for (document, problem) in [
        (json!("x"), "schema: must be a JSON object, got a string"),
        (
            json!({"type": "text"}),
            "schema.type: \"text\" is none of the types null, boolean, integer, number, string, array, object",
        ),
        (json!({"type": 1}), "schema.type: must be the name of a type, or an array of such, got 1"),
        (
            json!({"properties": {"a": 1}}),
            "schema.properties.a: must be a schema, which is an object, got 1",
        ),
        (json!({"required": "a"}), "schema.required: must be an array of names, got \"a\""),
        (
            json!({"anyOf": [{"minLength": -1}]}),
            "schema.anyOf[0].minLength: must be a whole number from 0, got -1",
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
        (
            json!({"$ref": "#/default", "default": {"type": "string", "pattern": "^a"}}),
            "schema.default: has the keyword `pattern`, which is not checked; leave it out, and put what it \
             says into a `description`",
        ),
        (
            json!({"items": {"$ref": "#/examples/1"}, "examples": [{}, {"a/b": 1, "$ref": "#/x-c"}], "x-c": {"type": 1}}),
            "schema.examples[1]: has the keyword `a/b`, which is not checked; leave it out, and put what it \
             says into a `description`",
        ),
        (json!({"multipleOf": 0}), "schema.multipleOf: must be a number above 0, got 0"),
        (json!({"multipleOf": -0.5}), "schema.multipleOf: must be a number above 0, got -0.5"),
        (json!({"enum": []}), "schema.enum: must be an array of values, got an empty array"),
    ] {
        let found = check_document(&document).unwrap_err().to_string();
        assert_eq!(found, problem, "{document}");
    }
    let notes =
        json!({"title": "t", "description": "d", "format": "date", "default": 1, "x-order": 3});
    assert_eq!(check_document(&notes), Ok(()));
    let chain: serde_json::Map<_, _> = (0..2_000)
        .map(|number| (number.to_string(), json!({"$ref": format!("#/$defs/{}", number + 1)})))
        .chain([("2000".to_owned(), json!(true))])
        .collect();
    assert_eq!(check_document(&json!({"$ref": "#/$defs/0", "$defs": chain})), Ok(()));
}
