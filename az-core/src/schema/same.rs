//! Equality of values.

use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::decimal::Decimal;

/// A value that is equal to another as JSON Schema compares them: `1` and `1.0` are the same number, also within
/// arrays and objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Same<'v>(pub(super) &'v Value);

impl PartialEq for Same<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Value::Number(one), Value::Number(other)) => {
                one == other
                    || one.is_f64() != other.is_f64() && Decimal::of(one) == Decimal::of(other)
            }
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| Same(one) == Same(other))
            }
            (Value::Object(one), Value::Object(other)) => {
                let has =
                    |(key, value)| other.get(key).is_some_and(|other| Same(value) == Same(other));
                one.len() == other.len() && one.iter().all(has)
            }
            (one, other) => one == other,
        }
    }
}

impl Eq for Same<'_> {}

impl Hash for Same<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            Value::Null => 0_u8.hash(state),
            Value::Bool(is_true) => is_true.hash(state),
            Value::Number(number) => Decimal::of(number).hash(state),
            Value::String(text) => text.hash(state),
            Value::Array(items) => {
                items.len().hash(state);
                items.iter().for_each(|item| Same(item).hash(state));
            }
            Value::Object(fields) => {
                // Equal objects may keep their fields in another order.
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| *name);
                for (name, value) in fields {
                    name.hash(state);
                    Same(value).hash(state);
                }
            }
        }
    }
}
