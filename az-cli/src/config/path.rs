//! Full names of keys: `llm.model`, `llm.providers[0].model`, `llm.providers.fast.model`.

use std::fmt;

use az_ai::resolver::near;

use super::key::Key;
use super::keys::{ALIASES, KEYS};
use super::kind::Kind;

/// A step from a table to a value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The key of a table.
    Key(&'static str),
    /// An item of a list, from 0.
    Item(usize),
    /// The table of a list that has this `name`.
    Named(String),
    /// The table under this name, which is the user's own.
    Entry(String),
}

/// The full name of a key that exists, in a file or not.
#[derive(Debug, Clone)]
pub struct KeyPath {
    /// The steps from the root.
    pub steps: Vec<Step>,
    /// The key; for an item of a list, the key of the list.
    pub key: &'static Key,
    /// Whether the last step is an item of a list.
    pub is_item: bool,
}

/// Formats the path as it can be typed.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            match step {
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Key(name) if i == 0 => f.write_str(name)?,
                Step::Key(name) => write!(f, ".{name}")?,
                Step::Named(name) | Step::Entry(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

impl KeyPath {
    /// Parses a full name, or an alias of one; the case of names of keys does not count.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with the key that was probably meant.
    pub fn parse(typed: &str) -> Result<Self, String> {
        let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(typed));
        let full = alias.map_or(typed, |(_, key)| key);
        walk(full).ok_or_else(|| unknown(typed))
    }
}

/// Finds the key of a full name, which may contain numbers and names of items.
pub(super) fn find_key(full: &str) -> Option<&'static Key> {
    walk(full).map(|path| path.key)
}

/// Returns all keys by their full names, in the order of the table; tables come before what is in them.
/// The keys of a list of tables are named `llm.providers[].name`, and those of tables with names of their
/// own `mcp.servers.*.url`.
pub fn all_keys() -> Vec<(String, &'static Key)> {
    let mut all = Vec::new();
    visit_keys("", KEYS, &mut |prefix, key| all.push((format!("{prefix}{}", key.name), key)));
    all
}

/// Calls `visit` for each key, with the full name of the table that it is in and a point, if any.
pub(super) fn visit_keys(
    prefix: &str,
    keys: &'static [Key],
    visit: &mut impl FnMut(&str, &'static Key),
) {
    for key in keys {
        visit(prefix, key);
        if !key.below().is_empty() {
            let item = match key.kind {
                Kind::Tables(_) => "[]",
                Kind::NamedTables(_) => ".*",
                _ => "",
            };
            visit_keys(&format!("{prefix}{}{item}.", key.name), key.below(), visit);
        }
    }
}

/// Whether a full name is that of a key of several tables, as [`all_keys`] returns it.
pub(super) fn is_of_several(full: &str) -> bool {
    full.contains("[]") || full.contains(".*")
}

/// Whether a name can be one of the user's own for a table.
pub(crate) fn is_entry_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    !name.is_empty() && name.len() <= 32 && name.chars().all(legal)
}

fn walk(full: &str) -> Option<KeyPath> {
    let mut steps = Vec::new();
    let (mut keys, mut found): (_, Option<&'static Key>) = (KEYS, None);
    let mut is_item = false;
    for word in full.split('.') {
        let (name, indices) = word.split_once('[').map_or((word, ""), |(name, rest)| (name, rest));
        let key = match found {
            // The item of a list is named by its field `name`.
            Some(list) if matches!(list.kind, Kind::Tables(_)) && !is_item => {
                steps.push(Step::Named((!name.is_empty()).then(|| name.to_owned())?));
                is_item = true;
                if !indices.is_empty() {
                    return None;
                }
                continue;
            }
            Some(tables) if matches!(tables.kind, Kind::NamedTables(_)) && !is_item => {
                steps.push(Step::Entry(is_entry_name(word).then(|| word.to_owned())?));
                is_item = true;
                continue;
            }
            _ => Key::find(keys, name)?,
        };
        steps.push(Step::Key(key.name));
        is_item = false;
        if !indices.is_empty() {
            let is_list = matches!(
                key.kind,
                Kind::Tables(_)
                    | Kind::Variables
                    | Kind::Features
                    | Kind::Hosts
                    | Kind::Models
                    | Kind::Paths
                    | Kind::Words
                    | Kind::Names
                    | Kind::Headers
            );
            let index = indices.strip_suffix(']')?.parse().ok().filter(|_| is_list)?;
            steps.push(Step::Item(index));
            is_item = true;
        }
        (keys, found) = (key.below(), Some(key));
    }
    Some(KeyPath { steps, key: found?, is_item })
}

fn unknown(typed: &str) -> String {
    let all = all_keys();
    // A key of a list cannot be typed without the item that it is of.
    let known = all.iter().map(|(full, _)| full.as_str()).filter(|full| !is_of_several(full));
    let known: Vec<_> = known.collect();
    let likely = near(typed, known.iter().copied());
    let last = |full: &str| full.rsplit('.').next().unwrap_or_default().to_owned();
    let likely = likely.into_iter().next().or_else(|| {
        let same = known.iter().find(|full| last(full) == typed.to_ascii_lowercase());
        same.map(|full| (*full).to_owned())
    });
    let likely = likely.map_or_else(String::new, |key| format!("; did you mean `{key}`?"));
    format!("unknown key {typed:?}{likely}")
}

#[cfg(test)]
mod tests {
    use super::KeyPath;

    #[test]
    fn full_names_are_read_and_written() {
        for (typed, expected) in [
            ("llm.model", "llm.model"),
            ("LLM.Model", "llm.model"),
            ("llm.provider", "llm.default_provider"),
            ("llm", "llm"),
            ("llm.providers[1].model", "llm.providers[1].model"),
            ("llm.providers.fast.model", "llm.providers.fast.model"),
            ("llm.providers.fast", "llm.providers.fast"),
            ("llm.routing_rules[0].reason", "llm.routing_rules[0].reason"),
            ("shell.env[2]", "shell.env[2]"),
            ("mcp.servers.time.args[1]", "mcp.servers.time.args[1]"),
            ("mcp.servers.Time", "mcp.servers.Time"),
        ] {
            assert_eq!(KeyPath::parse(typed).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        for (typed, expected) in [
            ("llm.modle", "unknown key \"llm.modle\"; did you mean `llm.model`?"),
            ("model", "unknown key \"model\"; did you mean `llm.model`?"),
            ("llm.model.x", "unknown key \"llm.model.x\"; did you mean `llm.model`?"),
            ("llm.model[0]", "unknown key \"llm.model[0]\"; did you mean `llm.model`?"),
            ("llm.providers[x].name", "unknown key"),
            ("mcp.servers.a b.url", "unknown key"),
            ("mcp.servers.time.uri", "unknown key"),
            ("", "unknown key \"\""),
            (".", "unknown key \".\""),
            ("zzzzzz", "unknown key \"zzzzzz\""),
        ] {
            let error = KeyPath::parse(typed).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        // The key of an item is no suggestion: it cannot be typed without the item.
        assert_eq!(KeyPath::parse("condition").unwrap_err(), "unknown key \"condition\"");
    }
}
