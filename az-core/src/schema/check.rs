//! Checks a value against a schema.

use std::collections::HashSet;
use std::{mem, slice};

use serde_json::{Map, Value};

use super::bounds::broken_bound;
use super::expected::{Expected, expected, expected_in_words, list};
use super::place::{Path, Place};
use super::problems::Problems;
use super::same::Same;
use super::steps::{Steps, size, weight};
use super::types::{has_type, shown};
use super::typos::meant;

/// The choices, without what is in them, and the types that are compared in one step.
const CHOICES: usize = 16;

/// Returns what in a value does not fit a schema, each with its place, which begins with `root`: at most ten
/// problems of at most 500 characters, and the number of others.
///
/// The time is limited: a value that cannot be checked with a certain number of steps, or whose check is nested
/// too deeply, does not fit, and that is the only problem.
pub fn violations(schema: &Value, value: &Value, root: &Place) -> Vec<String> {
    let mut check =
        Check { document: schema, steps: Steps::new(), top: 0, problems: Problems::default() };
    check.value(schema, value, &Path::Root(root));
    match check.steps.ended() {
        Some(why) => vec![root.problem(why)],
        None => check.problems.into_lines(),
    }
}

/// Returns the schema that a reference within a document names: `#`, or `#/` and a JSON pointer.
pub(super) fn referenced<'s>(document: &'s Value, reference: &str) -> Option<&'s Value> {
    document.pointer(reference.strip_prefix('#')?)
}

struct Check<'s> {
    /// The whole schema, for references.
    document: &'s Value,
    steps: Steps,
    /// The depth of the place at which the check of this alternative began.
    top: usize,
    problems: Problems,
}

