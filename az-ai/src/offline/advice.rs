//! Suggests shell commands for what the planner cannot do.

use super::plan::{grep, shell_quote};
use super::step::{Depth, How, Listing, Of, Step, Text, Unit};

/// Returns a step that does with a shell command what `step` does to the result of `source`.
pub(super) fn instead(step: &Step, source: &Step) -> Option<String> {
    let file = match source {
        Step::Read { path } | Step::Count { of: Of::File(path), .. } => Some(shell_word(path)),
        _ => None,
    };
    let command = match (counts(step), file) {
        (Some(flag), Some(file)) => format!("wc {flag} {file}"),
        (Some(flag), None) => format!("{} | wc {flag}", prints(source)?),
        (None, Some(file)) => format!("cat {file}"),
        (None, None) => prints(source)?,
    };
    let command = match step {
        Step::Put { path, how: How::Write, .. } => format!("{command} > {}", shell_word(path)),
        Step::Put { path, how: How::Append, .. } => format!("{command} >> {}", shell_word(path)),
        _ => command,
    };
    Some(format!("run \"{}\"", command.replace('"', "\\\"")))
}

/// Returns the option of `wc` for what a step counts, if it counts.
const fn counts(step: &Step) -> Option<&'static str> {
    let (Step::Count { unit, .. } | Step::Put { text: Text::HowMany(unit), .. }) = step else {
        return None;
    };
    Some(match unit {
        Some(Unit::Words) => "-w",
        Some(Unit::Characters) => "-m",
        Some(Unit::Bytes) => "-c",
        Some(Unit::Lines | Unit::Files | Unit::Directories) | None => "-l",
    })
}

/// Returns a command that prints the result of a step.
fn prints(source: &Step) -> Option<String> {
    let find = |path: &str, depth: Depth, rest: &str| {
        let flat = if depth == Depth::Flat { " -maxdepth 1" } else { "" };
        let hidden = "-not -path '*/.*'";
        format!("find {} -mindepth 1{flat} {hidden}{rest}", shell_word(path))
    };
    Some(match source {
        Step::Count { unit: Some(Unit::Directories), of: Of::Directory(listing) } => {
            find(&listing.path, listing.depth, " -type d")
        }
        Step::Count { of: Of::Directory(Listing { path, depth, .. }), .. } => {
            find(path, *depth, " -type f")
        }
        Step::List(Listing { path, depth, .. }) => find(path, *depth, ""),
        Step::FindFiles { glob, path } => {
            find(path, Depth::Recursive, &format!(" -type f -name {}", shell_quote(glob)))
        }
        Step::FindText { text, path } => grep(text, path),
        Step::Run { command } => format!("({command})"),
        Step::Read { .. }
        | Step::Put { .. }
        | Step::Count { .. }
        | Step::Processes { .. }
        | Step::Search { .. } => return None,
    })
}

/// Quotes a path for the shell if necessary.
fn shell_word(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '-' | '+');
    if path.chars().all(plain) && !path.starts_with('-') && !path.is_empty() {
        return path.to_owned();
    }
    shell_quote(path)
}
