//! The line of a text that is wrong, with what may be a secret left out.

use std::fmt;
use std::ops::Range;

use super::key::Key;
use super::path::{all_keys, find_key};

/// The longest line that is shown as a whole.
const WIDEST: usize = 120;

/// The line of a text that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Excerpt {
    /// The number of the line, from 1.
    pub line: usize,
    /// The text of the line. A value that may be a secret is replaced by `…`.
    pub text: String,
    /// The characters that are wrong, counted from the beginning of the line.
    pub marked: Range<usize>,
}

impl Excerpt {
    pub(super) fn new(text: &str, span: &Range<usize>, key: &str) -> Self {
        let start = (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
        let (before, after) = text.split_at(start.unwrap_or_default());
        let begin = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let head = before.get(begin..).unwrap_or_default();
        let tail = after.split('\n').next().unwrap_or_default();
        let whole = format!("{head}{tail}");
        let whole = whole.trim_end();
        let from = head.chars().count();
        let until = span.end.saturating_sub(span.start).min(tail.trim_end().len());
        let until = tail.char_indices().take_while(|(at, _)| *at < until).count().max(1);
        let shown = if shows_values(key, whole) && !has_long_word(whole) {
            whole.to_owned()
        } else {
            without_values(whole)
        };
        let shown: String = shown.chars().take(WIDEST).collect();
        let end = shown.chars().count();
        let from = from.min(end);
        Self { line, marked: from..(from + until).min(end.max(from + 1)), text: shown }
    }
}

/// Formats the line with its number, and carets below what is wrong.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let space = " ".repeat(number.len());
        // A tab stays a tab, so that the carets are below it at any width.
        let head = self.text.chars().take(self.marked.start);
        let head: String = head.map(|c| if c == '\t' { c } else { ' ' }).collect();
        writeln!(f, " {number} | {}", self.text)?;
        write!(f, " {space} | {head}{}", "^".repeat(self.marked.len()))
    }
}

/// Whether the line of this key can be shown with its value: the key is known, is no secret, and is the
/// only one of the line. An error of the syntax has no key; then the name at the beginning of the line
/// decides.
fn shows_values(key: &str, line: &str) -> bool {
    let is_plain = |key: &Key| !key.kind.may_be_secret() && key.below().is_empty();
    // What stands before the first `=` is the name of the key and nothing else.
    let name = line.split_once('=').map(|(name, _)| name.trim());
    if line.matches('=').count() > 1 || !name.is_none_or(is_bare) {
        return false;
    }
    if key.is_empty() {
        let name = name.unwrap_or_default();
        let keys: Vec<_> = all_keys().into_iter().filter(|(_, key)| key.name == name).collect();
        return !line.contains('{')
            && !keys.is_empty()
            && keys.iter().all(|(_, key)| is_plain(key));
    }
    find_key(key).is_some_and(is_plain)
}

/// Whether a text can be a key without quotes, and so is no value.
fn is_bare(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || ['_', '-', '.'].contains(&c))
}

/// Whether a line has a word with digits that is as long as a key: one that was pasted into another
/// key's place.
fn has_long_word(line: &str) -> bool {
    const SHORTEST_KEY: usize = 20;
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    let mut long = words.filter(|word| word.len() >= SHORTEST_KEY);
    long.any(|word| word.bytes().any(|byte| byte.is_ascii_digit()))
}

/// Returns a line without what stands behind its first `=`; a line without one, or with more than a key
/// before it, may be part of a value.
fn without_values(line: &str) -> String {
    match line.split_once('=').filter(|(key, _)| is_bare(key.trim().trim_start_matches('{').trim()))
    {
        Some((key, value)) if !value.trim().is_empty() => format!("{key}= …"),
        Some(_) => line.to_owned(),
        None if line.trim_start().starts_with('[') && !line.contains(['"', '\'', ',']) => {
            line.to_owned()
        }
        None => {
            let end = line.len() - line.trim_start().len();
            let word =
                line.trim_start().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_');
            format!("{}{}…", line.get(..end).unwrap_or_default(), word.collect::<String>())
        }
    }
}
