//! Changes a value in a text, and nothing else of the text.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml_edit::{
    ArrayOfTables, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value,
};

use super::path::{KeyPath, Step};
use super::value::json_of;

/// Returns the text with a value, which is TOML, at a path. A value that is there already is replaced where
/// it is written; else a line is added to its table.
///
/// # Errors
///
/// Why the value cannot be set there.
pub(super) fn set(text: &str, path: &KeyPath, toml: &str) -> Result<String, String> {
    let new = DeValue::parse(toml).map_err(|error| error.message().to_owned())?;
    if let Some((span, old)) = find(text, path) {
        if json_of(new.get_ref()) == old {
            return Ok(text.to_owned());
        }
        if let (Some(before), Some(after)) = (text.get(..span.start), text.get(span.end..)) {
            return Ok(format!("{before}{toml}{after}"));
        }
    }
    let mut document = parse(text)?;
    // The message does not quote the value, which may hold a secret.
    let mut value: Value = toml.parse().map_err(|_| "the value is not TOML".to_owned())?;
    value.decor_mut().clear();
    let is_new = TopLevel::of(&document);
    insert(Place::root(document.as_table_mut()), &path.steps, value)?;
    is_new.separate(&mut document);
    Ok(with_newlines_of(text, &document.to_string()))
}

/// Returns the text without the key at a path; `None` if it is not there.
///
/// # Errors
///
/// A text that is not TOML.
pub(super) fn unset(text: &str, path: &KeyPath) -> Result<Option<String>, String> {
    let mut document = parse(text)?;
    if !remove(Place::root(document.as_table_mut()), &path.steps) {
        return Ok(None);
    }
    Ok(Some(with_newlines_of(text, &document.to_string())))
}

/// Whether a text has a value at a path.
pub(super) fn has(text: &str, path: &KeyPath) -> bool {
    find(text, path).is_some()
}

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse::<DocumentMut>().map_err(|error| error.message().to_owned())
}

/// Returns an edited text with the ends of lines of the text before: the library ends lines with a line
/// feed only. New lines end as the first line does.
fn with_newlines_of(text: &str, edited: &str) -> String {
    let mut before = text.split_inclusive('\n');
    let bare = |line: &str| line.trim_end_matches(['\r', '\n']).to_owned();
    let usual = if before.clone().next().is_some_and(|line| line.ends_with("\r\n")) {
        "\r\n"
    } else {
        "\n"
    };
    let mut result = String::with_capacity(edited.len());
    for line in edited.lines() {
        // Lines that were removed are skipped; a new one is not among those that remain.
        let mut rest = before.clone();
        match rest.find(|known| bare(known) == bare(line)) {
            Some(known) => {
                before = rest;
                result.push_str(&bare(line));
                result.push_str(if known.ends_with("\r\n") { "\r\n" } else { "\n" });
            }
            None => {
                result.push_str(&bare(line));
                result.push_str(usual);
            }
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        let end = result.trim_end_matches(['\r', '\n']).len();
        result.truncate(end);
    }
    result
}

/// Finds the bytes of a value, and the value, unless it is a table with a header of its own.
fn find(text: &str, path: &KeyPath) -> Option<(Range<usize>, serde_json::Value)> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut steps = path.steps.iter();
    let mut value = match steps.next()? {
        Step::Key(name) => entry(table, name)?,
        Step::Item(_) | Step::Named(_) | Step::Entry(_) => return None,
    };
    for step in steps {
        value = match (step, value.get_ref()) {
            (Step::Key(name), DeValue::Table(below)) => {
                table = below;
                entry(table, name)?
            }
            (Step::Entry(name), DeValue::Table(below)) => below.get(name.as_str())?,
            (Step::Item(index), DeValue::Array(items)) => items.get(*index)?,
            (Step::Named(wanted), DeValue::Array(items)) => {
                let is_named = |item: &&toml::Spanned<DeValue<'_>>| {
                    let name = item.get_ref().as_table().and_then(|table| entry(table, "name"));
                    name.and_then(|name| name.get_ref().as_str()) == Some(wanted)
                };
                items.iter().find(is_named)?
            }
            _ => return None,
        };
    }
    let span = value.span();
    let written = text.get(span.clone())?;
    let has_header = match value.get_ref() {
        DeValue::Table(_) => !written.starts_with('{'),
        DeValue::Array(_) => written.starts_with("[[") && text_before(text, span.start).is_empty(),
        _ => false,
    };
    (!has_header).then(|| (span, json_of(value.get_ref())))
}

/// Returns what stands on the line before a byte.
fn text_before(text: &str, at: usize) -> &str {
    text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default().trim()
}

