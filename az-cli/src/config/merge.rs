//! Puts layers on top of each other.

use std::collections::BTreeMap;

use az_ai::source::Origins;
use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::layer::{Layer, Origin};
use super::path::find_key;

/// What all layers set together, and where each value comes from.
#[derive(Debug, Default)]
pub(super) struct Merged<'a> {
    pub(super) root: DeTable<'a>,
    pub(super) origins: BTreeMap<String, Origin>,
}

/// The keys of which a layer sets one or the other: the stronger layer decides about both.
pub(super) const ALTERNATIVES: [&str; 2] = ["data_dir", "store.url"];

impl<'a> Merged<'a> {
    /// Adds a layer that is stronger than those before it. Tables are merged; other values, and lists,
    /// replace those of weaker layers.
    pub(super) fn add(&mut self, document: &Document<'a>, root: DeTable<'a>) {
        if ALTERNATIVES.iter().any(|key| has(&root, key)) {
            for key in ALTERNATIVES {
                self.remove(key);
            }
        }
        self.add_table("", root, document.of, &document.origins);
    }

    fn add_table(
        &mut self,
        prefix: &str,
        table: DeTable<'a>,
        of: &super::document::LayerText,
        origins: &Origins,
    ) {
        for (name, value) in table {
            let full = format!("{prefix}{}", name.get_ref());
            match value.into_inner() {
                DeValue::Table(below) => self.add_table(&format!("{full}."), below, of, origins),
                other => {
                    self.remove(&full);
                    for (key, location) in origins.iter().filter(|(key, _)| is_in(key, &full)) {
                        self.origins.insert(key.to_owned(), of.origin(Some(location)));
                    }
                    insert(&mut self.root, &full, other);
                }
            }
        }
    }

    /// Removes a key and all below it.
    fn remove(&mut self, full: &str) {
        self.origins.retain(|key, _| !is_in(key, full));
        let (parents, last) = full.rsplit_once('.').unwrap_or(("", full));
        let parents = parents.split('.').filter(|name| !name.is_empty());
        let mut table = Some(&mut self.root);
        for name in parents {
            table = table.and_then(|table| match table.get_mut(name)?.get_mut() {
                DeValue::Table(below) => Some(below),
                _ => None,
            });
        }
        if let Some(table) = table {
            table.remove(last);
        }
    }
}

/// Whether a key is this one, or below it.
pub(super) fn is_in(key: &str, full: &str) -> bool {
    key.strip_prefix(full).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn has(root: &DeTable<'_>, full: &str) -> bool {
    let mut names = full.split('.').rev();
    let last = names.next().unwrap_or_default();
    let parents: Vec<_> = names.collect();
    let table = parents.iter().rev().try_fold(root, |table, name| {
        table.get(*name).and_then(|value| value.get_ref().as_table())
    });
    table.is_some_and(|table| table.contains_key(last))
}

/// Inserts a value, and the tables that it is in.
fn insert<'a>(root: &mut DeTable<'a>, full: &str, value: DeValue<'a>) {
    let (name, rest) = full.split_once('.').map_or((full, None), |(name, rest)| (name, Some(rest)));
    let key = toml::Spanned::new(0..0, std::borrow::Cow::Owned(name.to_owned()));
    match rest {
        None => {
            root.insert(key, toml::Spanned::new(0..0, value));
        }
        Some(rest) => {
            let empty = || toml::Spanned::new(0..0, DeValue::Table(DeTable::new()));
            let below = root.entry(key).or_insert_with(empty).get_mut();
            if let DeValue::Table(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

/// Removes from a table what a layer may not set, and returns the keys that were removed, in their
/// order.
pub(super) fn remove_unless(
    table: &mut DeTable<'_>,
    prefix: &str,
    may_set: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut removed = Vec::new();
    for (name, mut value) in std::mem::take(table) {
        let full = format!("{prefix}{}", name.get_ref());
        let keeps = match value.get_mut() {
            DeValue::Table(below) => {
                removed.extend(remove_unless(below, &format!("{full}."), may_set));
                true
            }
            _ => may_set(&full),
        };
        if keeps {
            table.insert(name, value);
        } else {
            removed.push(full);
        }
    }
    removed
}

/// Whether a layer may set a key at all (a store), or before it is trusted (a project).
pub(super) fn may_set(layer: Layer, full: &str) -> bool {
    let key = find_key(full);
    let harmless = key.is_some_and(|key| key.harmless);
    match layer {
        Layer::Project => harmless,
        // What is printed belongs to a person; when budgets begin belongs to the store.
        Layer::Store => (harmless && !full.starts_with("output.")) || full == "cost.time_zone",
        _ => true,
    }
}

/// Whether only the user and the machine may set a key, and no project, also if it is trusted: where people
/// are notified.
pub(super) fn is_personal(full: &str) -> bool {
    full.starts_with("notify.")
}
