//! Checks a value against a schema.

use serde_json::{Map, Value};

use super::bounds::broken_bound;
use super::place::Place;
use super::types::{has_type, in_words, shown, types_of_object};
use super::typos::meant;

/// The most schemas within each other, by which a reference to itself ends.
const DEEPEST: usize = 128;

/// Returns what in a value does not fit a schema, each with its place, which begins with `root`.
pub fn violations(schema: &Value, value: &Value, root: &Place) -> Vec<String> {
    let mut check = Check { document: schema, depth: 0, found: Vec::new() };
    check.value(schema, value, root);
    check.found
}

/// Returns the schema that a reference within a document names: `#`, or `#/` and a JSON pointer.
pub(super) fn referenced<'s>(document: &'s Value, reference: &str) -> Option<&'s Value> {
    document.pointer(reference.strip_prefix('#')?)
}

struct Check<'s> {
    /// The whole schema, for references.
    document: &'s Value,
    depth: usize,
    found: Vec<String>,
}

impl<'s> Check<'s> {
    fn value(&mut self, schema: &'s Value, value: &Value, at: &Place) {
        let Some(schema) = schema.as_object() else {
            if *schema == Value::Bool(false) {
                self.found.push(at.problem("must not be given"));
            }
            return;
        };
        if self.depth >= DEEPEST {
            self.found.push(at.problem("is nested too deeply"));
            return;
        }
        self.depth += 1;
        self.object(schema, value, at);
        self.depth -= 1;
    }

    fn object(&mut self, schema: &'s Map<String, Value>, value: &Value, at: &Place) {
        if let Some(target) = self.target(schema) {
            self.value(target, value, at);
        }
        if let Some(expected) = expected(schema).filter(|_| !self.may_fit(schema, value)) {
            self.found.push(at.problem(&format!("must be {expected}, got {}", shown(value))));
            return;
        }
        match value {
            Value::Object(fields) => self.fields(schema, fields, at),
            Value::Array(items) => self.items(schema, items, at),
            Value::Number(_) | Value::String(_) | Value::Null | Value::Bool(_) => {}
        }
        if let Some(bound) = broken_bound(schema, value) {
            self.found.push(at.problem(&format!("must {bound}, got {}", shown(value))));
        }
        self.combined(schema, value, at);
    }

    /// Returns the schema that a `$ref` names. One outside of the document is not checked.
    fn target(&self, schema: &'s Map<String, Value>) -> Option<&'s Value> {
        referenced(self.document, schema.get("$ref")?.as_str()?)
    }

    fn fields(&mut self, schema: &'s Map<String, Value>, fields: &Map<String, Value>, at: &Place) {
        let known = schema.get("properties").and_then(Value::as_object);
        let property = |name: &str| known.and_then(|known| known.get(name));
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !fields.contains_key(*name)) {
            let expected = property(name).and_then(Value::as_object).and_then(expected);
            let expected =
                expected.map_or_else(String::new, |expected| format!("; must be {expected}"));
            self.found.push(at.key(name).problem(&format!("is missing{expected}")));
        }
        for (name, value) in fields {
            match (property(name), schema.get("additionalProperties")) {
                (Some(property), _) => self.value(property, value, &at.key(name)),
                (None, Some(Value::Bool(false))) => {
                    self.found.push(at.key(name).problem(&unknown(name, known)));
                }
                (None, Some(other)) => self.value(other, value, &at.key(name)),
                (None, None) => {}
            }
        }
    }

    fn items(&mut self, schema: &'s Map<String, Value>, items: &[Value], at: &Place) {
        let first =
            schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(index).or_else(|| schema.get("items")) {
                self.value(schema, item, &at.item(index));
            }
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let is_again = |index: &usize| {
                items.iter().take(*index).any(|earlier| Some(earlier) == items.get(*index))
            };
            if let Some(index) = (0..items.len()).find(is_again) {
                self.found.push(at.item(index).problem("is there already; the items must differ"));
            }
        }
    }

    /// Adds what does not fit `allOf`, `anyOf`, `oneOf` and `not`.
    fn combined(&mut self, schema: &'s Map<String, Value>, value: &Value, at: &Place) {
        for part in schemas(schema, "allOf") {
            self.value(part, value, at);
        }
        for (keyword, is_exclusive) in [("anyOf", false), ("oneOf", true)] {
            let alternatives: Vec<_> = schemas(schema, keyword)
                .map(|alternative| self.violations_of(alternative, value, at))
                .collect();
            let fitting = alternatives.iter().filter(|found| found.is_empty()).count();
            if fitting > 1 && is_exclusive {
                let count = alternatives.len();
                let what = format!("fits {fitting} of {count} alternatives, and must fit one");
                self.found.push(at.problem(&what));
            }
            if fitting == 0
                && let Some(nearest) =
                    alternatives.into_iter().min_by_key(|found| distance(found, at))
            {
                self.found.extend(nearest);
            }
        }
        if let Some(unwanted) = schema.get("not")
            && self.violations_of(unwanted, value, at).is_empty()
        {
            self.found.push(at.problem("fits what the schema excludes with `not`"));
        }
    }

    /// Returns what in a value does not fit a part of the document.
    fn violations_of(&self, schema: &'s Value, value: &Value, at: &Place) -> Vec<String> {
        let mut check = Check { document: self.document, depth: self.depth, found: Vec::new() };
        check.value(schema, value, at);
        check.found
    }

    /// Returns whether a value is one of those that [`expected`] names.
    fn may_fit(&self, schema: &Map<String, Value>, value: &Value) -> bool {
        let types = types_of_object(schema);
        let is_choice = match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(choices)), _) => choices.contains(value),
            (_, Some(constant)) => constant == value,
            _ => true,
        };
        is_choice
            && match types.is_empty() {
                false => types.iter().any(|expected| has_type(value, expected)),
                true => self.may_fit_an_alternative(schema, value),
            }
    }

    /// Returns whether a value has the type of an alternative, if there are any.
    fn may_fit_an_alternative(&self, schema: &Map<String, Value>, value: &Value) -> bool {
        let mut alternatives = alternatives(schema).peekable();
        alternatives.peek().is_none()
            || alternatives.any(|one| one.as_object().is_none_or(|one| self.may_fit(one, value)))
    }
}

/// Orders alternatives by how much of a value fits them: one that has another type is the farthest.
fn distance(found: &[String], at: &Place) -> (bool, usize) {
    let of_itself = at.problem("must be ");
    (found.iter().any(|problem| problem.starts_with(&of_itself)), found.len())
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
        let mut all: Vec<String> =
            alternatives(schema).filter_map(|one| expected(one.as_object()?)).collect();
        all.dedup();
        return (!all.is_empty()).then(|| all.join(" or "));
    }
    Some(types.into_iter().map(in_words).collect::<Vec<_>>().join(" or "))
}

fn alternatives(schema: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let keyword = if schema.contains_key("anyOf") { "anyOf" } else { "oneOf" };
    schemas(schema, keyword)
}

fn schemas<'s>(schema: &'s Map<String, Value>, keyword: &str) -> impl Iterator<Item = &'s Value> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten()
}
