//! The values that a schema names.

use serde_json::{Map, Value};

use super::types::{in_words, types_of_object};

/// One of the keywords by which a schema names the values that fit.
#[derive(Debug)]
pub(super) enum Expected<'s> {
    Constant(&'s Value),
    OneOf(&'s [Value]),
    Types(Vec<&'s str>),
    /// Schemas of which one has to fit.
    Alternatives(&'s [Value]),
}

/// Returns how a schema names values. Where it has types, alternatives only divide these further.
pub(super) fn expected(schema: &Map<String, Value>) -> impl Iterator<Item = Expected<'_>> {
    let types = types_of_object(schema);
    let alternatives = list(schema, if schema.contains_key("anyOf") { "anyOf" } else { "oneOf" });
    let kind = match (types.is_empty(), alternatives.is_empty()) {
        (false, _) => Some(Expected::Types(types)),
        (true, false) => Some(Expected::Alternatives(alternatives)),
        (true, true) => None,
    };
    let constant = schema.get("const").map(Expected::Constant);
    let choices = schema.get("enum").and_then(Value::as_array);
    [constant, choices.map(|choices| Expected::OneOf(choices)), kind].into_iter().flatten()
}

/// Returns the values that a schema allows, in words; `None` if it does not name them.
pub(super) fn expected_in_words(schema: &Map<String, Value>) -> Option<String> {
    expected(schema).next()?.in_words()
}

/// Returns the array that a keyword has; an empty one without the keyword.
pub(super) fn list<'s>(schema: &'s Map<String, Value>, keyword: &str) -> &'s [Value] {
    schema.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Expected<'_> {
    /// Returns the values in words; `None` for alternatives that do not name any.
    pub(super) fn in_words(&self) -> Option<String> {
        match self {
            Self::Constant(constant) => Some(constant.to_string()),
            Self::OneOf(choices) => {
                let choices: Vec<_> = choices.iter().map(Value::to_string).collect();
                Some(format!("one of {}", choices.join(", ")))
            }
            Self::Types(types) => {
                Some(types.iter().map(|name| in_words(name)).collect::<Vec<_>>().join(" or "))
            }
            Self::Alternatives(alternatives) => {
                let alternatives = alternatives.iter().filter_map(Value::as_object);
                let mut all: Vec<_> = alternatives.filter_map(expected_in_words).collect();
                all.dedup();
                (!all.is_empty()).then(|| all.join(" or "))
            }
        }
    }
}
