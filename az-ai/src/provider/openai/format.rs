//! Structured output.

use serde_json::Value;

use crate::chat::ReplyFormat;

/// Returns the instruction for servers without schemas. It contains the word JSON, as servers with
/// a JSON mode require.
pub(in crate::provider) fn in_words(format: &ReplyFormat) -> String {
    format!(
        "Answer with one JSON object and nothing else. It has to match this JSON Schema:\n{}",
        format.schema
    )
}

/// Whether OpenAI can enforce a schema strictly: every object in it lists all its fields as
/// required, and allows no others. See
/// <https://platform.openai.com/docs/guides/structured-outputs>.
pub(super) fn is_strict(schema: &Value) -> bool {
    const NOT_STRICT: &[&str] = &[
        "allOf",
        "oneOf",
        "not",
        "if",
        "dependentRequired",
        "dependentSchemas",
        "patternProperties",
    ];
    match schema {
        Value::Object(fields) => {
            if NOT_STRICT.iter().any(|word| fields.contains_key(*word)) {
                return false;
            }
            let properties = fields.get("properties").and_then(Value::as_object);
            let is_object = fields.get("type").is_some_and(|sort| *sort == "object");
            if is_object || properties.is_some() {
                let required = fields.get("required").and_then(Value::as_array);
                let wanted = |name: &String| {
                    required.is_some_and(|all| all.iter().any(|one| *one == **name))
                };
                let closed = fields.get("additionalProperties") == Some(&Value::Bool(false));
                if !closed || !properties.is_some_and(|all| all.keys().all(wanted)) {
                    return false;
                }
            }
            fields.values().all(is_strict)
        }
        Value::Array(all) => all.iter().all(is_strict),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_strict;

    #[test]
    fn only_closed_schemas_are_strict() {
        let text = json!({"type": "string"});
        let closed = json!({
            "type": "object", "properties": {"a": text}, "required": ["a"],
            "additionalProperties": false,
        });
        assert!(is_strict(&closed));
        let with = |key: &str, value| {
            let mut schema = closed.clone();
            schema[key] = value;
            schema
        };
        assert!(is_strict(&with("properties", json!({"a": closed.clone()}))));
        for open in [
            json!({"type": "object"}),
            with("required", json!([])),
            with("additionalProperties", json!(true)),
            with("properties", json!({"a": {"type": "object"}})),
            with("oneOf", json!([text])),
        ] {
            assert!(!is_strict(&open), "{open}");
        }
    }
}
