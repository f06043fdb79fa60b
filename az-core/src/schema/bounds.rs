//! Bounds on numbers and sizes.

use serde_json::{Map, Value};

/// The largest difference from a whole number at which a quotient counts as one.
const ROUNDING: f64 = 1e-9;

/// Returns the bound of a schema that a value exceeds, in words.
pub(super) fn broken_bound(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let shown = |name: &str| schema.get(name).map(Value::to_string).unwrap_or_default();
    let (size, what, least, most) = match value {
        Value::Number(number) => (number.as_f64()?, "", "minimum", "maximum"),
        Value::String(text) => {
            (length(text.chars().count()), "characters", "minLength", "maxLength")
        }
        Value::Array(items) => (length(items.len()), "items", "minItems", "maxItems"),
        Value::Object(fields) => (length(fields.len()), "fields", "minProperties", "maxProperties"),
        Value::Null | Value::Bool(_) => return None,
    };
    let is_number = what.is_empty();
    let verb = if is_number { "be" } else { "have" };
    let text = if bound(least).is_some_and(|least| size < least) {
        format!("{verb} at least {} {what}", shown(least))
    } else if bound(most).is_some_and(|most| size > most) {
        format!("{verb} at most {} {what}", shown(most))
    } else if is_number && bound("exclusiveMinimum").is_some_and(|least| size <= least) {
        format!("be greater than {}", shown("exclusiveMinimum"))
    } else if is_number && bound("exclusiveMaximum").is_some_and(|most| size >= most) {
        format!("be less than {}", shown("exclusiveMaximum"))
    } else if is_number && bound("multipleOf").is_some_and(|unit| !is_multiple(size, unit)) {
        format!("be a multiple of {}", shown("multipleOf"))
    } else {
        return None;
    };
    Some(text.trim_end().to_owned())
}

fn is_multiple(number: f64, unit: f64) -> bool {
    let quotient = number / unit;
    (quotient - quotient.round()).abs() < ROUNDING
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below the largest exact integer")]
const fn length(count: usize) -> f64 {
    count as f64
}
