//! JSON helpers of the wires.

use az_core::text::one_line;
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

/// Returns a description of a body that is a web page, as proxies, login pages and wrong addresses
/// return; `None` for any other body.
pub(super) fn web_page(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches(['\u{feff}', '\r', '\n', '\t', ' ']);
    let begin = text.get(..14).unwrap_or(text).to_ascii_lowercase();
    if !begin.starts_with("<html") && begin != "<!doctype html" {
        return None;
    }
    let title = ["<title>", "<h1>", "<body>"].iter().find_map(|tag| {
        let (_, rest) = text.split_once(tag)?;
        let title = one_line(rest.split('<').next()?.trim(), QUOTED);
        (!title.is_empty()).then_some(title)
    });
    Some(title.map_or_else(|| "a web page".to_owned(), |title| format!("a web page, `{title}`")))
}

/// Quotes an error of an unknown format.
pub(super) fn quote(body: &[u8]) -> String {
    if let Some(page) = web_page(body) {
        return format!("the response is {page}");
    }
    match one_line(&String::from_utf8_lossy(body), QUOTED) {
        quoted if quoted.is_empty() => "the response has no message".to_owned(),
        quoted => quoted,
    }
}

/// Returns the error of a response; `None` if it has none, or one without content (`null`, or an object
/// whose fields are `null` or empty), which some servers send with every successful reply.
pub(crate) fn error_of(response: &Value) -> Option<&Value> {
    response.get("error").filter(|error| !is_blank(error))
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(fields) => fields.values().all(is_blank),
        Value::Array(values) => values.iter().all(is_blank),
        Value::Bool(_) | Value::Number(_) => false,
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
        let page = b"\xef\xbb\xbf<!DOCTYPE html><head><title>502 Bad Gateway</title></head>";
        assert_eq!(quote(page), "the response is a web page, `502 Bad Gateway`");
        assert_eq!(quote(b"<html><body>bad gateway"), "the response is a web page, `bad gateway`");
        assert_eq!(quote(b"<html>\n"), "the response is a web page");
        assert_eq!(quote("<h\u{fc}ml>".as_bytes()), "<h\u{fc}ml>");
        assert_eq!(quote(b""), "the response has no message");
    }
}
