//! Texts of servers as models are shown them.

use az_core::text::is_hidden;
use serde_json::Value;

/// The keys of a schema whose values are texts for the model.
const TEXTS: [&str; 3] = ["description", "title", "$comment"];

/// Returns a text without what a person would not see: control characters and escape sequences of
/// terminals, invisible characters, and those that change the direction of text.
pub fn without_hidden(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let (mut before, mut chars) = ('\0', text.chars().peekable());
    while let Some(c) = chars.next() {
        if c == '\u{1b}' || c == '\u{9b}' {
            if c == '\u{9b}' || chars.next_if_eq(&'[').is_some() {
                // A control sequence ends with its first character from @ to ~.
                while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
                chars.next_if(|c| ('@'..='~').contains(c));
            }
            continue;
        }
        let is_space = c == '\n' || c == '\t';
        if is_space || !(c.is_control() || is_hidden(c, before)) {
            shown.push(c);
        }
        before = c;
    }
    shown
}

/// Returns a description as models are shown it, in at most so many bytes; with a mark if it was cut.
pub(super) fn description(text: &str, limit: usize) -> String {
    let text = without_hidden(text);
    let text = text.trim();
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let kept = text.get(..end).unwrap_or_default().trim_end();
    format!("{kept} [… {} bytes left out …]", text.len() - kept.len())
}

/// Returns a schema as models are shown it: with the texts in it as [`description`] returns them, and with
/// the type of an object.
pub(super) fn schema(schema: &Value, limit: usize) -> Value {
    let mut shown = schema.clone();
    clean(&mut shown, limit);
    if let Value::Object(fields) = &mut shown {
        fields.entry("type").or_insert_with(|| "object".into());
        fields.remove("$schema");
    }
    shown
}

fn clean(value: &mut Value, limit: usize) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if TEXTS.contains(&name.as_str()) => {
                        *text = description(text, limit);
                    }
                    value => clean(value, limit),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, limit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{description, schema, without_hidden};

    #[test]
    fn what_a_person_does_not_see_is_left_out() {
        for (text, shown) in [
            ("plain\n\ttext", "plain\n\ttext"),
            ("a\u{1b}[31;1mred\u{1b}[0m", "ared"),
            ("a\u{9b}2Kb\u{7}c\r", "abc"),
            ("x\u{202e}y\u{2066}z", "xyz"),
            ("a\u{200b}b\u{feff}c", "abc"),
            ("ok\u{e0049}\u{e0067}\u{e006e}", "ok"),
            ("schön 👩‍🔬", "schön 👩‍🔬"),
        ] {
            assert_eq!(without_hidden(text), shown, "{text:?}");
        }
    }

    #[test]
    fn long_descriptions_are_cut_and_say_so() {
        assert_eq!(description("  short ", 10), "short");
        assert_eq!(description("ünïcödé", 4), "ün [… 8 bytes left out …]");
    }

    #[test]
    fn the_texts_in_a_schema_are_cleaned_and_its_names_are_not() {
        let given = json!({"$schema": "x", "properties": {
            "a\u{200b}": {"description": "b\u{200b}", "enum": ["c\u{200b}"]}
        }});
        let shown = json!({"type": "object", "properties": {
            "a\u{200b}": {"description": "b", "enum": ["c\u{200b}"]}
        }});
        assert_eq!(schema(&given, 100), shown);
    }
}
