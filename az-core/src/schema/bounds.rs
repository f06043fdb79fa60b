//! Bounds on numbers and sizes.

use serde_json::{Map, Value};

use super::decimal::Decimal;

/// A keyword that bounds a number or a size.
struct Bound {
    keyword: &'static str,
    in_words: &'static str,
    holds: fn(Decimal, Decimal) -> bool,
}

const NUMBER: [Bound; 5] = [
    at_least("minimum"),
    at_most("maximum"),
    Bound {
        keyword: "exclusiveMinimum",
        in_words: "greater than",
        holds: |size, least| size > least,
    },
    Bound { keyword: "exclusiveMaximum", in_words: "less than", holds: |size, most| size < most },
    Bound { keyword: "multipleOf", in_words: "a multiple of", holds: Decimal::is_multiple_of },
];
const LENGTH: [Bound; 2] = [at_least("minLength"), at_most("maxLength")];
const ITEMS: [Bound; 2] = [at_least("minItems"), at_most("maxItems")];
const FIELDS: [Bound; 2] = [at_least("minProperties"), at_most("maxProperties")];

const fn at_least(keyword: &'static str) -> Bound {
    Bound { keyword, in_words: "at least", holds: |size, least| size >= least }
}

const fn at_most(keyword: &'static str) -> Bound {
    Bound { keyword, in_words: "at most", holds: |size, most| size <= most }
}

/// Returns the bound of a schema that a value exceeds, in words.
pub(super) fn broken_bound(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let (bounds, verb, what) = match value {
        Value::Number(_) => (&NUMBER[..], "be", ""),
        Value::String(_) => (&LENGTH[..], "have", " characters"),
        Value::Array(_) => (&ITEMS[..], "have", " items"),
        Value::Object(_) => (&FIELDS[..], "have", " fields"),
        Value::Null | Value::Bool(_) => return None,
    };
    bounds.iter().find_map(|Bound { keyword, in_words, holds }| {
        let bound = schema.get(*keyword)?.as_number()?;
        let is_broken = !holds(size(value)?, Decimal::of(bound)?);
        is_broken.then(|| format!("{verb} {in_words} {bound}{what}"))
    })
}

/// Returns what bounds are on: the number itself, or the number of parts.
fn size(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::of(number),
        Value::String(text) => Decimal::count(text.chars().count()),
        Value::Array(items) => Decimal::count(items.len()),
        Value::Object(fields) => Decimal::count(fields.len()),
        Value::Null | Value::Bool(_) => None,
    }
}
