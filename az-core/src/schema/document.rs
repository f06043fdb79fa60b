//! Checks that a document is a schema, and that all of it is checked.

use std::collections::HashSet;

use serde_json::Value;

use super::check::referenced;
use super::place::Place;
use super::types::{TYPES, kind_of, shown};
use super::typos::meant;

/// Keywords that describe a value and restrict it in no way. `format` is one of them by the standard.
const NOTES: [&str; 15] = [
    "$schema",
    "$id",
    "$comment",
    "$anchor",
    "title",
    "description",
    "default",
    "example",
    "examples",
    "format",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
];

/// What the value of a keyword has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Schema,
    Schemas,
    NamedSchemas,
    Types,
    Names,
    Choices,
    Any,
    Number,
    Positive,
    Count,
    Flag,
    Reference,
}

/// The keywords that are checked.
const CHECKED: [(&str, Form); 27] = [
    ("type", Form::Types),
    ("enum", Form::Choices),
    ("const", Form::Any),
    ("properties", Form::NamedSchemas),
    ("$defs", Form::NamedSchemas),
    ("definitions", Form::NamedSchemas),
    ("required", Form::Names),
    ("additionalProperties", Form::Schema),
    ("minProperties", Form::Count),
    ("maxProperties", Form::Count),
    ("items", Form::Schema),
    ("prefixItems", Form::Schemas),
    ("minItems", Form::Count),
    ("maxItems", Form::Count),
    ("uniqueItems", Form::Flag),
    ("minLength", Form::Count),
    ("maxLength", Form::Count),
    ("minimum", Form::Number),
    ("maximum", Form::Number),
    ("exclusiveMinimum", Form::Number),
    ("exclusiveMaximum", Form::Number),
    ("multipleOf", Form::Positive),
    ("allOf", Form::Schemas),
    ("anyOf", Form::Schemas),
    ("oneOf", Form::Schemas),
    ("not", Form::Schema),
    ("$ref", Form::Reference),
];

/// Why a document is no schema that values can be checked against, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// Checks that a document is a schema, and that everything in it that restricts a value is checked by
/// [`violations`](super::violations).
///
/// # Errors
///
/// The first problem, with its place, which begins with `schema`.
pub fn check_document(document: &Value) -> Result<(), SchemaError> {
    let at = Place::root("schema");
    if !document.is_object() {
        let what = format!("must be a JSON object, got {}", kind_of(document));
        return Err(SchemaError(at.problem(&what)));
    }
    let mut check = DocumentCheck { document, references: HashSet::new(), pending: Vec::new() };
    check.schema(document, &at)?;
    // The target may be where no schema is expected, such as in `default`. One that is checked at its own place,
    // too, has no problem here either.
    while let Some(target) = check.pending.pop() {
        if let Some(schema) = referenced(document, target) {
            check.schema(schema, &place_of(document, target))?;
        }
    }
    Ok(())
}

struct DocumentCheck<'d> {
    document: &'d Value,
    /// The references so far, none of which refers to itself.
    references: HashSet<&'d str>,
    /// Those of them whose targets are to be checked. A recursive schema, or a long chain, is not followed at
    /// once.
    pending: Vec<&'d str>,
}

impl<'d> DocumentCheck<'d> {
    fn schema(&mut self, schema: &'d Value, at: &Place) -> Result<(), SchemaError> {
        match schema {
            Value::Bool(_) => Ok(()),
            Value::Object(keywords) => {
                keywords.iter().try_for_each(|(name, value)| self.keyword(name, value, at))
            }
            other => {
                let what = format!("must be a schema, which is an object, got {}", shown(other));
                Err(SchemaError(at.problem(&what)))
            }
        }
    }

    fn keyword(&mut self, name: &str, value: &'d Value, at: &Place) -> Result<(), SchemaError> {
        if NOTES.contains(&name) || name.starts_with("x-") {
            return Ok(());
        }
        let Some((_, form)) = CHECKED.iter().find(|(checked, _)| *checked == name) else {
            return Err(SchemaError(at.problem(&unchecked(name))));
        };
        let at = at.key(name);
        if !form.is_of(value) {
            let what = format!("must be {}, got {}", form.in_words(), got(value));
            return Err(SchemaError(at.problem(&what)));
        }
        match (form, value) {
            (Form::Schema, schema) => self.schema(schema, &at),
            (Form::Schemas, Value::Array(schemas)) => schemas
                .iter()
                .enumerate()
                .try_for_each(|(index, schema)| self.schema(schema, &at.item(index))),
            (Form::NamedSchemas, Value::Object(schemas)) => {
                schemas.iter().try_for_each(|(name, schema)| self.schema(schema, &at.key(name)))
            }
            (Form::Types, value) => check_types(value, &at),
            (Form::Reference, Value::String(reference)) => self.reference(reference, &at),
            _ => Ok(()),
        }
    }

