//! What wires share in writing and reading JSON.

use az_core::text::one_line;
use serde::Deserialize;
use serde_json::{Value, json};

/// How much of an answer that is not understood is quoted, in characters.
const QUOTED: usize = 200;

/// Writes 0.7 as 0.7, and not as the nearest single-precision number in double precision.
pub(super) fn decimal(number: f32) -> Value {
    let shortest = number.to_string().parse::<f64>().ok();
    shortest.map_or(Value::Null, |number| json!(number))
}

/// Returns a call's arguments as the object that they have to be, also when the model wrote none.
pub(super) fn object(arguments: &Value) -> Value {
    match arguments {
        Value::Object(_) => arguments.clone(),
        text => json!({"malformed": text}),
    }
}

/// Reads the names in a list of models such as `{"data": [{"id": "…"}]}`.
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

/// Quotes an error that is in no form that we know.
pub(super) fn quote(body: &[u8]) -> String {
    match one_line(&String::from_utf8_lossy(body), QUOTED) {
        quoted if quoted.is_empty() => "it gave no reason".to_owned(),
        quoted => quoted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{decimal, object, quote};

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!(decimal(0.7).to_string(), "0.7");
        assert_eq!(decimal(1.0), json!(1.0));
        assert_eq!(decimal(f32::NAN), json!(null));
    }

    #[test]
    fn arguments_are_an_object_whatever_the_model_wrote() {
        assert_eq!(object(&json!({"x": 1})), json!({"x": 1}));
        assert_eq!(object(&json!("{\"x")), json!({"malformed": "{\"x"}));
    }

    #[test]
    fn an_error_says_something() {
        assert_eq!(quote(b"<html>\nbad gateway"), "<html>\u{2026}");
        assert_eq!(quote(b""), "it gave no reason");
    }
}
