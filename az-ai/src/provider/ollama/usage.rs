//! Decodes usage.

use az_core::cost::Usage;
use serde_json::Value;

use crate::provider::reported::ReportedUsage;

/// Decodes the usage in the last piece of a response; `None` when it contains no counts.
///
/// Source: the API's documentation, "Generate a chat completion".
pub fn usage(json: &Value) -> Option<Usage> {
    let count = |name: &str| json.get(name).and_then(Value::as_u64);
    // A prompt that is still cached may have no count.
    let (input, output) = (count("prompt_eval_count"), count("eval_count"));
    (input.is_some() || output.is_some())
        .then(|| Usage::tokens(input.unwrap_or(0), output.unwrap_or(0)))
}

/// Adds the usage of a reply, or of the last piece of one.
pub(super) fn note(json: &Value, reported: &mut ReportedUsage) {
    reported.note(usage(json), None);
    if json.get("done").and_then(Value::as_bool) == Some(true) {
        reported.end();
    }
}

#[cfg(test)]
mod tests {
    use az_core::cost::Usage;
    use serde_json::json;

    use super::usage;

    #[test]
    fn only_reported_counts_are_read() {
        let most = u64::MAX;
        let both = json!({"prompt_eval_count": 7, "eval_count": most, "eval_duration": 9});
        assert_eq!(usage(&both), Some(Usage::tokens(7, most)));
        assert_eq!(usage(&json!({"eval_count": 3})), Some(Usage::tokens(0, 3)));
        assert_eq!(usage(&json!({"eval_count": -3, "done": true})), None);
        assert_eq!(usage(&json!(null)), None);
    }
}
