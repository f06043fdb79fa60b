//! Checks a call's arguments against the tool's schema, with messages that let a model correct them.

use std::mem;

use az_core::tool::{Invocation, ToolSpec};
use az_core::{Error, Result};
use serde_json::{Map, Value};

/// The largest edit distance at which a known argument name is suggested for an unknown one.
const MAX_TYPOS: usize = 2;

/// Returns the call with its arguments as an object that fits the schema's names and types.
///
/// Common mistakes of models are corrected. Silently: arguments sent as a string of JSON, and `null`
/// for an optional argument. With a note for the model: booleans and numbers that are sent as text.
///
/// # Errors
///
/// `Invalid` with every problem, so that a model can correct all of them at once.
pub(crate) fn check_arguments(spec: &ToolSpec, mut call: Invocation) -> Result<Invocation> {
    let arguments = mem::take(&mut call.arguments);
    let mut given = match read_object(&arguments).unwrap_or(arguments) {
        Value::Object(given) => given,
        other => {
            let problem = format!("the arguments must be a JSON object, not {}", kind_of(&other));
            return Err(invalid_arguments(&spec.name, &problem));
        }
    };
    let properties = spec.input_schema.get("properties").and_then(Value::as_object);
    let schema = Schema { spec, properties };
    for (name, value) in schema.coerced(&given) {
        call.corrections.push(format!(
            "the argument `{name}` was a text and was read as {value}; send it as {}",
            kind_of(&value)
        ));
        given.insert(name, value);
    }
    let problems = schema.problems(&given);
    if !problems.is_empty() {
        return Err(invalid_arguments(&spec.name, &problems.join("; ")));
    }
    let nulls: Vec<String> = schema.ignorable_nulls(&given).map(str::to_owned).collect();
    given.retain(|name, _| !nulls.contains(name));
    call.arguments = given.into();
    Ok(call)
}

/// Returns the error for arguments that do not fit a tool.
pub(crate) fn invalid_arguments(tool: &str, problem: &str) -> Error {
    Error::invalid("arguments", format!("{tool}: {problem}"))
}

/// Parses arguments that were sent as text; `null` and empty text mean no arguments.
fn read_object(arguments: &Value) -> Option<Value> {
    match arguments {
        Value::Null => Some(Map::new().into()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new().into()),
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The parts of a schema that describe the names and types of arguments.
struct Schema<'a> {
    spec: &'a ToolSpec,
    properties: Option<&'a Map<String, Value>>,
}

impl Schema<'_> {
    fn problems(&self, given: &Map<String, Value>) -> Vec<String> {
        let missing = self.required().filter(|name| !given.contains_key(*name)).map(|name| {
            let expected = self.types_of(name).join(" or ");
            let expected = if expected.is_empty() { "a value".to_owned() } else { expected };
            format!("argument `{name}` is missing; expected {expected}")
        });
        let wrong = given.iter().filter_map(|(name, value)| self.problem_with(name, value));
        missing.chain(wrong).collect()
    }

    /// Returns the arguments that are sent as text although their type is another one, where the text
    /// is the JSON of that type and nothing else: `"true"` for a boolean, `"5"` for a number.
    fn coerced(&self, given: &Map<String, Value>) -> Vec<(String, Value)> {
        let coerced = given.iter().filter_map(|(name, value)| {
            let types = self.types_of(name);
            let text = value.as_str().filter(|_| !types.contains(&"string"))?;
            let read: Value = serde_json::from_str(text.trim()).ok()?;
            let is_plain = read.is_boolean() || read.is_number();
            let fits = types.iter().any(|expected| has_type(&read, expected));
            (is_plain && fits).then(|| (name.clone(), read))
        });
        coerced.collect()
    }

    fn problem_with(&self, name: &str, value: &Value) -> Option<String> {
        if !self.properties.is_some_and(|properties| properties.contains_key(name)) {
            return self.is_closed().then(|| self.unknown(name));
        }
        let types = self.types_of(name);
        let fits = types.is_empty()
            || types.iter().any(|expected| has_type(value, expected))
            || (value.is_null() && !self.is_required(name));
        (!fits).then(|| {
            let expected = types.join(" or ");
            format!("argument `{name}` is {}; expected {expected}", kind_of(value))
        })
    }

    fn unknown(&self, name: &str) -> String {
        let names = self.properties.into_iter().flat_map(Map::keys);
        let distances = names.clone().map(|known| (strsim::levenshtein(name, known), known));
        match distances.min() {
            Some((typos, known)) if typos <= MAX_TYPOS && typos < known.chars().count() => {
                format!("unknown argument `{name}`; did you mean `{known}`?")
            }
            Some(_) => {
                let known: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                format!("unknown argument `{name}`; expected one of {}", known.join(", "))
            }
            None => format!("unknown argument `{name}`; the tool takes no arguments"),
        }
    }

    /// Returns the optional arguments that are `null` although their type does not include `null`.
    fn ignorable_nulls<'g>(&self, given: &'g Map<String, Value>) -> impl Iterator<Item = &'g str> {
        let nulls =
            given.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name.as_str());
        nulls.filter(|name| {
            let types = self.types_of(name);
            !types.is_empty() && !types.contains(&"null") && !self.is_required(name)
        })
    }

    fn is_closed(&self) -> bool {
        self.spec.input_schema.get("additionalProperties") == Some(&Value::Bool(false))
    }

    fn required(&self) -> impl Iterator<Item = &str> {
        let names = self.spec.input_schema.get("required").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }

    fn is_required(&self, name: &str) -> bool {
        self.required().any(|required| required == name)
    }

    fn types_of(&self, name: &str) -> Vec<&str> {
        let property = self.properties.and_then(|properties| properties.get(name));
        match property.and_then(|property| property.get("type")) {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

fn has_type(value: &Value, expected: &str) -> bool {
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

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
