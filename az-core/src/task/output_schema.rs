//! The JSON Schema that the answer of a task has to fit.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::schema::{Place, check_document, value_with_unique_keys, violations};

/// The largest schema, in bytes. The model gets it with every request.
pub const LARGEST_OUTPUT_SCHEMA: usize = 64 << 10;
/// The character with which some editors begin a file. It is no part of the text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A JSON Schema that the answer of a task has to fit, as it was when the task was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutputSchema(Value);

impl OutputSchema {
    /// Reads a schema.
    ///
    /// # Errors
    ///
    /// `Invalid` for a text that is larger than [`LARGEST_OUTPUT_SCHEMA`], is no JSON Schema, has a key twice,
    /// or has a keyword that restricts values and is not checked.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |reason: String| Error::invalid("output schema", reason);
        if text.len() > LARGEST_OUTPUT_SCHEMA {
            let limit = LARGEST_OUTPUT_SCHEMA >> 10;
            return Err(invalid(format!("larger than {limit} KiB; shorten it")));
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let schema = value_with_unique_keys(text).map_err(|error| match error.is_data() {
            true => invalid(error.to_string()),
            false => invalid(format!("not a JSON Schema, because not JSON: {error}")),
        })?;
        check_document(&schema).map_err(|error| invalid(error.to_string()))?;
        Ok(Self(schema))
    }

    /// Returns the schema as JSON.
    pub const fn as_value(&self) -> &Value {
        &self.0
    }

    /// Returns the JSON text in an answer, without white space or a code fence around it.
    ///
    /// # Errors
    ///
    /// What does not fit the schema, each with its place: at most ten problems and the number of others. Text
    /// that is not JSON, or has a key twice in an object, does not fit.
    pub fn check<'a>(&self, answer: &'a str) -> Result<&'a str, Vec<String>> {
        let root = Place::root("answer");
        let text = unfenced(answer.trim());
        let value = value_with_unique_keys(text).map_err(|error| match error.is_data() {
            true => vec![root.problem(&error.to_string())],
            false => vec![root.problem(&format!("not JSON: {error}"))],
        })?;
        let problems = violations(&self.0, &value, &root);
        if problems.is_empty() { Ok(text) } else { Err(problems) }
    }
}

/// Returns the text in a code fence, if it is all of the answer.
fn unfenced(answer: &str) -> &str {
    let inside = answer.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let inside = inside.and_then(|inside| inside.split_once('\n'));
    match inside {
        Some((language, text)) if !language.contains('`') && !text.contains("```") => text.trim(),
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::OutputSchema;

    fn schema() -> OutputSchema {
        OutputSchema::parse(
            r#"{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}"#,
        )
        .unwrap()
    }

    #[test]
    fn an_answer_is_json_with_nothing_around_it_but_white_space_or_a_code_fence() {
        for answer in
            ["{\"n\": 1}", " \n{\"n\": 1}\n", "```json\n{\"n\": 1}\n```", "```\n{\"n\": 1}```"]
        {
            assert_eq!(schema().check(answer), Ok("{\"n\": 1}"), "{answer}");
        }
        for (answer, problem) in [
            ("", "answer: not JSON: EOF while parsing a value at line 1 column 0"),
            ("Here: {\"n\": 1}", "answer: not JSON: expected value at line 1 column 1"),
            ("{\"n\": 1} done", "answer: not JSON: trailing characters at line 1 column 10"),
            ("[]", "answer: must be an object, got an array"),
            ("{\"n\": \"1\"}", "answer.n: must be an integer, got \"1\""),
            ("{}", "answer.n: is missing; must be an integer"),
            (
                "{\"n\": \"text\", \"n\": 1}",
                "answer: the key \"n\" is given twice at line 1 column 17",
            ),
        ] {
            assert_eq!(schema().check(answer), Err(vec![problem.to_owned()]), "{answer}");
        }
    }

    #[test]
    fn at_most_ten_problems_are_named() {
        let schema = OutputSchema::parse(r#"{"items": {"type": "null"}}"#).unwrap();
        let problems = schema.check("[0,1,2,3,4,5,6,7,8,9,10,11]").unwrap_err();
        assert_eq!((problems.len(), problems.last().unwrap().as_str()), (11, "and 2 more"));
    }

    #[test]
    fn a_schema_may_begin_with_a_byte_order_mark() {
        let schema = OutputSchema::parse("\u{feff}{\"type\": \"null\"}").unwrap();
        assert_eq!(schema, OutputSchema::parse("{\"type\": \"null\"}").unwrap());
    }

    #[test]
    fn what_is_no_schema_is_refused_with_the_place() {
        let large = format!("{{\"title\": \"{}\"}}", "x".repeat(64 << 10));
        for (text, reason) in [
            (large.as_str(), "larger than 64 KiB; shorten it"),
            (
                "{",
                "not a JSON Schema, because not JSON: EOF while parsing an object at line 1 column 1",
            ),
            ("[]", "schema: must be a JSON object, got an array"),
            (
                r#"{"type": "null", "type": "string"}"#,
                "the key \"type\" is given twice at line 1 column 23",
            ),
            (
                r#"{"properties": {"a": {"pattern": "x"}}}"#,
                "schema.properties.a: has the keyword `pattern`, which is not checked; leave it out, and put \
              what it says into a `description`",
            ),
        ] {
            let error = OutputSchema::parse(text).unwrap_err().to_string();
            assert_eq!(error, format!("invalid output schema: {reason}"));
        }
    }
}
