//! JSON whose objects have each key once.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads JSON text. Which of two values with the same key counts depends on who reads it, and only one of them would
/// be checked.
///
/// # Errors
///
/// Those of the text; one of the category `Data` for a key that an object has twice.
pub(crate) fn value_with_unique_keys(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).map(|UniqueKeys(value)| value)
}

struct UniqueKeys(Value);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(UniqueKeys(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if fields.contains_key(&key) {
                let key: String = key.chars().take(64).collect();
                return Err(A::Error::custom(format_args!("the key {key:?} is given twice")));
            }
            let UniqueKeys(value) = map.next_value()?;
            fields.insert(key, value);
        }
        Ok(fields.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_str};

    use super::value_with_unique_keys;

    #[test]
    fn a_value_is_read_as_it_is() {
        for text in [
            "null",
            "[true, -1, 18446744073709551615, 0.1, 1e300, \"a\\u00e4\", [], {}]",
            "{\"a\": {\"a\": 1}, \"b\": [{\"a\": 1}, {\"a\": 2}]}",
        ] {
            assert_eq!(value_with_unique_keys(text).unwrap(), from_str::<Value>(text).unwrap());
        }
        for text in ["", "[", "{} 1", "1e999", &"[".repeat(200)] {
            let error = value_with_unique_keys(text).unwrap_err();
            assert_eq!(error.to_string(), from_str::<Value>(text).unwrap_err().to_string());
            assert!(!error.is_data(), "{text}");
        }
    }

    #[test]
    fn a_key_that_an_object_has_twice_is_named() {
        for text in ["{\"n\": \"text\", \"n\": 1}", "[{\"a\": {\"n\": 1, \"\\u006e\": 1}}]"] {
            let error = value_with_unique_keys(text).unwrap_err();
            assert!(error.is_data(), "{error}");
            assert!(
                error.to_string().starts_with("the key \"n\" is given twice at line 1"),
                "{error}"
            );
        }
    }
}
