//! The items of a reply.

use serde_json::Value;

/// A message.
pub(super) const MESSAGE: &str = "message";
/// Reasoning.
pub(super) const REASONING: &str = "reasoning";
/// A call of one of our tools.
pub(super) const CALL: &str = "function_call";
/// The separator between two pieces of reasoning.
pub(super) const BETWEEN: &str = "\n\n";

/// Returns the type of an item.
pub(super) fn sort(item: &Value) -> &str {
    item.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Returns the text, the reasoning or the arguments of a finished item.
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

/// Returns the text of a part, or of a refusal, which takes the place of the text.
fn part_text(part: &Value) -> Option<&str> {
    part.get("text").or_else(|| part.get("refusal")).and_then(Value::as_str)
}
