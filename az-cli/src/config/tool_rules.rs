//! The rules about tool calls, as files have them.

use std::time::Duration;

use az_mcp::policy::{AccessKind, Rule, RuleAction, RuleFile};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};
use toml_edit::Value;

use super::document::Document;
use super::duration::parse_duration;
use super::problem::Problem;

/// The key of the rules.
pub(super) const RULES: &str = "tools.rules";

/// A rule about tool calls, as a file has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolRule {
    /// `allow`, `ask` or `deny`.
    pub action: String,
    /// A pattern of names of tools.
    pub tool: Option<String>,
    /// A pattern of paths.
    pub path: Option<String>,
    /// `read` or `write`.
    pub access: Option<String>,
    /// A pattern of commands.
    pub command: Option<String>,
    /// A host, or a pattern of hosts.
    pub host: Option<String>,
    /// The digest of the tool and the arguments.
    pub arguments: Option<String>,
    /// How long an approval is waited for.
    pub deny_after: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl ToolRule {
    /// Returns the rule that is written at this place. The check of the file has read its words already.
    fn rule(self, source: String) -> Rule {
        // An action that the check does not know would have been refused.
        let action = RuleAction::named(&self.action).unwrap_or(RuleAction::Deny);
        let mut rule = Rule::new(action, source);
        rule.tool = self.tool;
        rule.path = self.path;
        rule.access = self.access.map(|access| match access.as_str() {
            "write" => AccessKind::Write,
            _ => AccessKind::Read,
        });
        rule.command = self.command;
        rule.host = self.host;
        rule.arguments = self.arguments;
        rule.deny_after = self.deny_after.and_then(|limit| parse_duration(&limit).ok());
        rule.reason = self.reason;
        rule
    }
}

/// Returns what is wrong with a rule whose values are valid each by itself.
pub(super) fn problem_of_rule(full: &str, item: &Spanned<DeValue<'_>>) -> Option<Problem> {
    let DeValue::Table(table) = item.get_ref() else { return None };
    let lower = table.iter().map(|(name, value)| {
        let name = name.get_ref().to_ascii_lowercase().into();
        (Spanned::new(0..0, name), value.clone())
    });
    let (key, what) = rule_of(lower.collect())?.rule(String::new()).problem()?;
    let value = table.iter().find(|(name, _)| name.get_ref().eq_ignore_ascii_case(key));
    let span = value.map_or(item.span(), |(_, value)| value.span());
    Some(Problem::new(&format!("{full}.{key}"), span, what))
}

fn rule_of(table: DeTable<'_>) -> Option<ToolRule> {
    ToolRule::deserialize(Deserializer::from(Spanned::new(0..0, table))).ok()
}

/// Returns the rules of a layer. `root` is what counts of it.
pub(super) fn rules_of(document: &Document<'_>, root: &DeTable<'_>) -> RuleFile {
    let items = root.get("tools").and_then(|tools| tools.get_ref().as_table()?.get("rules"));
    let items = items.and_then(|items| items.get_ref().as_array());
    let rules = items.into_iter().flatten().enumerate().filter_map(|(i, item)| {
        let rule = rule_of(item.get_ref().as_table()?.clone())?;
        let location = document.origins.get(&format!("{RULES}[{i}]"));
        Some(rule.rule(document.of.origin(location).to_string()))
    });
    RuleFile(rules.collect())
}

/// Returns the keys and values of a rule, as TOML.
pub(super) fn toml_of(rule: &Rule) -> Vec<(&'static str, String)> {
    let text = |text: &str| Value::from(text).to_string();
    let access = rule.access.map(|access| match access {
        AccessKind::Read => "read",
        AccessKind::Write => "write",
    });
    let seconds = |limit: Duration| format!("{}s", limit.as_secs());
    let values = [
        ("action", Some(text(rule.action.as_str()))),
        ("tool", rule.tool.as_deref().map(text)),
        ("path", rule.path.as_deref().map(text)),
        ("access", access.map(text)),
        ("command", rule.command.as_deref().map(text)),
        ("host", rule.host.as_deref().map(text)),
        ("arguments", rule.arguments.as_deref().map(text)),
        ("deny_after", rule.deny_after.map(|limit| text(&seconds(limit)))),
        ("reason", rule.reason.as_deref().map(text)),
    ];
    values.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}
