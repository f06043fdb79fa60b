//! What an edit has to do, by another method than the tool's: on single characters with their bytes.

use super::super::apply::Edit;

/// A character of a file and its bytes; a line end is one of them, whatever its bytes are.
#[derive(Debug, Clone, Copy)]
struct Place {
    c: char,
    start: usize,
    end: usize,
}

/// What an edit has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The bytes before and after these stay, and the characters of the file are these.
    Edited { start: usize, end: usize, chars: String },
    /// Nothing, since the text occurs so often; the lines of the first five.
    Several { count: usize, lines: Vec<usize> },
    /// Nothing, since the text does not occur.
    Missing,
    /// Nothing, since there is no text, or no change.
    Nothing,
}

/// Returns what an edit of a single occurrence has to do to a file.
pub(super) fn expected(bytes: &[u8], edit: Edit<'_>) -> Expected {
    let file = places(bytes);
    let (mut old, mut new) = (chars(edit.old), chars(edit.new));
    if old.is_empty() || old == new {
        return Expected::Nothing;
    }
    let found: Vec<usize> = (0..file.len())
        .filter(|from| {
            let part = file.get(*from..from + old.len());
            part.is_some_and(|part| part.iter().map(|place| place.c).eq(old.iter().copied()))
        })
        .collect();
    let at = match *found {
        [at] => at,
        [] => {
            let is_last = old.pop() == Some('\n') && !old.is_empty() && file.len() >= old.len();
            let at = file.len().saturating_sub(old.len());
            if !is_last || !file[at..].iter().map(|place| place.c).eq(old.iter().copied()) {
                return Expected::Missing;
            }
            new.pop_if(|last| *last == '\n');
            at
        }
        _ => {
            let line = |at: &usize| 1 + file[..*at].iter().filter(|place| place.c == '\n').count();
            let lines = found.iter().take(5).map(line).collect();
            return Expected::Several { count: found.len(), lines };
        }
    };
    if old == new {
        return Expected::Nothing;
    }
    let (before, rest) = file.split_at(at);
    let (part, after) = rest.split_at(old.len());
    let of = |places: &[Place]| places.iter().map(|place| place.c).collect::<String>();
    let chars = of(before) + &new.into_iter().collect::<String>() + &of(after);
    Expected::Edited { start: part[0].start, end: part[part.len() - 1].end, chars }
}

/// Returns the characters of the text of a file, without a byte order mark.
pub(super) fn text_of(bytes: &[u8]) -> String {
    places(bytes).iter().map(|place| place.c).collect()
}

fn chars(text: &str) -> Vec<char> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.replace("\r\n", "\n").chars().collect()
}

fn places(bytes: &[u8]) -> Vec<Place> {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        char::decode_utf16(units).map(Result::unwrap).map(|c| (c, 2 * c.len_utf16())).collect()
    };
    let chars: Vec<(char, usize)> = match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).unwrap().chars().map(|c| (c, c.len_utf8())).collect(),
    };
    let mut places: Vec<Place> = Vec::new();
    let mut at = 0;
    for (index, (c, length)) in chars.into_iter().enumerate() {
        let (start, end) = (at, at + length);
        at = end;
        match places.last_mut() {
            _ if index == 0 && c == '\u{feff}' => {}
            Some(last) if last.c == '\r' && c == '\n' => (last.c, last.end) = ('\n', end),
            _ => places.push(Place { c, start, end }),
        }
    }
    places
}