    /// Checks that a reference names a part of the document, and not itself over other references.
    fn reference(&mut self, reference: &'d str, at: &Place) -> Result<(), SchemaError> {
        let mut chain = Vec::new();
        let mut next = Some(reference);
        while let Some(reference) = next.filter(|next| !self.references.contains(next)) {
            if chain.contains(&reference) {
                return Err(SchemaError(at.problem("refers to itself")));
            }
            chain.push(reference);
            let target = referenced(self.document, reference);
            let Some(target) = target.filter(|target| target.is_object() || target.is_boolean())
            else {
                let what = format!(
                    "{reference:?} names no schema of this file; references have the form \"#/$defs/NAME\""
                );
                return Err(SchemaError(at.problem(&what)));
            };
            next = target.get("$ref").and_then(Value::as_str);
        }
        self.references.extend(&chain);
        // The nearest is the next.
        self.pending.extend(chain.into_iter().rev());
        Ok(())
    }
}

/// Returns the place of what a reference names.
fn place_of(document: &Value, reference: &str) -> Place {
    let parts = reference.split('/').skip(1);
    let mut within = Some(document);
    parts.fold(Place::root("schema"), |at, part| {
        let name = part.replace("~1", "/").replace("~0", "~");
        let index = within.filter(|value| value.is_array()).and_then(|_| name.parse().ok());
        within = within.and_then(|value| match index {
            Some(index) => value.get::<usize>(index),
            None => value.get(&name),
        });
        index.map_or_else(|| at.key(&name), |index| at.item(index))
    })
}

/// Returns a value that is no part of a schema, for a message.
fn got(value: &Value) -> String {
    match value.as_array() {
        Some(items) if items.is_empty() => "an empty array".to_owned(),
        _ => shown(value),
    }
}

fn check_types(value: &Value, at: &Place) -> Result<(), SchemaError> {
    let names = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let is_type = |name: &&Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
    match names.iter().find(|name| !is_type(name)) {
        None => Ok(()),
        Some(other) => {
            let what = format!("{other} is none of the types {}", TYPES.join(", "));
            Err(SchemaError(at.problem(&what)))
        }
    }
}

/// Says that a keyword is not checked, and what to do.
fn unchecked(name: &str) -> String {
    if let Some(meant) = meant(name, CHECKED.iter().map(|(known, _)| *known)) {
        return format!("has the unknown keyword `{name}`; did you mean `{meant}`?");
    }
    format!(
        "has the keyword `{name}`, which is not checked; leave it out, and put what it says into a \
         `description`"
    )
}

impl Form {
    fn is_of(self, value: &Value) -> bool {
        let are_names = |names: &Vec<Value>| names.iter().all(Value::is_string);
        match self {
            Self::Schema => value.is_object() || value.is_boolean(),
            Self::Schemas => value.as_array().is_some_and(|schemas| !schemas.is_empty()),
            Self::NamedSchemas => value.is_object(),
            Self::Types => value.is_string() || value.as_array().is_some_and(are_names),
            Self::Names => value.as_array().is_some_and(are_names),
            Self::Choices => value.as_array().is_some_and(|choices| !choices.is_empty()),
            Self::Any => true,
            Self::Number => value.is_number(),
            Self::Positive => value.as_f64().is_some_and(|number| number > 0.0),
            Self::Count => value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Reference => value.is_string(),
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Schema => "a schema, which is an object",
            Self::Schemas => "an array of schemas",
            Self::NamedSchemas => "an object of schemas",
            Self::Types => "the name of a type, or an array of such",
            Self::Names => "an array of names",
            Self::Choices => "an array of values",
            Self::Any => "a value",
            Self::Number => "a number",
            Self::Positive => "a number above 0",
            Self::Count => "a whole number from 0",
            Self::Flag => "true or false",
            Self::Reference => "a string",
        }
    }
}
