//! What a person should look at before a tool is used.

use unicode_normalization::UnicodeNormalization;

use super::shown::without_hidden;
use crate::schema::WireTool;

/// Letters of other scripts that look like a Latin one.
const LOOK_ALIKES: [(char, char); 30] = [
    ('а', 'a'),
    ('ɑ', 'a'),
    ('α', 'a'),
    ('Ь', 'b'),
    ('с', 'c'),
    ('ϲ', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('ε', 'e'),
    ('ɡ', 'g'),
    ('һ', 'h'),
    ('і', 'i'),
    ('ι', 'i'),
    ('ı', 'i'),
    ('ј', 'j'),
    ('κ', 'k'),
    ('ӏ', 'l'),
    ('м', 'm'),
    ('п', 'n'),
    ('о', 'o'),
    ('ο', 'o'),
    ('р', 'p'),
    ('ρ', 'p'),
    ('ԛ', 'q'),
    ('ѕ', 's'),
    ('т', 't'),
    ('υ', 'u'),
    ('ν', 'v'),
    ('х', 'x'),
    ('у', 'y'),
];

/// Returns what is suspicious about a tool, in words. `others` are tools that it could be mistaken for:
/// those of this program and of other servers, each with the name of what it is of.
pub fn suspicions(tool: &WireTool, others: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let name = skeleton(&tool.name);
    let mut alike = others.iter().filter(|(_, other)| skeleton(other) == name);
    if let Some((of, other)) = alike.next() {
        found.push(match *other == tool.name {
            true => format!("its name is that of a tool of {of}"),
            false => format!("its name looks like {other:?}, a tool of {of}"),
        });
    }
    if !tool.name.is_ascii() {
        found.push("its name has characters that are not ASCII".to_owned());
    }
    let title = tool.rest.get("title").and_then(|title| title.as_str()).unwrap_or_default();
    let texts = [tool.name.as_str(), title, tool.description.as_str()].map(str::to_owned);
    let schema = tool.input_schema.to_string();
    if texts.iter().chain([&schema]).any(|text| without_hidden(text) != *text) {
        found.push("its definition has characters that are not visible".to_owned());
    }
    if has_remote_reference(&tool.input_schema) {
        found.push("its schema refers to another document, which is not read".to_owned());
    }
    found
}

/// Returns a name as it looks: in lower case, without accents and separators, and with look-alikes as the
/// Latin letters that they look like.
fn skeleton(name: &str) -> String {
    let shown = without_hidden(name);
    let plain = shown.nfkd().flat_map(char::to_lowercase).map(|c| {
        let look_alike = LOOK_ALIKES.iter().find(|(other, _)| *other == c);
        look_alike.map_or(c, |(_, latin)| *latin)
    });
    plain.filter(|c| c.is_alphanumeric()).collect()
}

fn has_remote_reference(schema: &serde_json::Value) -> bool {
    use serde_json::Value;
    match schema {
        Value::Object(fields) => fields.iter().any(|(name, value)| match value {
            Value::String(target) if name == "$ref" => !target.starts_with('#'),
            value => has_remote_reference(value),
        }),
        Value::Array(items) => items.iter().any(has_remote_reference),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::suspicions;
    use crate::schema::WireTool;

    #[track_caller]
    fn check(name: &str, description: &str, expected: &[&str]) {
        let tool: WireTool = serde_json::from_value(json!({
            "name": name, "description": description, "inputSchema": {"type": "object"}
        }))
        .unwrap();
        let others = [("az", "filesystem.read"), ("github", "create_issue")];
        assert_eq!(suspicions(&tool, &others), expected, "{name:?}");
    }

    #[test]
    fn names_of_others_look_alikes_and_hidden_text_are_found() {
        check("get_time", "Returns the time", &[]);
        check("create_issue", "x", &["its name is that of a tool of github"]);
        check("filesystem_read", "x", &["its name looks like \"filesystem.read\", a tool of az"]);
        check(
            "filesystem.reаd",
            "x",
            &[
                "its name looks like \"filesystem.read\", a tool of az",
                "its name has characters that are not ASCII",
            ],
        );
        let hidden = "its definition has characters that are not visible";
        check("a", "Adds\u{e0041}", &[hidden]);
        check("a", "Adds\u{1b}[8m numbers", &[hidden]);
    }
}
