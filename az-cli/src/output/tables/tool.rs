//! Tools.

use std::time::Duration;

use az_core::tool::{EffectClass, ToolScope};
use serde_json::Value;

use crate::output::{Style, Table, duration, fit, printable};
use crate::views::{ToolSummaryView, ToolUsageView, ToolView, VerdictView};

/// Returns the table of tools.
pub fn tools_table(tools: &[ToolSummaryView]) -> Table {
    let mut table = Table::new(&["name", "category", "server", "effect", "description"]);
    for tool in tools {
        table.row(vec![
            tool.name.clone(),
            tool.category.clone(),
            tool.server.clone(),
            effect(tool.effect).to_owned(),
            tool.description.clone(),
        ]);
    }
    table
}

/// Returns the table of the usage of tools.
pub fn tool_usage_table(tools: &[ToolUsageView]) -> Table {
    let mut table = Table::new(&["tool", "calls", "failed", "refused", "unknown", "p50", "p95"]);
    for tool in tools {
        let took = |millis: Option<u64>| millis.map(Duration::from_millis).map(duration);
        let count = |count: u64| count.to_string();
        table.row(vec![
            printable(&tool.tool),
            count(tool.calls),
            count(tool.failed),
            count(tool.refused),
            count(tool.unknown),
            took(tool.p50_ms).unwrap_or_default(),
            took(tool.p95_ms).unwrap_or_default(),
        ]);
    }
    table
}

/// Returns a decision about a call in words.
pub fn verdict_in_words(verdict: &VerdictView, style: Style) -> String {
    let mut text = format!("{}  {}\n", style.bold(verdict.decision), printable(&verdict.tool));
    let rule = verdict.rule.as_ref().zip(verdict.source.as_ref());
    let facts = [
        ("reason", verdict.reason.clone()),
        ("rule", rule.map(|(rule, source)| format!("{source}: {rule}"))),
        ("protected", verdict.protected.clone()),
        ("approval", verdict.is_per_call.then(|| "for each call by itself".to_owned())),
        ("waits", verdict.deny_after_ms.map(Duration::from_millis).map(duration)),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            text.push_str(&format!(
                "  {} {}\n",
                style.dim(&format!("{name:<10}")),
                printable(&value)
            ));
        }
    }
    text
}

/// Returns everything that is known of a tool.
pub fn tool_in_words(tool: &ToolView, style: Style) -> String {
    let summary = &tool.summary;
    let (name, about) = (&summary.name, printable(&summary.description));
    let mut text = format!("{}  {about}\n", style.bold(&printable(name)));
    for (what, value) in facts(tool) {
        text.push_str(&format!("  {} {value}\n", style.dim(&format!("{what:<10}"))));
    }
    if !tool.arguments.is_empty() {
        text.push_str(&arguments(tool, style));
    }
    if let Some(example) = &tool.example {
        let label = style.dim(&format!("{:<10}", "example"));
        text.push_str(&format!("  {label} {}\n", printable(&command(name, example))));
    }
    text
}

fn facts(tool: &ToolView) -> Vec<(&'static str, String)> {
    let summary = &tool.summary;
    let mut facts = vec![
        ("category", format!("{}, of the server {}", summary.category, summary.server)),
        ("returns", tool.returns.clone()),
        ("effect", effect_in_words(summary.effect).to_owned()),
        ("reaches", scope_in_words(summary.scope).to_owned()),
    ];
    if let Some(policy) = &tool.policy {
        facts.push(("policy", policy.clone()));
    }
    if let Some(millis) = tool.timeout_ms {
        facts.push(("timeout", format!("{millis} ms")));
    }
    facts
}

fn arguments(tool: &ToolView, style: Style) -> String {
    let mut table = Table::new(&["argument", "type", "default", "description"]);
    for argument in &tool.arguments {
        let default = match &argument.default {
            Some(default) => default.to_string(),
            None if argument.required => "required".to_owned(),
            None => String::new(),
        };
        table.row(vec![
            printable(&argument.name),
            argument.kind.as_str().to_owned(),
            fit(&default, 40),
            printable(&argument.description),
        ]);
    }
    let lines = table.text(None);
    let mut lines = lines.lines();
    let header = lines.next().map(|header| format!("  {}\n", style.dim(header)));
    header.into_iter().chain(lines.map(|line| format!("  {line}\n"))).collect()
}

/// Returns the command line of a call, as a shell reads it.
fn command(tool: &str, arguments: &Value) -> String {
    let arguments = arguments.to_string();
    let words = ["az", "tools", "call", tool, &arguments];
    shlex::try_join(words).unwrap_or_else(|_| words.join(" "))
}

/// Returns the name of an effect class.
const fn effect(effect: EffectClass) -> &'static str {
    match effect {
        EffectClass::Read => "read",
        EffectClass::Idempotent => "idempotent",
        EffectClass::Probe => "probe",
        EffectClass::Unsafe => "unsafe",
    }
}

const fn effect_in_words(effect: EffectClass) -> &'static str {
    match effect {
        EffectClass::Read => "read: changes nothing; an interrupted call is made again",
        EffectClass::Idempotent => "idempotent: an interrupted call is made again, with one effect",
        EffectClass::Probe => "probe: whether an interrupted call took effect is found out",
        EffectClass::Unsafe => "unsafe: an interrupted call is never repeated",
    }
}

const fn scope_in_words(scope: ToolScope) -> &'static str {
    match scope {
        ToolScope::Workspace => "the task's directory",
        ToolScope::Network => "other machines",
        _ => "everything that you can",
    }
}
