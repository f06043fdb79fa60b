//! What an edit changed, for the model.

use std::ops::Range;

use az_core::text::plural;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::apply::Applied;
use super::normal::count_lines;
use crate::secrets::KnownSecrets;

/// The number of lines that are shown before and after a change.
const AROUND: usize = 3;
/// The number of lines that are shown.
const SHOWN: usize = 40;
/// The number of characters that are shown of a line.
const WIDTH: usize = 200;

/// What an edit changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct EditReport {
    /// The path of the file.
    pub(super) path: String,
    /// The number of replaced occurrences.
    pub(super) replacements: usize,
    /// The first line that changed, from 1, as the file is now.
    pub(super) first_line: usize,
    /// The last line that changed.
    pub(super) last_line: usize,
}

impl EditReport {
    pub(super) fn of(path: &str, applied: &Applied) -> Self {
        let lines = |change: Option<&Range<usize>>| {
            change.map_or(1..=1, |change| lines_of(&applied.text, change))
        };
        Self {
            path: path.to_owned(),
            replacements: applied.changes.len(),
            first_line: *lines(applied.changes.first()).start(),
            last_line: *lines(applied.changes.last()).end(),
        }
    }

    /// Returns the report as a line.
    pub(super) fn line(&self) -> String {
        let Self { path, replacements, first_line, last_line } = self;
        let lines = match first_line == last_line {
            true => format!("line {first_line}"),
            false => format!("lines {first_line} to {last_line}"),
        };
        format!("edited `{path}`: {}, {lines}", plural(*replacements, "replacement"))
    }
}

/// Returns the changed lines with those around them, as `12:text`, and `11-text` for one that did not
/// change; secrets are masked.
pub(super) fn excerpt(applied: &Applied, secrets: &KnownSecrets) -> String {
    let mut shown: Vec<(usize, bool)> = Vec::new();
    let mut left_out = applied.changes.len();
    for change in applied.changes.iter().take(SHOWN) {
        if shown.len() >= SHOWN {
            break;
        }
        left_out -= 1;
        let lines = lines_of(&applied.text, change);
        let (first, last) = (*lines.start(), *lines.end());
        for line in first.saturating_sub(AROUND).max(1)..=last + AROUND {
            let is_changed = lines.contains(&line);
            match shown.last_mut() {
                Some((known, changed)) if *known == line => *changed |= is_changed,
                Some((known, _)) if *known > line => {}
                _ => shown.push((line, is_changed)),
            }
        }
    }
    let cut = shown.len() > SHOWN;
    shown.truncate(SHOWN);
    let mut lines = render(&applied.text, &shown, secrets);
    if cut {
        lines.push("[more lines changed]".to_owned());
    }
    if left_out > 0 {
        lines.push(format!("[{} not shown]", plural(left_out, "more replacement")));
    }
    lines.join("\n")
}

fn render(text: &str, shown: &[(usize, bool)], secrets: &KnownSecrets) -> Vec<String> {
    let mut lines = text.lines().enumerate();
    let mut rendered = Vec::new();
    let mut previous = 0;
    for (number, is_changed) in shown {
        let Some((_, line)) = lines.find(|(index, _)| index + 1 == *number) else { break };
        if previous > 0 && previous + 1 < *number {
            rendered.push("--".to_owned());
        }
        previous = *number;
        let mark = if *is_changed { ':' } else { '-' };
        // A secret that is cut could not be found any more.
        let line = secrets.redact(line);
        let mut short: String = line.chars().take(WIDTH).collect();
        if short.len() < line.len() {
            short.push('…');
        }
        rendered.push(format!("{number}{mark}{short}"));
    }
    rendered
}

/// Returns the lines of a part of a text, from 1.
fn lines_of(text: &str, part: &Range<usize>) -> std::ops::RangeInclusive<usize> {
    let bytes = text.as_bytes();
    let first = 1 + count_lines(bytes.get(..part.start).unwrap_or_default());
    // The line end of the last line belongs to it.
    let inner = part.start..part.end.saturating_sub(1).max(part.start);
    first..=first + count_lines(bytes.get(inner).unwrap_or_default())
}