impl<'s> Check<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, at: &Path<'_>) {
        if !self.steps.take(weight(value)) {
            return;
        }
        let Some(schema) = schema.as_object() else {
            if *schema == Value::Bool(false) {
                self.add(at, || "must not be given".to_owned());
            }
            return;
        };
        if self.steps.enter() {
            self.object(schema, value, at);
            self.steps.leave();
        }
    }

    fn object(&mut self, schema: &'s Map<String, Value>, value: &Value, at: &Path<'_>) {
        if let Some(target) = self.target(schema) {
            self.value(target, value, at);
        }
        if let Some(expected) = self.unmet(schema, value) {
            self.problems.is_other |= at.depth() == self.top;
            self.add(at, || {
                let expected = expected.in_words().unwrap_or_default();
                format!("must be {expected}, got {}", shown(value))
            });
            return;
        }
        match value {
            Value::Object(fields) => self.fields(schema, fields, at),
            Value::Array(items) => self.items(schema, items, at),
            Value::Number(_) | Value::String(_) | Value::Null | Value::Bool(_) => {}
        }
        if let Some(bound) = broken_bound(schema, value) {
            self.add(at, || format!("must {bound}, got {}", shown(value)));
        }
        self.combined(schema, value, at);
    }

    fn add(&mut self, at: &Path<'_>, what: impl FnOnce() -> String) {
        self.problems.add(|| at.place().problem(&what()));
    }

    /// Returns the schema that a `$ref` names. One outside of the document is not checked.
    fn target(&self, schema: &'s Map<String, Value>) -> Option<&'s Value> {
        referenced(self.document, schema.get("$ref")?.as_str()?)
    }

    fn fields(
        &mut self,
        schema: &'s Map<String, Value>,
        fields: &Map<String, Value>,
        at: &Path<'_>,
    ) {
        let known = schema.get("properties").and_then(Value::as_object);
        let property = |name: &str| known.and_then(|known| known.get(name));
        let required = list(schema, "required");
        if !self.steps.take(required.len()) {
            return;
        }
        for name in required.iter().filter_map(Value::as_str) {
            if fields.contains_key(name) {
                continue;
            }
            let property_size = property(name).filter(|_| self.problems.has_room()).map_or(1, size);
            if self.steps.take(property_size) {
                self.add(&at.key(name), || is_missing(property(name)));
            }
        }
        for (name, value) in fields {
            match (property(name), schema.get("additionalProperties")) {
                (Some(property), _) => self.value(property, value, &at.key(name)),
                (None, Some(Value::Bool(false))) => {
                    let known_names =
                        known.filter(|_| self.problems.has_room()).map_or(0, Map::len);
                    if self.steps.take(1 + known_names) {
                        self.add(&at.key(name), || unknown(name, known));
                    }
                }
                (None, Some(other)) => self.value(other, value, &at.key(name)),
                (None, None) => {}
            }
        }
    }

    fn items(&mut self, schema: &'s Map<String, Value>, items: &[Value], at: &Path<'_>) {
        let first = list(schema, "prefixItems");
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or_else(|| schema.get("items")) {
                self.value(schema, item, &at.item(index));
            }
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true))
            && self.steps.take(items.iter().map(size).sum())
        {
            let mut earlier = HashSet::new();
            if let Some(index) = items.iter().position(|item| !earlier.insert(Same(item))) {
                self.add(&at.item(index), || "is there already; the items must differ".to_owned());
            }
        }
    }

    /// Adds what does not fit `allOf`, `anyOf`, `oneOf` and `not`.
    fn combined(&mut self, schema: &'s Map<String, Value>, value: &Value, at: &Path<'_>) {
        for part in list(schema, "allOf") {
            self.value(part, value, at);
        }
        for (keyword, is_exclusive) in [("anyOf", false), ("oneOf", true)] {
            self.alternatives(list(schema, keyword), is_exclusive, value, at);
        }
        if let Some(unwanted) = schema.get("not")
            && self.problems_of(unwanted, value, at).is_empty()
        {
            self.add(at, || "fits what the schema excludes with `not`".to_owned());
        }
    }

    fn alternatives(
        &mut self,
        schemas: &'s [Value],
        is_exclusive: bool,
        value: &Value,
        at: &Path<'_>,
    ) {
        let alternatives: Vec<_> =
            schemas.iter().map(|alternative| self.problems_of(alternative, value, at)).collect();
        let fitting = alternatives.iter().filter(|problems| problems.is_empty()).count();
        if fitting > 1 && is_exclusive {
            let count = alternatives.len();
            self.add(at, || format!("fits {fitting} of {count} alternatives, and must fit one"));
        }
        if fitting == 0
            && let Some(mut nearest) = alternatives.into_iter().min_by_key(Problems::distance)
        {
            nearest.is_other &= at.depth() == self.top;
            self.problems.append(nearest);
        }
    }

    /// Returns what in a value does not fit a part of the document. Once the check has ended early, that is
    /// nothing, which means nothing.
    fn problems_of(&mut self, schema: &'s Value, value: &Value, at: &Path<'_>) -> Problems {
        let (top, problems) = (self.top, mem::take(&mut self.problems));
        self.top = at.depth();
        self.value(schema, value, at);
        self.top = top;
        mem::replace(&mut self.problems, problems)
    }

    /// Returns which of the values that a schema names a value is not.
    fn unmet(&mut self, schema: &'s Map<String, Value>, value: &Value) -> Option<Expected<'s>> {
        expected(schema).find(|expected| !self.may_be(expected, value))
    }

    /// Returns whether a value is one of those that a schema names. What is in it may not fit nevertheless.
    fn may_be(&mut self, expected: &Expected<'s>, value: &Value) -> bool {
        let mut is_one_of = |choices: &[Value]| {
            let within: usize = choices.iter().map(|choice| size(choice) - 1).sum();
            !self.steps.take(1 + choices.len() / CHOICES + within)
                || choices.iter().any(|choice| Same(choice) == Same(value))
        };
        match expected {
            Expected::Constant(constant) => is_one_of(slice::from_ref(*constant)),
            Expected::OneOf(choices) => is_one_of(choices),
            Expected::Types(types) => {
                !self.steps.take(types.len() / CHOICES)
                    || types.iter().any(|expected| has_type(value, expected))
            }
            Expected::Alternatives(alternatives) => alternatives.iter().any(|one| {
                !self.steps.take(1)
                    || one.as_object().is_none_or(|one| self.unmet(one, value).is_none())
            }),
        }
    }
}

/// Says that a field is missing, and what it has to be.
fn is_missing(property: Option<&Value>) -> String {
    match property.and_then(Value::as_object).and_then(expected_in_words) {
        Some(expected) => format!("is missing; must be {expected}"),
        None => "is missing".to_owned(),
    }
}

fn unknown(name: &str, known: Option<&Map<String, Value>>) -> String {
    let names = || known.into_iter().flat_map(Map::keys);
    if let Some(meant) = meant(name, names().map(String::as_str)) {
        return format!("is unknown; did you mean `{meant}`?");
    }
    let known: Vec<String> = names().map(|name| format!("`{name}`")).collect();
    match known.as_slice() {
        [] => "is unknown; there must be no fields".to_owned(),
        known => format!("is unknown; expected one of {}", known.join(", ")),
    }
}
