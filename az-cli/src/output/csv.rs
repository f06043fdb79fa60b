//! Comma-separated values.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::CliError;

/// Returns views as comma-separated values with a header. An unknown value is an empty cell, a list
/// one cell with spaces between its items.
///
/// # Errors
///
/// An error for a view that is not a flat object.
pub fn csv<T: Serialize>(views: impl IntoIterator<Item = T>) -> Result<String, CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut has_header = false;
    for view in views {
        let Fields(fields) = fields(&view).map_err(|error| failed(error.into()))?;
        if !has_header {
            let names = fields.iter().map(|(name, _)| name);
            writer.write_record(names).map_err(|error| failed(error.into()))?;
            has_header = true;
        }
        let cells = fields.iter().map(|(_, value)| cell(value));
        writer.write_record(cells).map_err(|error| failed(error.into()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn failed(source: std::io::Error) -> CliError {
    CliError::Io { what: "writing CSV".to_owned(), source }
}

/// The fields of an object in the order in which they are written, which a `Value` does not keep.
struct Fields(Vec<(String, Value)>);

fn fields(view: &impl Serialize) -> serde_json::Result<Fields> {
    serde_json::from_str(&serde_json::to_string(view)?)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::csv;

    #[derive(Serialize)]
    struct Outer {
        z: Option<&'static str>,
        #[serde(flatten)]
        inner: Inner,
    }

    #[derive(Serialize)]
    struct Inner {
        b: [u8; 2],
        a: bool,
    }

    #[test]
    fn columns_are_the_fields_in_their_order() {
        let view = |z| Outer { z, inner: Inner { b: [50, 90], a: true } };
        let text = csv([view(Some("x,\"y\"")), view(None)]).unwrap();
        assert_eq!(text, "z,b,a\n\"x,\"\"y\"\"\",50 90,true\n,50 90,true\n");
        assert!(csv([1]).is_err(), "a number has no fields");
    }
}
