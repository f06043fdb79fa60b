//! The definitions of tools, which are pinned by their digests.

use az_core::digest::sha256_hex;
use serde_json::{Value, json};

use crate::schema::WireTool;

/// Returns the digest of what a model and a person are told about a tool: its name, title, description,
/// schemas and annotations.
pub fn digest_of(tool: &WireTool) -> String {
    // The fields of an object are ordered by name, whatever the order of the server is.
    sha256_hex(told(tool).to_string())
}

fn told(tool: &WireTool) -> Value {
    json!({
        "name": tool.name,
        "title": tool.rest.get("title"),
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "outputSchema": tool.output_schema,
        "annotations": tool.annotations,
    })
}

/// A difference between the tools that were approved and those that a server has now.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A tool that was not there before.
    Added(WireTool),
    /// A tool that is not there any more.
    Removed(WireTool),
    /// A tool whose definition differs.
    Changed {
        /// The definition that was approved.
        before: Box<WireTool>,
        /// The definition now.
        after: Box<WireTool>,
    },
}

impl Change {
    /// Returns the name of the tool.
    pub fn tool(&self) -> &str {
        match self {
            Self::Added(tool) | Self::Removed(tool) => &tool.name,
            Self::Changed { after, .. } => &after.name,
        }
    }

    /// Returns which parts of the definition differ, each with its text before and after; for a tool that
    /// was added or removed, all of its parts.
    pub fn parts(&self) -> Vec<(String, Option<String>, Option<String>)> {
        let (before, after) = match self {
            Self::Added(tool) => (Value::Null, told(tool)),
            Self::Removed(tool) => (told(tool), Value::Null),
            Self::Changed { before, after } => (told(before), told(after)),
        };
        let names = ["title", "description", "inputSchema", "outputSchema", "annotations"];
        let parts = names.iter().filter_map(|name| {
            let of = |told: &Value| told.get(*name).filter(|part| !part.is_null()).map(in_words);
            let (before, after) = (of(&before), of(&after));
            (before != after).then(|| ((*name).to_owned(), before, after))
        });
        parts.collect()
    }
}

fn in_words(part: &Value) -> String {
    part.as_str().map_or_else(|| part.to_string(), str::to_owned)
}

/// Returns how the tools of a server differ from those that were approved, in the order of the server;
/// those that are gone come last.
pub fn changes(approved: &[WireTool], now: &[WireTool]) -> Vec<Change> {
    let find = |tools: &[WireTool], name: &str| tools.iter().find(|t| t.name == name).cloned();
    let new = now.iter().filter_map(|after| match find(approved, &after.name) {
        None => Some(Change::Added(after.clone())),
        Some(before) if digest_of(&before) == digest_of(after) => None,
        Some(before) => {
            let (before, after) = (Box::new(before), Box::new(after.clone()));
            Some(Change::Changed { before, after })
        }
    });
    let gone = approved.iter().filter(|before| find(now, &before.name).is_none());
    new.chain(gone.map(|before| Change::Removed(before.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Change, changes, digest_of};
    use crate::schema::WireTool;

    fn tool(name: &str, description: &str) -> WireTool {
        let schema = json!({"type": "object", "properties": {"b": {}, "a": {}}});
        serde_json::from_value(
            json!({"name": name, "description": description, "inputSchema": schema}),
        )
        .unwrap()
    }

    #[test]
    fn the_digest_changes_with_what_is_told_and_with_nothing_else() {
        let before = tool("a", "reads");
        let mut same = before.clone();
        same.meta.insert("at".to_owned(), json!(1));
        same.rest.insert("icons".to_owned(), json!([]));
        assert_eq!(digest_of(&same), digest_of(&before));
        let mut titled = before.clone();
        titled.rest.insert("title".to_owned(), json!("A"));
        let mut annotated = before.clone();
        annotated.annotations = Some(json!({"readOnlyHint": true}));
        let mut required = before.clone();
        required.input_schema["required"] = json!(["a"]);
        for other in [tool("b", "reads"), tool("a", "reads\u{200b}"), titled, annotated, required] {
            assert_ne!(digest_of(&other), digest_of(&before), "{other:?}");
        }
    }

    #[test]
    fn changes_name_what_was_added_removed_and_changed() {
        let approved = [tool("same", "x"), tool("gone", "x"), tool("other", "before")];
        let now = [tool("new", "x"), tool("other", "after"), tool("same", "x")];
        let changed = changes(&approved, &now);
        let names: Vec<_> = changed.iter().map(Change::tool).collect();
        assert_eq!(names, ["new", "other", "gone"]);
        let (before, after) = (Some("before".to_owned()), Some("after".to_owned()));
        assert_eq!(changed[1].parts(), [("description".to_owned(), before, after)]);
        assert_eq!(changes(&now, &now), []);
    }
}
