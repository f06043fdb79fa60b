//! The part of JSON Schema that describes arguments of tools: types, fields, items, choices and bounds.
//!
//! Keywords beyond these, such as `$ref` and `pattern`, are not checked; the tool does that.

use az_core::text::one_line;
use serde_json::{Map, Value};

use super::path::ArgumentPath;

/// The largest edit distance at which a known field is suggested for an unknown one.
const MAX_TYPOS: usize = 2;
/// The length of a value in a message, in characters.
const SHOWN: usize = 60;

/// Returns what in a value does not fit a schema.
pub(super) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, &ArgumentPath::root(), &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &ArgumentPath, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        if *schema == Value::Bool(false) {
            found.push(at.problem("must not be given"));
        }
        return;
    };
    if let Some(expected) = expected(schema).filter(|_| !fits(schema, value)) {
        found.push(at.problem(&format!("must be {expected}, got {}", shown(value))));
        return;
    }
    match value {
        Value::Object(fields) => check_fields(schema, fields, at, found),
        Value::Array(items) => {
            if let Some(of_items) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    check(of_items, item, &at.item(index), found);
                }
            }
        }
        Value::Number(_) | Value::String(_) | Value::Null | Value::Bool(_) => {}
    }
    if let Some(bound) = broken_bound(schema, value) {
        found.push(at.problem(&format!("must {bound}, got {}", shown(value))));
    }
}

fn check_fields(
    schema: &Map<String, Value>,
    fields: &Map<String, Value>,
    at: &ArgumentPath,
    found: &mut Vec<String>,
) {
    let none = Map::new();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str).filter(|name| !fields.contains_key(*name)) {
        let expected = known.get(name).and_then(Value::as_object).and_then(expected);
        let expected =
            expected.map_or_else(String::new, |expected| format!("; must be {expected}"));
        found.push(at.key(name).problem(&format!("is missing{expected}")));
    }
    for (name, value) in fields {
        match (known.get(name), schema.get("additionalProperties")) {
            (Some(property), _) => check(property, value, &at.key(name), found),
            (None, Some(Value::Bool(false))) => {
                found.push(at.key(name).problem(&unknown(name, known)));
            }
            (None, Some(other)) => check(other, value, &at.key(name), found),
            (None, None) => {}
        }
    }
}

fn unknown(name: &str, known: &Map<String, Value>) -> String {
    let distances = known.keys().map(|known| (strsim::levenshtein(name, known), known));
    match distances.min() {
        Some((typos, known)) if typos <= MAX_TYPOS && typos < known.chars().count() => {
            format!("is unknown; did you mean `{known}`?")
        }
        Some(_) => {
            let known: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
            format!("is unknown; expected one of {}", known.join(", "))
        }
        None => "is unknown; there are no arguments".to_owned(),
    }
}

/// Returns the values that a schema allows, in words; `None` if it allows all.
fn expected(schema: &Map<String, Value>) -> Option<String> {
    if let Some(Value::Array(choices)) = schema.get("enum") {
        let choices: Vec<_> = choices.iter().map(Value::to_string).collect();
        return Some(format!("one of {}", choices.join(", ")));
    }
    if let Some(constant) = schema.get("const") {
        return Some(constant.to_string());
    }
    let types = types_of_object(schema);
    if types.is_empty() {
        let alternatives: Vec<String> =
            alternatives(schema).filter_map(|one| expected(one.as_object()?)).collect();
        return (!alternatives.is_empty()).then(|| alternatives.join(" or "));
    }
    Some(types.into_iter().map(in_words).collect::<Vec<_>>().join(" or "))
}

/// Returns whether a value is one of those that [`expected`] names.
fn fits(schema: &Map<String, Value>, value: &Value) -> bool {
    let types = types_of_object(schema);
    let is_choice = match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(choices)), _) => choices.contains(value),
        (_, Some(constant)) => constant == value,
        _ => true,
    };
    let mut alternatives = alternatives(schema).peekable();
    is_choice
        && (types.is_empty() || types.iter().any(|expected| has_type(value, expected)))
        && (alternatives.peek().is_none()
            || alternatives.any(|one| violations(one, value).is_empty()))
}

fn alternatives(schema: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let of = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    of.into_iter().flatten()
}

/// Returns the bound of a schema that a value exceeds, in words.
fn broken_bound(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let shown = |name: &str| schema.get(name).map(Value::to_string).unwrap_or_default();
    let (size, what) = match value {
        Value::Number(number) => (number.as_f64()?, ""),
        Value::String(text) => (length(text.chars().count()), "characters"),
        Value::Array(items) => (length(items.len()), "items"),
        Value::Null | Value::Bool(_) | Value::Object(_) => return None,
    };
    let (least, most) = match value {
        Value::Number(_) => ("minimum", "maximum"),
        Value::String(_) => ("minLength", "maxLength"),
        _ => ("minItems", "maxItems"),
    };
    let verb = if what.is_empty() { "be" } else { "have" };
    let text = if bound(least).is_some_and(|least| size < least) {
        format!("{verb} at least {} {what}", shown(least))
    } else if bound(most).is_some_and(|most| size > most) {
        format!("{verb} at most {} {what}", shown(most))
    } else if what.is_empty() && bound("exclusiveMinimum").is_some_and(|least| size <= least) {
        format!("be greater than {}", shown("exclusiveMinimum"))
    } else if what.is_empty() && bound("exclusiveMaximum").is_some_and(|most| size >= most) {
        format!("be less than {}", shown("exclusiveMaximum"))
    } else {
        return None;
    };
    Some(text.trim_end().to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below the largest exact integer")]
const fn length(count: usize) -> f64 {
    count as f64
}

/// Returns the names of the types that a schema allows; none if it does not say.
pub(super) fn types_of(schema: &Value) -> Vec<&str> {
    schema.as_object().map(types_of_object).unwrap_or_default()
}

fn types_of_object(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn has_type(value: &Value, expected: &str) -> bool {
    match (expected, value) {
        ("integer", Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        _ => false,
    }
}

fn in_words(kind: &str) -> &str {
    match kind {
        "null" => "null",
        "boolean" => "a boolean",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a string",
        "array" => "an array",
        "object" => "an object",
        other => other,
    }
}

/// Returns the type of a value in words.
pub(super) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Returns a value for a message.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind_of(value).to_owned(),
        scalar => one_line(&scalar.to_string(), SHOWN),
    }
}
