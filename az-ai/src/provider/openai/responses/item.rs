//! Items: what a reply is made of.

use serde_json::Value;

/// Something said.
pub(super) const MESSAGE: &str = "message";
/// Something thought.
pub(super) const REASONING: &str = "reasoning";
/// A call of one of our tools.
pub(super) const CALL: &str = "function_call";
/// What stands between two thoughts.
pub(super) const BETWEEN: &str = "\n\n";

/// Returns what sort of item it is.
pub(super) fn sort(item: &Value) -> &str {
    item.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Returns all that a finished item says, thinks or calls a tool with.
pub(super) fn text(item: &Value) -> String {
    let texts = |list: &str| -> Vec<&str> {
        let parts = item.get(list).and_then(Value::as_array).into_iter().flatten();
        parts.filter_map(part_text).collect()
    };
    match sort(item) {
        MESSAGE => texts("content").concat(),
        REASONING => [texts("summary"), texts("content")].concat().join(BETWEEN),
        CALL => match item.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            Some(object @ Value::Object(_)) => object.to_string(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// Returns the text of a part, or of a refusal, which is what the model says instead.
fn part_text(part: &Value) -> Option<&str> {
    part.get("text").or_else(|| part.get("refusal")).and_then(Value::as_str)
}