pub(super) fn entry<'t, 'a>(
    table: &'t DeTable<'a>,
    name: &str,
) -> Option<&'t toml::Spanned<DeValue<'a>>> {
    let found = table.iter().find(|(key, _)| key.get_ref().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

/// Returns the name as the table has it: the case of keys does not count.
pub(super) fn name_in(table: &dyn TableLike, name: &str) -> String {
    let found = table.iter().map(|(key, _)| key).find(|key| key.eq_ignore_ascii_case(name));
    found.unwrap_or(name).to_owned()
}

/// Returns the key of the first step as the table has it, and the other steps; `None` for an item of a list.
fn key_in<'s>(table: &dyn TableLike, steps: &'s [Step]) -> Option<(String, &'s [Step])> {
    let (first, rest) = steps.split_first()?;
    match first {
        Step::Key(name) => Some((name_in(table, name), rest)),
        Step::Entry(name) => Some((name.clone(), rest)),
        Step::Item(_) | Step::Named(_) => None,
    }
}

/// A table of the document.
struct Place<'a> {
    table: &'a mut dyn TableLike,
    /// Whether it is written in braces.
    is_inline: bool,
}

impl<'a> Place<'a> {
    fn root(table: &'a mut Table) -> Self {
        Self { table, is_inline: false }
    }

    fn of(item: &'a mut Item) -> Option<Self> {
        let is_inline = item.is_inline_table();
        Some(Self { table: item.as_table_like_mut()?, is_inline })
    }

