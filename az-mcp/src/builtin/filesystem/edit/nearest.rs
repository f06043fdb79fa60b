//! The part of a file that is most like a text that does not occur in it.

use std::collections::{HashMap, HashSet};
use std::fmt;

/// How many equal lines of the text to replace vote for a place.
const VOTERS: usize = 4;
/// The most votes of a line; longer lines say more about the place than short ones.
const MOST_VOTES: usize = 16;
/// The votes of a place that are better than a line with the same words: a brace alone is not.
const NEEDED: u32 = 3;
/// The number of characters of a line that are quoted.
const QUOTED: usize = 120;

/// The part of a file that is most like a text, and the first line that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nearest {
    /// The line of the file where it begins, from 1.
    line: usize,
    differs: Option<Difference>,
}

/// A line that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    /// The number in the file and the text, quoted; `None` if the file has no such line.
    file: Option<(usize, String)>,
    /// The number in the text to replace and the text, quoted.
    old: (usize, String),
}

/// Returns the part of `text` that is most like `old`, if any line of it is. Takes time in proportion
/// to the length of both.
pub(super) fn nearest(text: &str, old: &str) -> Option<Nearest> {
    let lines: Vec<&str> = text.lines().collect();
    let wanted: Vec<&str> = old.lines().collect();
    let start = by_lines(&lines, &wanted, NEEDED)
        .or_else(|| by_words(&lines, &wanted))
        .or_else(|| by_lines(&lines, &wanted, 1))?;
    let is_open = !old.ends_with('\n');
    let place = usize::try_from(start).unwrap_or_default();
    Some(Nearest { line: place + 1, differs: difference(&lines, &wanted, start, is_open) })
}

/// Returns the place at which the most lines are the same apart from blanks at their ends: the index of
/// the line where `wanted` would begin, which may be before the first one. `None` for fewer votes than
/// are needed.
fn by_lines(lines: &[&str], wanted: &[&str], needed: u32) -> Option<isize> {
    let mut voters: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in wanted.iter().map(|line| line.trim()).enumerate() {
        let same = voters.entry(line).or_default();
        if !line.is_empty() && same.len() < VOTERS {
            same.push(index);
        }
    }
    let mut votes = vec![0_u32; lines.len() + wanted.len()];
    for (index, line) in lines.iter().map(|line| line.trim()).enumerate() {
        for voter in voters.get(line).into_iter().flatten() {
            if let Some(place) = votes.get_mut(index + wanted.len() - voter) {
                *place += u32::try_from(line.len().min(MOST_VOTES)).unwrap_or_default();
            }
        }
    }
    // Of places with equal votes, the first one.
    let (place, most) = votes.iter().enumerate().rev().max_by_key(|(_, votes)| **votes)?;
    (*most >= needed).then(|| place.checked_signed_diff(wanted.len())).flatten()
}

/// Returns the place of the line that has the most words of the line with the most words.
fn by_words(lines: &[&str], wanted: &[&str]) -> Option<isize> {
    let sets = wanted.iter().map(|line| words(line).collect::<HashSet<_>>()).enumerate();
    let (index, sought) = sets.rev().max_by_key(|(_, set)| set.len())?;
    let score = |line: &str| words(line).filter(|word| sought.contains(word)).count();
    let scores = lines.iter().map(|line| score(line).min(sought.len())).enumerate();
    let (place, score) = scores.rev().max_by_key(|(_, score)| *score)?;
    (score > 0 && 2 * score >= sought.len()).then(|| place.checked_signed_diff(index)).flatten()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.len() > 1)
}

/// Returns the first line that differs. The first line of `wanted` may be the end of a line, and the
/// last one the start of one if `is_open`.
fn difference(lines: &[&str], wanted: &[&str], start: isize, is_open: bool) -> Option<Difference> {
    for (index, old) in wanted.iter().enumerate() {
        let place = start.checked_add_unsigned(index).and_then(|at| usize::try_from(at).ok());
        let found = place.and_then(|at| Some((at, *lines.get(at)?)));
        let is_last = is_open && index + 1 == wanted.len();
        let fits = |line: &str| match (index == 0, is_last) {
            (true, true) => line.contains(old),
            (true, false) => line.ends_with(old),
            (false, true) => line.starts_with(old),
            (false, false) => line == *old,
        };
        match found {
            Some((_, line)) if fits(line) => {}
            Some((at, line)) => {
                let (line, old) = quote_both(line, old);
                return Some(Difference { file: Some((at + 1, line)), old: (index + 1, old) });
            }
            None => {
                let old = (index + 1, quote(old, 0));
                return Some(Difference { file: None, old });
            }
        }
    }
    None
}

/// Quotes two lines so that their first difference is shown.
fn quote_both(one: &str, other: &str) -> (String, String) {
    let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(QUOTED / 2);
    (quote(one, from), quote(other, from))
}

/// Quotes a part of a line, with escapes for what cannot be seen.
fn quote(line: &str, from: usize) -> String {
    let mut quoted = String::from(if from > 0 { "\"…" } else { "\"" });
    let mut chars = line.chars().skip(from);
    for c in chars.by_ref().take(QUOTED) {
        match c {
            '\'' => quoted.push(c),
            c => quoted.extend(c.escape_debug()),
        }
    }
    if chars.next().is_some() {
        quoted.push('…');
    }
    quoted.push('"');
    quoted
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the nearest text is at line {}", self.line)?;
        match &self.differs {
            None => Ok(()),
            Some(Difference { file: Some((line, found)), old: (index, old) }) => write!(
                f,
                ": line {line} of the file is {found}, and line {index} of old_string is {old}; copy \
                 the text as it is in the file"
            ),
            Some(Difference { file: None, old: (index, old) }) => write!(
                f,
                ", and the file has no line there for line {index} of old_string, {old}; copy the text \
                 as it is in the file"
            ),
        }
    }
}
