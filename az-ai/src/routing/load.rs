//! Reads rules from a file, with the places of their parts.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;
use toml::Spanned;

use super::problem::{Problem, RulesError, Where};
use crate::config::{Place, RoutingRule, RulePlaces};
use crate::resolver::near;

/// Reads rules from the text of a file.
///
/// A file whose name ends in `.json` is a list of objects, or an object with that list as
/// `routing_rules`; any other is TOML with tables `[[routing_rules]]`, at the top or under `llm`,
/// and whatever else. The name is what problems are told with. Only the form is looked at here; what
/// the rules say is checked when they are given to an engine.
///
/// # Errors
///
/// What is wrong with the form, and where; also that there is no rule at all, because whoever named
/// the file meant some.
pub fn parse_rules(file: &str, text: &str) -> Result<Vec<RoutingRule>, RulesError> {
    let source = Source { file, text };
    let ends_in_json = file.len().checked_sub(5).and_then(|start| file.get(start..));
    if ends_in_json.is_some_and(|end| end.eq_ignore_ascii_case(".json")) {
        let rules = source.json()?;
        if rules.is_empty() {
            return Err(source.problem(0, NO_JSON_RULES));
        }
        Ok(rules)
    } else {
        let rules = source.toml()?;
        if rules.is_empty() {
            return Err(source.problem(0, &source.no_toml_rules()));
        }
        Ok(rules)
    }
}

const NO_JSON_RULES: &str = "there are no rules in it: they are a list of objects with `condition` \
                             and `provider`, or the `routing_rules` of an object";

#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    routing_rules: Vec<Spanned<TomlRule>>,
    #[serde(default)]
    llm: Section,
}

#[derive(Debug, Default, Deserialize)]
struct Section {
    #[serde(default)]
    routing_rules: Vec<Spanned<TomlRule>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlRule {
    condition: Spanned<String>,
    provider: Spanned<String>,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
struct JsonFile<'a> {
    #[serde(borrow, default)]
    routing_rules: Vec<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRule<'a> {
    #[serde(borrow)]
    condition: &'a RawValue,
    #[serde(borrow)]
    provider: &'a RawValue,
    #[serde(default)]
    reason: String,
}

impl<'a> Source<'a> {
    fn toml(self) -> Result<Vec<RoutingRule>, RulesError> {
        let File { routing_rules, llm } = toml::from_str(self.text).map_err(|error| {
            let at = error.span().unwrap_or_default().start;
            self.problem(at, error.message())
        })?;
        let rules = routing_rules.into_iter().chain(llm.routing_rules).map(|rule| {
            let start = rule.span().start;
            let TomlRule { condition, provider, reason } = rule.into_inner();
            let places = RulePlaces {
                rule: self.place(start),
                condition: self.inside(condition.span(), condition.as_ref()),
                provider: self.place(provider.span().start),
            };
            let (condition, provider) = (condition.into_inner(), provider.into_inner());
            RoutingRule { condition, provider, reason, places: Some(places) }
        });
        Ok(rules.collect())
    }

    /// Says how rules are written, and which table of the file may have been meant as such.
    fn no_toml_rules(self) -> String {
        let tables: toml::Table = toml::from_str(self.text).unwrap_or_default();
        let inner = tables.get("llm").and_then(toml::Value::as_table);
        let keys = tables.keys().chain(inner.into_iter().flat_map(toml::Table::keys));
        let meant = near("routing_rules", keys.map(String::as_str)).into_iter().next();
        let not = meant.map_or_else(String::new, |table| format!(", not [[{table}]]"));
        format!("there are no rules in it: they are tables [[routing_rules]]{not}")
    }

    fn json(self) -> Result<Vec<RoutingRule>, RulesError> {
        let failed = |error| self.json_problem(0, &error);
        let rules = if self.text.trim_start().starts_with('{') {
            let JsonFile { routing_rules } = serde_json::from_str(self.text).map_err(failed)?;
            routing_rules
        } else {
            serde_json::from_str(self.text).map_err(failed)?
        };
        rules.into_iter().map(|rule| self.json_rule(rule)).collect()
    }

    fn json_rule(self, rule: &'a RawValue) -> Result<RoutingRule, RulesError> {
        let start = self.offset(rule);
        let JsonRule { condition, provider, reason } =
            serde_json::from_str(rule.get()).map_err(|error| self.json_problem(start, &error))?;
        let string = |raw: &'a RawValue| -> Result<(String, Range<usize>), RulesError> {
            let start = self.offset(raw);
            let text: String = serde_json::from_str(raw.get())
                .map_err(|error| self.json_problem(start, &error))?;
            Ok((text, start..start + raw.get().len()))
        };
        let (condition, written) = string(condition)?;
        let (provider, provider_written) = string(provider)?;
        let places = RulePlaces {
            rule: self.place(start),
            condition: self.inside(written, &condition),
            provider: self.place(provider_written.start),
        };
        Ok(RoutingRule { condition, provider, reason, places: Some(places) })
    }

    /// Returns where a part of the text begins, which was borrowed from it.
    fn offset(self, part: &RawValue) -> usize {
        part.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr())
    }

    /// Returns where in what is written a value begins; nothing when it is written in other words.
    fn inside(self, written: Range<usize>, value: &str) -> Option<Place> {
        let within = self.text.get(written.clone())?.find(value)?;
        Some(self.place(written.start + within))
    }

    fn place(self, offset: usize) -> Place {
        Place::of(self.file, self.text, offset)
    }

    fn problem(self, offset: usize, what: &str) -> RulesError {
        let at = Where::Place(self.place(offset));
        Problem { at, what: what.to_owned(), near: Vec::new() }.into()
    }

    /// Places an error in a part of the text, which says itself in which line and column it is.
    fn json_problem(self, start: usize, error: &serde_json::Error) -> RulesError {
        let part = self.text.get(start..).unwrap_or_default();
        let lines_before = error.line().saturating_sub(1);
        let line: usize = part.split_inclusive('\n').take(lines_before).map(str::len).sum();
        let told = error.to_string();
        let what = told.rsplit_once(" at line ").map_or(told.as_str(), |(what, _)| what);
        self.problem(start + line + error.column().saturating_sub(1), what)
    }
}
