//! A part of a text, in whole lines.

use std::borrow::Cow;
use std::ops::Range;

use crate::secrets::KnownSecrets;

/// The part of a text that is returned.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<'t> {
    pub(super) text: &'t str,
    /// Where it begins in the whole text, in bytes.
    pub(super) start: usize,
    /// Its first and its last line, from 1.
    lines: (usize, usize),
    /// The number of lines of the whole text.
    of: usize,
    /// The length of its only line in bytes, if a part of it is left out.
    cut: Option<usize>,
}

/// The largest page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageSize {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

impl<'t> Page<'t> {
    /// Returns the page that begins with the line `offset`, from 1; the number of lines if there is no
    /// such line. An empty text has one empty page.
    pub(super) fn of(text: &'t str, offset: usize, size: PageSize) -> Result<Self, usize> {
        let of = text.split_inclusive('\n').count();
        if offset > of.max(1) {
            return Err(of);
        }
        let before = text.split_inclusive('\n').take(offset - 1).map(str::len);
        let start = before.sum();
        let rest = text.get(start..).unwrap_or_default();
        let (mut end, mut last) = (0, offset - 1);
        for line in rest.split_inclusive('\n').take(size.lines) {
            if end + line.len() > size.bytes {
                break;
            }
            end += line.len();
            last += 1;
        }
        let mut cut = None;
        if end == 0
            && let Some(line) = rest.split_inclusive('\n').next()
        {
            cut = Some(line.len());
            end = (0..=size.bytes).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            last = offset;
        }
        let text = rest.get(..end).unwrap_or_default();
        Ok(Self { text, start, lines: (offset, last), of, cut })
    }

    /// Returns whether it is the whole text.
    pub(super) const fn is_whole(&self) -> bool {
        self.lines.0 == 1 && self.lines.1 == self.of && self.cut.is_none()
    }

    /// Returns where the page is in the whole text, in bytes.
    pub(super) const fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// Returns its text with secrets masked, also those of which it has only a part. `whole` is the text
    /// that it is a part of.
    pub(super) fn masked(&self, whole: &'t str, secrets: &KnownSecrets) -> Cow<'t, str> {
        secrets.redact_part(whole, self.range())
    }

    /// Returns a text of the page, with a last line that says what is left out.
    pub(super) fn render(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let notes = self.notes();
        if !notes.is_empty() {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&format!("[{}]", notes.join("; ")));
        }
        text
    }

    fn notes(&self) -> Vec<String> {
        let (first, last) = self.lines;
        let mut notes = Vec::new();
        if self.is_whole() || self.of == 0 {
            return notes;
        }
        if let Some(length) = self.cut {
            let shown = self.text.len();
            notes.push(format!("line {first} has {length} bytes; the first {shown} are shown"));
        }
        notes.push(match first == last {
            true => format!("line {first} of {}", self.of),
            false => format!("lines {first} to {last} of {}", self.of),
        });
        if last < self.of {
            notes.push(format!("read on with offset {}", last + 1));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, PageSize};

    #[track_caller]
    fn check(text: &str, offset: usize, (lines, bytes): (usize, usize), expected: &str) {
        let page = Page::of(text, offset, PageSize { lines, bytes }).unwrap();
        assert_eq!(page.render(page.text), expected);
        assert!(text[page.start..].starts_with(page.text));
    }

    #[test]
    fn a_page_has_whole_lines_and_says_what_is_left_out() {
        let text = "one\ntwo\nthree";
        check(text, 1, (9, 99), text);
        check(text, 1, (2, 99), "one\ntwo\n[lines 1 to 2 of 3; read on with offset 3]");
        check(text, 1, (9, 9), "one\ntwo\n[lines 1 to 2 of 3; read on with offset 3]");
        check(text, 2, (1, 99), "two\n[line 2 of 3; read on with offset 3]");
        check(text, 3, (9, 99), "three\n[line 3 of 3]");
        check("", 1, (9, 99), "");
        check("a\r\nb\r\n", 2, (9, 99), "b\r\n[line 2 of 2]");
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_at_a_character_and_the_note_says_so() {
        check(
            "aéé\nb",
            1,
            (9, 4),
            "aé\n[line 1 has 6 bytes; the first 3 are shown; line 1 of 2; read on with offset 2]",
        );
        check(
            "x\nabcdef",
            2,
            (9, 3),
            "abc\n[line 2 has 6 bytes; the first 3 are shown; line 2 of 2]",
        );
    }

    #[test]
    fn there_is_no_page_beyond_the_end() {
        let size = PageSize { lines: 9, bytes: 99 };
        assert_eq!(Page::of("one\ntwo\n", 3, size), Err(2));
        assert_eq!(Page::of("", 2, size), Err(0));
    }
}
