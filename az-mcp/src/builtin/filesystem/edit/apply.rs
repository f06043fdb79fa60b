//! Where an edit applies, and what the text is afterwards. Nothing here performs I/O.

use std::ops::Range;

use memchr::memmem;

use super::nearest::nearest;
use super::normal::{LineEnd, NormalText, count_lines};
use super::refusal::{Occurrences, Refusal};
use super::text::without_mark;

/// The number of occurrences whose lines are listed.
const LISTED: usize = 5;
/// The most occurrences that are counted.
const COUNTED: usize = 10_000;
/// The most bytes that are compared to count them.
const COMPARED: usize = 16 << 20;

/// An edit: the text to replace, and its replacement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edit<'a> {
    pub(super) old: &'a str,
    pub(super) new: &'a str,
    /// Whether all occurrences are replaced, from the first one on and without overlap.
    pub(super) all: bool,
}

/// A text after an edit.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) text: String,
    /// The line of the first occurrence, from 1.
    pub(super) line: usize,
    /// Where the text differs from the one before, in the new text.
    pub(super) changes: Vec<Range<usize>>,
}

/// An edit with line ends as in [`NormalText`], and without byte order marks.
struct NormalEdit<'a> {
    old: String,
    new: String,
    /// The replacement as it was sent.
    raw: &'a str,
}

/// Applies an edit to the text of a file.
///
/// CR LF and LF count as the same line end. A line end at the end of the text to replace is ignored if
/// only the last line matches and has none. The replacement gets the line ends of what it replaces, or
/// of the file. What both texts have in common at their start and end is not touched.
pub(super) fn apply(original: &str, edit: Edit<'_>) -> Result<Applied, Refusal> {
    let raw = without_mark(edit.new);
    let normal_of = |text| NormalText::of(text).text;
    let mut normal_edit =
        NormalEdit { old: normal_of(without_mark(edit.old)), new: normal_of(raw), raw };
    if normal_edit.old.is_empty() {
        return Err(Refusal::Empty);
    }
    if normal_edit.old == normal_edit.new {
        return Err(Refusal::Same);
    }
    let file = NormalText::of(original);
    let places = match find(&file.text, &normal_edit.old, edit.all)? {
        places if !places.is_empty() => places,
        _ => vec![find_last_line(&file.text, &mut normal_edit)?],
    };
    Ok(splice(original, &file, &normal_edit, &places))
}

/// Returns where a text occurs: once, or anywhere if `all` is set; nowhere is no error.
fn find(text: &str, old: &str, all: bool) -> Result<Vec<usize>, Refusal> {
    let finder = memmem::Finder::new(old);
    if all {
        return Ok(finder.find_iter(text.as_bytes()).collect());
    }
    let Some(first) = finder.find(text.as_bytes()) else { return Ok(Vec::new()) };
    let rest = text.as_bytes().get(first + 1..).unwrap_or_default();
    match finder.find(rest) {
        None => Ok(vec![first]),
        Some(_) => Err(Refusal::Several(occurrences(text.as_bytes(), &finder))),
    }
}

/// Lists where a text occurs, also where the occurrences overlap.
fn occurrences(text: &[u8], finder: &memmem::Finder<'_>) -> Occurrences {
    let limit = (COMPARED / finder.needle().len().max(1)).clamp(2, COUNTED);
    let mut found = Occurrences { lines: Vec::new(), count: 0, is_all: true };
    let (mut from, mut line, mut line_at) = (0, 1, 0);
    while let Some(place) = finder.find(text.get(from..).unwrap_or_default()) {
        if found.count == limit {
            found.is_all = false;
            break;
        }
        let at = from + place;
        found.count += 1;
        if found.lines.len() < LISTED {
            line += count_lines(text.get(line_at..at).unwrap_or_default());
            line_at = at;
            found.lines.push(line);
        }
        from = at + 1;
    }
    found
}

/// Returns where the last line matches apart from the line end that it does not have, which is taken
/// off the edit then.
fn find_last_line(text: &str, edit: &mut NormalEdit<'_>) -> Result<usize, Refusal> {
    let stem = edit.old.strip_suffix('\n').filter(|stem| !stem.is_empty());
    let Some(at) = stem.and_then(|stem| text.strip_suffix(stem)).map(str::len) else {
        return Err(Refusal::Missing(nearest(text, &edit.old)));
    };
    edit.old.pop();
    if edit.new.ends_with('\n') {
        edit.new.pop();
        let raw = edit.raw.strip_suffix('\n').unwrap_or(edit.raw);
        edit.raw = raw.strip_suffix('\r').unwrap_or(raw);
    }
    if edit.old == edit.new { Err(Refusal::Same) } else { Ok(at) }
}

/// Replaces the text at these places, which are in order and do not overlap.
fn splice(original: &str, file: &NormalText, edit: &NormalEdit<'_>, places: &[usize]) -> Applied {
    let (prefix, suffix) = common(&edit.old, &edit.new);
    let middle = edit.new.get(prefix..edit.new.len() - suffix).unwrap_or_default();
    let with_pairs = middle.replace('\n', "\r\n");
    let mut text = String::with_capacity(original.len() + middle.len());
    let (mut changes, mut copied) = (Vec::new(), 0);
    for at in places {
        let whole = *at..at + edit.old.len();
        let (part, replacement) = match file.line_end(whole.clone()) {
            Some(LineEnd::Lf) => (whole.start + prefix..whole.end - suffix, middle),
            Some(LineEnd::CrLf) => (whole.start + prefix..whole.end - suffix, &*with_pairs),
            // There is no line end to go by.
            None => (whole, edit.raw),
        };
        let (start, end) = (file.original(part.start), file.original(part.end));
        text.push_str(original.get(copied..start).unwrap_or_default());
        changes.push(text.len()..text.len() + replacement.len());
        text.push_str(replacement);
        copied = end;
    }
    text.push_str(original.get(copied..).unwrap_or_default());
    let first = places.first().copied().unwrap_or_default();
    let before = file.text.as_bytes().get(..first).unwrap_or_default();
    Applied { text, line: 1 + count_lines(before), changes }
}

/// Returns the lengths of what two texts have in common at their start and at their end.
fn common(old: &str, new: &str) -> (usize, usize) {
    let same = |pair: &(char, char)| pair.0 == pair.1;
    let prefix: usize =
        old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let rest = |text: &str| text.get(prefix..).unwrap_or_default().to_owned();
    let (old, new) = (rest(old), rest(new));
    let ends = old.chars().rev().zip(new.chars().rev());
    (prefix, ends.take_while(same).map(|(c, _)| c.len_utf8()).sum())
}
