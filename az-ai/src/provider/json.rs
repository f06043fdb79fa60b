//! JSON helpers of the wires.

use az_core::text::one_line;
use serde::Deserialize;
use serde_json::{Value, json};

/// The maximum of an unknown response that is quoted, in characters.
const QUOTED: usize = 200;

/// Converts 0.7 to 0.7, and not to the nearest single-precision number in double precision.
pub(super) fn decimal(number: f32) -> Value {
    let shortest = number.to_string().parse::<f64>().ok();
    shortest.map_or(Value::Null, |number| json!(number))
}

/// Returns a call's arguments as an object, which is empty if the model wrote none.
pub(super) fn object(arguments: &Value) -> Value {
    match arguments {
        Value::Object(_) => arguments.clone(),
        text => json!({"malformed": text}),
    }
}

/// Reads the ids in a list of models such as `{"data": [{"id": "…"}]}`.
pub(super) fn ids(body: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    let list: ModelList = serde_json::from_slice(body)?;
    Ok(list.data.into_iter().map(|model| model.id).collect())
}

#[derive(Deserialize)]
struct ModelList {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// Quotes an error of an unknown format.
pub(super) fn quote(body: &[u8]) -> String {
    match one_line(&String::from_utf8_lossy(body), QUOTED) {
        quoted if quoted.is_empty() => "the response has no message".to_owned(),
        quoted => quoted,
    }
}

/// Returns a message about a reply that is of no use, with the text of the reply, if there is one.
pub(super) fn with_received(message: &str, received: &str) -> String {
    match one_line(received, QUOTED) {
        quoted if quoted.is_empty() => message.to_owned(),
        quoted => format!("{message}; the reply began with: {quoted}"),
    }
}

/// Returns a count without a part of it that is counted elsewhere. A part that is larger than the
/// whole was not counted among it.
pub(super) const fn without(whole: u64, part: u64) -> u64 {
    if part > whole { whole } else { whole - part }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{decimal, object, quote};

    #[test]
    fn decimals_are_written_exactly() {
        assert_eq!(decimal(0.7).to_string(), "0.7");
        assert_eq!(decimal(1.0), json!(1.0));
        assert_eq!(decimal(f32::NAN), json!(null));
    }

    #[test]
    fn arguments_are_always_an_object() {
        assert_eq!(object(&json!({"x": 1})), json!({"x": 1}));
        assert_eq!(object(&json!("{\"x")), json!({"malformed": "{\"x"}));
    }

    #[test]
    fn an_unknown_error_is_quoted() {
        assert_eq!(quote(b"<html>\nbad gateway"), "<html>\u{2026}");
        assert_eq!(quote(b""), "the response has no message");
    }
}
