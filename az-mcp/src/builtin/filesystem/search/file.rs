//! The search in one file.

use std::io::{self, Read};

use az_core::CancellationToken;
use cap_std::fs::File;
use grep_matcher::Matcher;
use grep_regex::RegexMatcher;
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkFinish, SinkMatch,
};

use crate::secrets::KnownSecrets;

/// The most memory that the lines of a file may take.
const HEAP: usize = 64 << 20;
/// The number of bytes that are kept of a line, and how many of them are before the match.
const LINE_KEPT: usize = 300;
const BEFORE_MATCH: usize = 100;

/// A line that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: String,
    /// Whether it matches; otherwise it is near one that does.
    pub(super) is_match: bool,
}

/// What was found in a file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct FileHits {
    pub(super) lines: Vec<Line>,
    /// The number of matching lines.
    pub(super) count: u64,
}

/// What is kept of the lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The number of matching lines that are kept of a file.
    pub(super) lines: usize,
    /// The number of lines around each.
    pub(super) context: usize,
    /// Whether the first matching line is enough.
    pub(super) is_first_enough: bool,
}

/// Returns a searcher; each thread has one of its own.
pub(super) fn searcher(wanted: Wanted) -> Searcher {
    let mut builder = SearcherBuilder::new();
    builder.line_number(wanted.lines > 0).heap_limit(Some(HEAP));
    builder.before_context(wanted.context).after_context(wanted.context);
    builder.binary_detection(BinaryDetection::quit(0)).build()
}

/// Searches a file; nothing is found in a binary one.
pub(super) fn search(
    searcher: &mut Searcher,
    matcher: &RegexMatcher,
    (file, cancel): (File, &CancellationToken),
    (wanted, secrets): (Wanted, &KnownSecrets),
) -> io::Result<FileHits> {
    let hits = FileHits::default();
    let mut collect = Collect { matcher, wanted, secrets, hits, is_binary: false };
    let reader = Cancellable { file: file.into_std(), cancel };
    searcher.search_reader(matcher, reader, &mut collect)?;
    Ok(if collect.is_binary { FileHits::default() } else { collect.hits })
}

/// A file that can be read until the call is cancelled.
struct Cancellable<'a> {
    file: std::fs::File,
    cancel: &'a CancellationToken,
}

impl Read for Cancellable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.cancel.is_cancelled() {
            true => Err(io::Error::other("cancelled")),
            false => self.file.read(buffer),
        }
    }
}

struct Collect<'a> {
    matcher: &'a RegexMatcher,
    wanted: Wanted,
    /// What is masked before a line is cut.
    secrets: &'a KnownSecrets,
    hits: FileHits,
    is_binary: bool,
}

impl Collect<'_> {
    fn keep(&mut self, number: Option<u64>, bytes: &[u8], is_match: bool) {
        let number = number.unwrap_or_default();
        let from = match is_match {
            true => self.matcher.find(bytes).ok().flatten().map_or(0, |found| found.start()),
            false => 0,
        };
        self.hits.lines.push(Line { number, text: shortened(bytes, from, self.secrets), is_match });
    }

    fn is_full(&self) -> bool {
        usize::try_from(self.hits.count).is_ok_and(|count| count > self.wanted.lines)
    }
}

impl Sink for Collect<'_> {
    type Error = io::Error;

    fn matched(&mut self, _searcher: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        self.hits.count += 1;
        if !self.is_full() {
            self.keep(found.line_number(), found.bytes(), true);
        }
        Ok(!self.wanted.is_first_enough)
    }

    fn context(&mut self, _searcher: &Searcher, near: &SinkContext<'_>) -> io::Result<bool> {
        if self.wanted.lines > 0 && !self.is_full() {
            self.keep(near.line_number(), near.bytes(), false);
        }
        Ok(true)
    }

    fn binary_data(&mut self, _searcher: &Searcher, _offset: u64) -> io::Result<bool> {
        self.is_binary = true;
        Ok(false)
    }

    fn finish(&mut self, _searcher: &Searcher, finish: &SinkFinish) -> io::Result<()> {
        self.is_binary |= finish.binary_byte_offset().is_some();
        Ok(())
    }
}

/// Returns a line without its end, and of a long one the part around a position.
fn shortened(line: &[u8], at: usize, secrets: &KnownSecrets) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    if text.len() <= LINE_KEPT {
        return text.to_owned();
    }
    let floor = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = floor(at.saturating_sub(BEFORE_MATCH).min(text.len()));
    let end = floor((start + LINE_KEPT).min(text.len()));
    let part = secrets.redact_part(text, start..end);
    let before = if start > 0 { "…" } else { "" };
    let after = if end < text.len() { "…" } else { "" };
    format!("{before}{part}{after} [of {} bytes]", text.len())
}