    /// Returns the table of an item of a list.
    fn in_list(list: &'a mut Item, item: &Step) -> Option<Self> {
        let index = index_of(list, item)?;
        match list {
            Item::ArrayOfTables(tables) => tables.get_mut(index).map(Self::root),
            Item::Value(Value::Array(items)) => match items.get_mut(index)? {
                Value::InlineTable(table) => Some(Self { table, is_inline: true }),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the last value of an inline table.
    fn last(&mut self) -> Option<&mut Value> {
        let name = self.table.iter().last().map(|(name, _)| name.to_owned())?;
        self.table.get_mut(&name)?.as_value_mut().filter(|_| self.is_inline)
    }

    /// Inserts a value at the end. The space before the brace of an inline table stays there.
    fn insert(mut self, name: &str, mut value: Value) {
        self.table.remove(name);
        if let Some(last) = self.last() {
            let space = suffix(last);
            last.decor_mut().set_suffix("");
            value.decor_mut().set_prefix(" ");
            value.decor_mut().set_suffix(space);
        }
        self.table.insert(name, Item::Value(value));
    }

    fn remove(mut self, name: &str) -> bool {
        let was_last = self.table.iter().last().is_some_and(|(last, _)| last == name);
        let Some(removed) = self.table.remove(name) else { return false };
        if let (true, Some(removed), Some(last)) = (was_last, removed.as_value(), self.last()) {
            last.decor_mut().set_suffix(suffix(removed));
        }
        true
    }
}

fn suffix(value: &Value) -> String {
    value.decor().suffix().and_then(RawString::as_str).unwrap_or_default().to_owned()
}

fn insert(place: Place<'_>, steps: &[Step], value: Value) -> Result<(), String> {
    let Some((name, rest)) = key_in(place.table, steps) else {
        return Err("a list cannot be set this way".to_owned());
    };
    let Some((next, below)) = rest.split_first() else {
        place.insert(&name, value);
        return Ok(());
    };
    if place.table.get(&name).is_none() {
        let new = match next {
            Step::Key(_) | Step::Entry(_) if place.is_inline => {
                Item::Value(InlineTable::new().into())
            }
            Step::Key(_) | Step::Entry(_) => Item::Table(Table::new()),
            _ => Item::ArrayOfTables(ArrayOfTables::new()),
        };
        place.table.insert(&name, new);
    }
    let item = place.table.get_mut(&name).ok_or_else(|| format!("there is no `{name}`"))?;
    match next {
        Step::Key(_) | Step::Entry(_) => match Place::of(item) {
            Some(place) => insert(place, rest, value),
            None => Err(format!("`{name}` is not a table")),
        },
        _ if below.is_empty() => {
            Err(format!("an item of `{name}` cannot be set as a whole; set its keys"))
        }
        _ => match Place::in_list(item, next) {
            Some(place) => insert(place, below, value),
            None => push(&name, item, next, below, value),
        },
    }
}

/// Adds a table with this name to a list.
fn push(
    list: &str,
    item: &mut Item,
    step: &Step,
    below: &[Step],
    value: Value,
) -> Result<(), String> {
    let Step::Named(name) = step else { return Err(format!("`{list}` has no such item")) };
    match item {
        Item::ArrayOfTables(tables) => {
            let mut new = Table::new();
            new.insert("name", toml_edit::value(name.as_str()));
            new.decor_mut().set_prefix("\n");
            insert(Place::root(&mut new), below, value)?;
            tables.push(new);
            Ok(())
        }
        Item::Value(Value::Array(items)) => {
            let mut new = InlineTable::new();
            new.insert("name", name.as_str().into());
            insert(Place { table: &mut new, is_inline: true }, below, value)?;
            items.push(new);
            Ok(())
        }
        _ => Err(format!("`{list}` is not a list of tables")),
    }
}

fn index_of(list: &Item, item: &Step) -> Option<usize> {
    let has_name = |table: &dyn TableLike, wanted: &str| {
        table.get(&name_in(table, "name")).and_then(Item::as_str) == Some(wanted)
    };
    match (item, list) {
        (Step::Item(index), _) => Some(*index),
        (Step::Named(wanted), Item::ArrayOfTables(tables)) => {
            tables.iter().position(|table| has_name(table, wanted))
        }
        (Step::Named(wanted), Item::Value(Value::Array(items))) => items
            .iter()
            .position(|item| item.as_inline_table().is_some_and(|table| has_name(table, wanted))),
        _ => None,
    }
}

fn remove(place: Place<'_>, steps: &[Step]) -> bool {
    let Some((name, rest)) = key_in(place.table, steps) else { return false };
    let Some((next, below)) = rest.split_first() else { return place.remove(&name) };
    let Some(item) = place.table.get_mut(&name) else { return false };
    match (next, below) {
        (Step::Key(_) | Step::Entry(_), _) => {
            Place::of(item).is_some_and(|place| remove(place, rest))
        }
        (_, []) => remove_item(item, next),
        _ => Place::in_list(item, next).is_some_and(|place| remove(place, below)),
    }
}

fn remove_item(list: &mut Item, item: &Step) -> bool {
    let Some(index) = index_of(list, item) else { return false };
    match list {
        Item::ArrayOfTables(tables) if index < tables.len() => {
            tables.remove(index);
            true
        }
        Item::Value(Value::Array(items)) if index < items.len() => {
            items.remove(index);
            true
        }
        _ => false,
    }
}

/// What a document consists of before a change, so that what is new is separated by an empty line.
struct TopLevel {
    tables: Vec<String>,
    has_values: bool,
}

impl TopLevel {
    fn of(document: &DocumentMut) -> Self {
        let items = || document.iter();
        let tables = items().filter(|(_, item)| is_headed(item)).map(|(name, _)| name.to_owned());
        Self { tables: tables.collect(), has_values: items().any(|(_, item)| !is_headed(item)) }
    }

    fn separate(&self, document: &mut DocumentMut) {
        let after = Self::of(document);
        let new = after.tables.iter().find(|name| !self.tables.contains(name));
        if let Some(new) = new {
            // What stands at the end of the text stays before the new table.
            let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
            let is_first = self.tables.is_empty() && !self.has_values && trailing.is_empty();
            document.set_trailing("");
            let gap = if is_first { "" } else { "\n" };
            let prefix = format!("{trailing}{gap}");
            match document.get_mut(new) {
                Some(Item::Table(table)) => set_prefix(table, &prefix),
                Some(Item::ArrayOfTables(tables)) => {
                    tables.get_mut(0).into_iter().for_each(|table| {
                        table.decor_mut().set_prefix(prefix.clone());
                    });
                }
                _ => {}
            }
        }
        if after.has_values
            && !self.has_values
            && let Some(first) = self.tables.first()
            && let Some(Item::Table(table)) = document.get_mut(first)
        {
            let known = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
            let prefix = format!("\n{known}");
            set_prefix(table, &prefix);
        }
    }
}

/// Sets what stands before the header of a table; of one that has no header, before its first table.
fn set_prefix(table: &mut Table, prefix: &str) {
    if !table.iter().all(|(_, item)| is_headed(item)) || table.is_empty() {
        return table.decor_mut().set_prefix(prefix);
    }
    // A header without keys is not written.
    table.set_implicit(true);
    match table.iter_mut().next() {
        Some((_, Item::Table(below))) => set_prefix(below, prefix),
        Some((_, Item::ArrayOfTables(tables))) => {
            tables.get_mut(0).into_iter().for_each(|below| below.decor_mut().set_prefix(prefix));
        }
        _ => {}
    }
}

/// Whether an item is written below a header.
fn is_headed(item: &Item) -> bool {
    match item {
        Item::Table(table) => !table.is_dotted(),
        item => item.is_array_of_tables(),
    }
}

#[cfg(test)]
mod tests {
    use super::{set, unset};
    use crate::config::KeyPath;

    #[test]
    fn each_line_keeps_its_end() {
        let text = "[llm]\r\n# a\nmodel = \"x\"\r\n\n[cost]\n";
        let key = |name| KeyPath::parse(name).unwrap();
        assert_eq!(
            set(text, &key("llm.max_tokens"), "7").unwrap(),
            "[llm]\r\n# a\nmodel = \"x\"\r\nmax_tokens = 7\r\n\n[cost]\n"
        );
        let without = unset(text, &key("llm.model")).unwrap().unwrap();
        assert_eq!(without, "[llm]\r\n\n[cost]\n", "a comment belongs to the key below it");
    }
}
