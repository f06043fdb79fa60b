//! Reads rules from a file, with the locations of their parts.

use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::DeValue;

use super::problem::{Problem, ProblemLocation, RulesError};
use crate::config::{RoutingRule, RuleLocations};
use crate::resolver::near;
use crate::source::{InvalidDocument, SourceLocation, TomlDocument};

/// Reads rules from the text of a file.
///
/// A file whose name ends in `.json` is a list of objects, or an object with that list as
/// `routing_rules`; any other is TOML with tables `[[routing_rules]]`, at the top or under `llm`,
/// and may have other tables. `file` is the name in error messages. Only the form is checked here;
/// the conditions and names are checked when an engine gets the rules.
///
/// # Errors
///
/// All errors in the form, with their locations. A file without any rule is an error.
pub fn parse_rules(file: &str, text: &str) -> Result<Vec<RoutingRule>, RulesError> {
    let ends_in_json = file.len().checked_sub(5).and_then(|start| file.get(start..));
    if ends_in_json.is_some_and(|end| end.eq_ignore_ascii_case(".json")) {
        let source = JsonSource { file, text };
        let rules = source.rules()?;
        if rules.is_empty() {
            return Err(source.problem(0, NO_JSON_RULES));
        }
        Ok(rules)
    } else {
        toml_rules(&TomlDocument::parse(file, text)?)
    }
}

/// Adds the locations of rules that were read from a document; `path` is the key of their tables, such
/// as `["llm", "routing_rules"]`.
pub fn locate_rules(document: &TomlDocument<'_>, path: &[&str], rules: &mut [RoutingRule]) {
    for (rule, table) in rules.iter_mut().zip(document.tables(path)) {
        rule.locations = locations(document, table);
    }
}

const NO_JSON_RULES: &str = "there are no rules in it: they are a list of objects with `condition` \
                             and `provider`, or the `routing_rules` of an object";

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    routing_rules: Vec<RoutingRule>,
    #[serde(default)]
    llm: Section,
}

#[derive(Debug, Default, Deserialize)]
struct Section {
    #[serde(default)]
    routing_rules: Vec<RoutingRule>,
}

fn toml_rules(document: &TomlDocument<'_>) -> Result<Vec<RoutingRule>, RulesError> {
    let File { mut routing_rules, mut llm } = document.deserialize()?;
    locate_rules(document, &["routing_rules"], &mut routing_rules);
    locate_rules(document, &["llm", "routing_rules"], &mut llm.routing_rules);
    routing_rules.append(&mut llm.routing_rules);
    if routing_rules.is_empty() {
        let what = no_toml_rules(document);
        let at = ProblemLocation::File(document.location(0));
        return Err(Problem { at, what, near: Vec::new() }.into());
    }
    Ok(routing_rules)
}

/// Returns the locations of a rule's parts.
fn locations(document: &TomlDocument<'_>, table: &Spanned<DeValue<'_>>) -> Option<RuleLocations> {
    let parts = table.get_ref().as_table()?;
    let (condition, provider) = (parts.get("condition")?, parts.get("provider")?);
    let value = condition.get_ref().as_str()?;
    let written = condition.span();
    let within = document.slice(written.clone()).and_then(|text| text.find(value));
    Some(RuleLocations::new(
        document.location(table.span().start),
        within.map(|within| document.location(written.start + within)),
        document.location(provider.span().start),
    ))
}

/// Returns the expected form of rules, and a table of the file that may have been meant as such.
fn no_toml_rules(document: &TomlDocument<'_>) -> String {
    let tables = document.root();
    let inner = tables.get("llm").and_then(|llm| llm.get_ref().as_table());
    let keys = tables.keys().chain(inner.into_iter().flat_map(|inner| inner.keys()));
    let meant = near("routing_rules", keys.map(|key| key.get_ref().as_ref())).into_iter().next();
    let not = meant.map_or_else(String::new, |table| format!(", not [[{table}]]"));
    format!("there are no rules in it: they are tables [[routing_rules]]{not}")
}

impl From<InvalidDocument> for RulesError {
    fn from(InvalidDocument { location, reason }: InvalidDocument) -> Self {
        Problem { at: ProblemLocation::File(location), what: reason, near: Vec::new() }.into()
    }
}

/// The text of a JSON file.
#[derive(Debug, Clone, Copy)]
struct JsonSource<'a> {
    file: &'a str,
    text: &'a str,
}

/// `Part` is raw text, of which the offset is known, or a value.
#[derive(Debug, Deserialize)]
struct JsonFile<Part> {
    #[serde(default = "Vec::new")]
    routing_rules: Vec<Part>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRule<Part> {
    condition: Part,
    provider: Part,
    #[serde(default)]
    reason: String,
}

impl<'a> JsonSource<'a> {
    /// Returns the rules of the file.
    fn rules(self) -> Result<Vec<RoutingRule>, RulesError> {
        let rules: Vec<&RawValue> = if self.text.trim_start().starts_with('{') {
            self.part::<JsonFile<_>, JsonFile<Value>>(self.text)?.routing_rules
        } else {
            self.part::<_, Vec<Value>>(self.text)?
        };
        rules.into_iter().map(|rule| self.json_rule(rule)).collect()
    }

    fn json_rule(self, rule: &'a RawValue) -> Result<RoutingRule, RulesError> {
        let JsonRule { condition, provider, reason } =
            self.part::<JsonRule<&RawValue>, JsonRule<Value>>(rule.get())?;
        let string = |raw: &'a RawValue| -> Result<(String, Range<usize>), RulesError> {
            let start = self.offset(raw.get());
            let text = self.part::<String, String>(raw.get())?;
            Ok((text, start..start + raw.get().len()))
        };
        let (condition, written) = string(condition)?;
        let (provider, provider_written) = string(provider)?;
        let locations = RuleLocations::new(
            self.location(self.offset(rule.get())),
            self.inside(written, &condition),
            self.location(provider_written.start),
        );
        Ok(RoutingRule { condition, provider, reason, locations: Some(locations) })
    }

    /// Reads a part of the text as a `T`. `Values` is the same type with values in place of raw text: an
    /// error of a value has no position in its message, which would count from the start of the part.
    fn part<T: Deserialize<'a>, Values: DeserializeOwned>(
        self,
        part: &'a str,
    ) -> Result<T, RulesError> {
        serde_json::from_str(part).map_err(|error| {
            let offset = self.offset(part) + offset_of(part, &error);
            let values = serde_json::from_str(part).and_then(serde_json::from_value::<Values>);
            self.problem(offset, &values.err().unwrap_or(error).to_string())
        })
    }

    /// Returns the offset of a part that was borrowed from the text.
    fn offset(self, part: &str) -> usize {
        part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr())
    }

    /// Returns the start of a value's text; `None` if that has escapes.
    fn inside(self, written: Range<usize>, value: &str) -> Option<SourceLocation> {
        let within = self.text.get(written.clone())?.find(value)?;
        Some(self.location(written.start + within))
    }

    fn location(self, offset: usize) -> SourceLocation {
        SourceLocation::in_text(self.file, self.text, offset)
    }

    fn problem(self, offset: usize, what: &str) -> RulesError {
        let at = ProblemLocation::File(self.location(offset));
        Problem { at, what: what.to_owned(), near: Vec::new() }.into()
    }
}

/// Returns the offset of an error in a text.
fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let lines_before = error.line().saturating_sub(1);
    let lines: usize = text.split_inclusive('\n').take(lines_before).map(str::len).sum();
    lines + error.column().saturating_sub(1)
}
