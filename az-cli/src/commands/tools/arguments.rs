//! The arguments of a call as they are typed: one JSON object, or `name=value` pairs.

use std::io::Read;

use az_core::tool::ToolSpec;
use serde_json::{Map, Value};

use crate::error::CliError;

/// The largest input that is read, in bytes.
const MAX_INPUT: u64 = 16 << 20;

/// Returns the arguments of a call. `-` reads a JSON object from standard input.
///
/// # Errors
///
/// A usage error that says where the JSON is invalid, or which value does not have the type of its
/// argument.
pub(super) fn read(spec: &ToolSpec, words: &[String]) -> Result<Value, CliError> {
    match words {
        [] => Ok(Map::new().into()),
        [word] if word == "-" => parse(&read_input()?, "standard input", spec),
        [word] if word.trim_start().starts_with(['{', '[', '"']) => {
            parse(word, "the arguments", spec)
        }
        words => pairs(spec, words),
    }
}

fn read_input() -> Result<String, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
    read.map(|_| text)
        .map_err(|source| CliError::Io { what: "reading standard input".to_owned(), source })
}

fn parse(text: &str, from: &str, spec: &ToolSpec) -> Result<Value, CliError> {
    serde_json::from_str(text).map_err(|error| {
        let problem = error.to_string();
        let problem = problem.split(" at line ").next().unwrap_or(&problem);
        CliError::Usage(format!(
            "{from}: invalid JSON at {}:{}: {problem}; write them like \
             '{{\"name\": \"value\"}}' in single quotes, or as name=value; \
             `az tools info {}` shows an example",
            error.line(),
            error.column(),
            spec.name
        ))
    })
}

fn pairs(spec: &ToolSpec, words: &[String]) -> Result<Value, CliError> {
    let mut arguments = Map::new();
    for word in words {
        let (name, text) = word.split_once('=').ok_or_else(|| {
            CliError::Usage(format!(
                "{word:?} is neither name=value nor a JSON object; \
                 `az tools info {}` shows an example",
                spec.name
            ))
        })?;
        let value = value(spec, name, text)?;
        if arguments.insert(name.to_owned(), value).is_some() {
            return Err(CliError::Usage(format!("the argument `{name}` is given twice")));
        }
    }
    Ok(arguments.into())
}

/// Returns a value of the type that the argument has.
fn value(spec: &ToolSpec, name: &str, text: &str) -> Result<Value, CliError> {
    let property = spec.input_schema.get("properties").and_then(|known| known.get(name));
    let kind = property.and_then(|property| property.get("type")).and_then(Value::as_str);
    let Some(kind) = kind.filter(|kind| *kind != "string") else {
        return Ok(text.into());
    };
    serde_json::from_str(text).map_err(|_| {
        let example = match kind {
            "boolean" => "true or false",
            "integer" | "number" => "a number",
            "array" => "a JSON array, such as '[\"a\"]'",
            _ => "a JSON object, such as '{\"NAME\": \"value\"}'",
        };
        CliError::Usage(format!("{name}={text}: must be {example}"))
    })
}

#[cfg(test)]
mod tests {
    use az_core::tool::ToolSpec;
    use serde_json::{Value, json};

    use super::read;

    fn spec() -> ToolSpec {
        let schema = json!({"type": "object", "properties": {
            "text": {"type": "string"}, "count": {"type": "integer"}, "deep": {"type": "boolean"},
            "env": {"type": "object"},
        }});
        ToolSpec::new("t", "", schema)
    }

    fn of(words: &[&str]) -> Result<Value, String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        read(&spec(), &words).map_err(|error| error.to_string())
    }

    #[test]
    fn pairs_have_the_types_of_the_arguments() {
        let words = ["text=5", "count=5", "deep=true", "env={\"A\": \"=\"}", "more=x=y"];
        let expected =
            json!({"text": "5", "count": 5, "deep": true, "env": {"A": "="}, "more": "x=y"});
        assert_eq!(of(&words), Ok(expected));
        assert_eq!(of(&[]), Ok(json!({})));
        assert_eq!(of(&["{\"text\": \"a=b\"}"]), Ok(json!({"text": "a=b"})));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_place() {
        for (words, expected) in [
            (&["count=five"][..], "count=five: must be a number"),
            (&["deep=yes"], "deep=yes: must be true or false"),
            (&["env=A"], "env=A: must be a JSON object, such as '{\"NAME\": \"value\"}'"),
            (&["text=a", "text=b"], "the argument `text` is given twice"),
            (
                &["README.md"],
                "\"README.md\" is neither name=value nor a JSON object; \
                 `az tools info t` shows an example",
            ),
            (
                &["{\"text\":\n  'a'}"],
                "the arguments: invalid JSON at 2:3: expected value; write them like \
                 '{\"name\": \"value\"}' in single quotes, or as name=value; \
                 `az tools info t` shows an example",
            ),
        ] {
            assert_eq!(of(words), Err(expected.to_owned()), "{words:?}");
        }
    }
}
