//! Checks a call's arguments against the tool's schema, with messages that let a model correct them.

use std::mem;

use az_core::schema::{Place, has_type, kind_of, types_of, violations};
use az_core::tool::{Invocation, ToolSpec};
use az_core::{Error, Result};
use serde_json::{Map, Value};

/// Returns the call with its arguments as an object that fits the tool's schema.
///
/// Common mistakes of models are corrected. Silently: arguments sent as a string of JSON, `null`
/// for an optional argument, and a whole number with a decimal point. With a note for the model:
/// booleans and numbers that are sent as text.
///
/// # Errors
///
/// `Invalid` with the first ten problems and where they are, so that a model can correct them at once.
pub(crate) fn check_arguments(spec: &ToolSpec, mut call: Invocation) -> Result<Invocation> {
    let arguments = mem::take(&mut call.arguments);
    let mut given = match read_object(&arguments).unwrap_or(arguments) {
        Value::Object(given) => given,
        other => return Err(invalid_arguments(&spec.name, &no_object(&other))),
    };
    let properties = spec.input_schema.get("properties").and_then(Value::as_object);
    let arguments = Arguments { spec, properties };
    for (name, value) in arguments.coerced(&given) {
        if given.get(&name).is_some_and(Value::is_string) {
            call.corrections.push(format!(
                "the argument `{name}` was a text and was read as {value}; send it as {}",
                kind_of(&value)
            ));
        }
        given.insert(name, value);
    }
    let nulls: Vec<String> = arguments.ignorable_nulls(&given).map(str::to_owned).collect();
    given.retain(|name, _| !nulls.contains(name));
    let given = Value::Object(given);
    let problems = violations(&spec.input_schema, &given, &arguments_root());
    if !problems.is_empty() {
        return Err(invalid_arguments(&spec.name, &problems.join("; ")));
    }
    call.arguments = given;
    Ok(call)
}

/// Returns the place of all arguments of a call, for messages.
pub(crate) fn arguments_root() -> Place {
    Place::root("arguments")
}

/// Returns the error for arguments that do not fit a tool.
pub(crate) fn invalid_arguments(tool: &str, problem: &str) -> Error {
    Error::invalid("arguments", format!("{tool}: {problem}"))
}

/// Returns the error for one argument of a tool that is invalid for a reason that its schema does not
/// express. The reason reads on after the name of the argument, such as `must be greater than 0`.
pub fn invalid_argument(tool: &str, name: &str, reason: &str) -> Error {
    invalid_arguments(tool, &arguments_root().key(name).problem(reason))
}

/// Says what is wrong with arguments that are no object, and cannot be read as one.
fn no_object(arguments: &Value) -> String {
    let read = match arguments {
        Value::String(text) => serde_json::from_str::<Value>(text),
        other => Ok(other.clone()),
    };
    match read {
        Ok(read) => format!("arguments: must be an object, got {}", kind_of(&read)),
        Err(error) => format!("arguments: not valid JSON: {error}; send one JSON object"),
    }
}

/// Parses arguments that were sent as text, or as a text of JSON in JSON; `null` and empty text mean no
/// arguments.
fn read_object(arguments: &Value) -> Option<Value> {
    match arguments {
        Value::Null => Some(Map::new().into()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new().into()),
        Value::String(text) => match serde_json::from_str(text).ok()? {
            Value::String(inner) => serde_json::from_str(&inner).ok().filter(Value::is_object),
            read => Some(read).filter(Value::is_object),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The arguments that a tool has.
struct Arguments<'a> {
    spec: &'a ToolSpec,
    properties: Option<&'a Map<String, Value>>,
}

impl Arguments<'_> {
    /// Returns the arguments whose value is another one of their type: text that is the JSON of that
    /// type and nothing else (`"true"` for a boolean, `"5"` for a number), and `5.0` for an integer.
    fn coerced(&self, given: &Map<String, Value>) -> Vec<(String, Value)> {
        let coerced = given.iter().filter_map(|(name, value)| {
            let types = self.types_of(name);
            let read = match value {
                Value::String(text) if !types.contains(&"string") => {
                    let read: Value = serde_json::from_str(text.trim()).ok()?;
                    let is_plain = read.is_boolean() || read.is_number();
                    let fits = types.iter().any(|expected| has_type(&read, expected));
                    (is_plain && fits).then_some(read)?
                }
                value => value.clone(),
            };
            let read = match whole(&read) {
                Some(whole) if types.contains(&"integer") => whole,
                _ => read,
            };
            (read != *value).then(|| (name.clone(), read))
        });
        coerced.collect()
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

    fn is_required(&self, name: &str) -> bool {
        let names = self.spec.input_schema.get("required").and_then(Value::as_array);
        names.into_iter().flatten().any(|required| required == name)
    }

    fn types_of(&self, name: &str) -> Vec<&str> {
        let property = self.properties.and_then(|properties| properties.get(name));
        property.map(types_of).unwrap_or_default()
    }
}

/// Returns a number that has a decimal point and no fraction as an integer.
#[expect(clippy::cast_possible_truncation, reason = "the bounds of exact integers are checked")]
fn whole(value: &Value) -> Option<Value> {
    let number = value.as_f64().filter(|_| value.is_f64())?;
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    exact.then(|| (number as i64).into())
}

#[cfg(test)]
mod tests;
