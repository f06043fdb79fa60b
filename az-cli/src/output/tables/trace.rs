//! Traces as trees.

use std::time::Duration;

use az_core::Timestamp;
use az_core::task::WaitKind;
use az_core::text::plural;
use az_core::trace::{ModelSpan, Span, SpanKind, SpanStatus};
use unicode_width::UnicodeWidthStr;

use crate::output::{Style, duration, fit, short};

/// The widest that the names are padded to, so that durations are aligned.
const NAMES: usize = 44;

/// Returns a trace as a tree, a line for each span.
pub fn trace_in_words(root: &Span, style: Style, columns: Option<u16>) -> String {
    let mut lines = Vec::new();
    collect(root, "", "", &mut lines);
    let names = lines.iter().map(|line| line.name.width()).max().unwrap_or_default().min(NAMES);
    let columns = columns.map_or(usize::MAX, usize::from);
    let mut text = String::new();
    for line in lines {
        let Line { name, span } = line;
        let pad = names.saturating_sub(name.width());
        let took = span.duration().map_or("…".to_owned(), duration);
        let offset = format!("+{}", duration(since(root.started_at, span.started_at)));
        let before = format!("{name}{}  {offset:>9}  {took:>8}", " ".repeat(pad));
        let facts = facts(span);
        let left = columns.saturating_sub(before.width() + 2);
        let facts = fit(&facts, left);
        let facts = match &span.status {
            SpanStatus::Failed(_) => style.red(&facts),
            SpanStatus::Interrupted | SpanStatus::Waiting(_) => style.yellow(&facts),
            _ => style.dim(&facts),
        };
        let line = format!("{}  {facts}", fit_whole(&before, columns));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

struct Line<'s> {
    name: String,
    span: &'s Span,
}

/// Adds the lines of a span and of those below it. `lead` is what precedes its own line, `below` what
/// precedes those of its parts.
fn collect<'s>(span: &'s Span, lead: &str, below: &str, lines: &mut Vec<Line<'s>>) {
    lines.push(Line { name: format!("{lead}{}", name(span)), span });
    let last = span.children.len().saturating_sub(1);
    for (at, child) in span.children.iter().enumerate() {
        let (branch, next) = if at == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        collect(child, &format!("{below}{branch}"), &format!("{below}{next}"), lines);
    }
}

fn name(span: &Span) -> String {
    match &span.kind {
        SpanKind::Task { .. } => "task".to_owned(),
        SpanKind::Run { .. } => format!("run {}", number(&span.id)),
        SpanKind::Model(model) => fit(&model.model, 32),
        SpanKind::Tool { tool } => fit(tool, 32),
        SpanKind::Approval(_) => "approval".to_owned(),
        _ => format!("step {}", number(&span.id)),
    }
}

/// Returns the number of a run or a step, from 1.
fn number(id: &str) -> String {
    let number = id.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
    number.map_or_else(|| short(id), |number| (number + 1).to_string())
}

fn facts(span: &Span) -> String {
    let status = match &span.status {
        SpanStatus::Open => "not ended".to_owned(),
        SpanStatus::Waiting(WaitKind::Question) => "waits for an answer".to_owned(),
        SpanStatus::Waiting(_) => "waits for approval".to_owned(),
        SpanStatus::Failed(reason) => format!("failed: {reason}"),
        SpanStatus::Interrupted => "interrupted".to_owned(),
        _ => String::new(),
    };
    let what = match &span.kind {
        SpanKind::Task { command } => command.clone(),
        SpanKind::Run { owner } => owner.to_string(),
        SpanKind::Model(model) => of_model(model),
        SpanKind::Approval(approval) => match (approval.granted, &approval.by) {
            (Some(true), Some(by)) => format!("granted by {by}"),
            (Some(false), Some(by)) => format!("denied by {by}"),
            _ => approval.reason.clone(),
        },
        _ => String::new(),
    };
    [status, what].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn of_model(model: &ModelSpan) -> String {
    let mut facts = Vec::new();
    if model.is_summary {
        facts.push("summary".to_owned());
    }
    if let Some(charge) = &model.charge {
        let cost = charge.cost.map_or("cost unknown".to_owned(), |cost| cost.to_string());
        let usage = &charge.usage;
        let cached = match usage.cache_read {
            0 => String::new(),
            tokens => format!(" ({tokens} cached)"),
        };
        facts.push(format!("{} in{cached}, {} out, {cost}", usage.total_input(), usage.output));
    }
    if let Some(part) = model.changed {
        facts.push(format!("differs from {part} on"));
    }
    if model.calls > 0 {
        facts.push(plural(u64::try_from(model.calls).unwrap_or_default(), "tool call"));
    }
    facts.join(" · ")
}

fn since(start: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(start)).unwrap_or_default()
}

/// Returns a line without removing the blanks at its beginning.
fn fit_whole(line: &str, columns: usize) -> String {
    if line.width() <= columns { line.to_owned() } else { fit(line, columns) }
}
