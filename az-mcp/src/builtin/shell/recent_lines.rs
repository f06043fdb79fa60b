//! The last lines of a command's output, while it runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use memchr::{memchr2, memrchr2_iter};

/// The number of lines.
const LINES: usize = 5;
/// The maximum length of a line in bytes; binary output may not have line ends.
const MAX_LINE: usize = 500;
/// The line ends that are looked at in a chunk: more than the lines, as some are blank or drawn over.
const ENDS: usize = 16 * LINES;

/// The last lines of both outputs of a command, in the order in which they ended.
#[derive(Debug, Clone, Default)]
pub(super) struct RecentLines(Arc<Mutex<VecDeque<(Source, String)>>>);

/// An output of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Stdout,
    Stderr,
}

/// Finds the lines of one output, which arrives in chunks.
#[derive(Debug)]
pub(super) struct LineReader {
    source: Source,
    lines: RecentLines,
    /// The beginning of the line that has not ended yet.
    open: Vec<u8>,
    /// Whether a carriage return ended the last line, so that the next one is drawn over it.
    returned: bool,
}

impl RecentLines {
    /// Returns the lines, oldest first.
    pub(super) fn get(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|(_, line)| line.clone()).collect()
    }

    /// Adds a line, in place of the last one if it is `drawn_over` that.
    fn add(&self, source: Source, line: String, drawn_over: bool) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn_over && lines.back().is_some_and(|(of, _)| *of == source) {
            lines.pop_back();
        }
        lines.push_back((source, line));
        if lines.len() > LINES {
            lines.pop_front();
        }
    }
}

impl LineReader {
    /// Creates a reader that adds its lines to those of the command.
    pub(super) const fn new(source: Source, lines: RecentLines) -> Self {
        Self { source, lines, open: Vec::new(), returned: false }
    }

    /// Adds a chunk; returns whether a line ended in it that is not blank.
    ///
    /// A carriage return ends a line as well, because progress bars use it to redraw their line.
    pub(super) fn push(&mut self, chunk: &[u8]) -> bool {
        let mut rest = chunk;
        if let Some(at) = memrchr2_iter(b'\n', b'\r', chunk).nth(ENDS) {
            self.open.clear();
            rest = chunk.get(at + 1..).unwrap_or_default();
        }
        let mut ended = false;
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            let (text, after) = rest.split_at(at);
            self.keep(text);
            ended |= self.end(after.starts_with(b"\r"));
            rest = after.get(1..).unwrap_or_default();
        }
        self.keep(rest);
        ended
    }

    /// Ends the line; returns whether it is not blank.
    fn end(&mut self, returned: bool) -> bool {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.open)).trim_end().to_owned();
        let is_blank = line.is_empty();
        if !is_blank {
            self.lines.add(self.source, line, self.returned);
        }
        // A line feed after a carriage return ends the same line.
        self.returned = returned && (!is_blank || self.returned);
        !is_blank
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.open.len());
        self.open.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::{LineReader, MAX_LINE, RecentLines, Source};

    fn reader() -> LineReader {
        LineReader::new(Source::Stdout, RecentLines::default())
    }

    #[test]
    fn the_last_lines_are_kept_in_any_chunks() {
        let output = "one\ntwo\r\n\nthree\n10%\r50%\r100%\nfour\nfive\nsi";
        for size in [1, 2, 7, 100] {
            let mut reader = reader();
            for chunk in output.as_bytes().chunks(size) {
                reader.push(chunk);
            }
            assert_eq!(reader.lines.get(), ["two", "three", "100%", "four", "five"], "{size}");
        }
    }

    #[test]
    fn a_chunk_without_the_end_of_a_line_shows_nothing_new() {
        let mut reader = reader();
        assert!(!reader.push(b"comp"));
        assert!(reader.push(b"iling a\nlink"));
        assert!(!reader.push(b"\x20"));
        assert!(reader.push(b"ing\n"));
        assert!(!reader.push(b"\n\r\n"));
        assert_eq!(reader.lines.get(), ["compiling a", "link ing"]);
        let many = "x\n".repeat(10_000) + "last\n";
        assert!(reader.push(many.as_bytes()));
        assert_eq!(reader.lines.get(), ["x", "x", "x", "x", "last"]);
    }

    #[test]
    fn a_progress_bar_is_drawn_over_in_its_own_output_only() {
        let lines = RecentLines::default();
        let [mut out, mut err] =
            [Source::Stdout, Source::Stderr].map(|source| LineReader::new(source, lines.clone()));
        err.push(b"10%\r");
        out.push(b"a line\n");
        err.push(b"20%\r");
        err.push(b"30%\r");
        assert_eq!(lines.get(), ["10%", "a line", "30%"]);
    }

    #[test]
    fn a_line_without_an_end_uses_bounded_memory() {
        let mut reader = reader();
        for _ in 0..100 {
            assert!(!reader.push(&[b'x'; 100]));
        }
        assert_eq!(reader.open.len(), MAX_LINE);
        assert!(reader.push(b"\n"));
        assert_eq!(reader.lines.get(), ["x".repeat(MAX_LINE)]);
    }
}
