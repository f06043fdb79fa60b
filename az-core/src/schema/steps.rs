//! The end of a check: its time is limited whatever the schema and the value are.

use serde_json::Value;

/// The most steps of a check. A step looks at a value, a choice of a schema, or a name. Alternatives that refer to
/// themselves would multiply with each level of a value.
const MOST: usize = 200_000;
/// The most schemas within each other, by which a reference to itself ends.
const DEEPEST: usize = 128;

/// What is left of a check. A check that has ended early has found nothing: it does not say that a value fits,
/// nor that it does not.
#[derive(Debug)]
pub(super) struct Steps {
    left: usize,
    depth: usize,
    ended: Option<&'static str>,
}

impl Steps {
    pub(super) const fn new() -> Self {
        Self { left: MOST, depth: 0, ended: None }
    }

    /// Takes steps. Returns whether the check goes on.
    pub(super) fn take(&mut self, steps: usize) -> bool {
        match self.left.checked_sub(steps) {
            Some(left) => self.left = left,
            None => self.end("is too large for this schema to check"),
        }
        self.ended.is_none()
    }

    /// Enters a schema within the last one. Returns whether the check goes on.
    pub(super) fn enter(&mut self) -> bool {
        if self.depth >= DEEPEST {
            self.end("is nested too deeply for this schema to check");
            return false;
        }
        self.depth += 1;
        true
    }

    pub(super) const fn leave(&mut self) {
        self.depth -= 1;
    }

    fn end(&mut self, why: &'static str) {
        self.left = 0;
        self.ended.get_or_insert(why);
    }

    /// Returns why the check has ended early, to follow the place of the value.
    pub(super) const fn ended(&self) -> Option<&'static str> {
        self.ended
    }
}

/// Returns the steps to look at a value, without what is in it.
pub(super) const fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + (text.len() >> 10),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => 1,
    }
}

/// Returns the steps to look at all of a value.
pub(super) fn size(value: &Value) -> usize {
    let within = match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    };
    weight(value) + within
}
