//! Captures output of any length in bounded memory: its head, its tail, and its length. Escape sequences
//! and lines that were drawn over are not kept.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::mem;

use az_core::text::plural;
use az_core::tool::{Progress, ProgressSender};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::escapes::EscapeFilter;
use super::last_line::LastLine;
use super::redraw::Redraw;
use crate::builtin::bytes::without_cut_character;

/// The size of the read buffer.
const CHUNK: usize = 64 << 10;

/// Keeps the head and the tail of an output.
#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    limit: usize,
    total: u64,
    /// Whether there is a NUL byte in it.
    is_binary: bool,
    escapes: EscapeFilter,
    redraw: Redraw,
    /// The length of the output without escape sequences and what was drawn over.
    kept: u64,
    lines: LastLine,
    progress: ProgressSender,
}

/// A captured output.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CapturedOutput {
    /// The text, with a line that stands for omitted bytes.
    pub(super) text: String,
    /// The length of the whole output in bytes.
    pub(super) total: u64,
    /// The number of bytes that are left out because they were drawn over.
    pub(super) drawn_over: u64,
    /// Whether the output is text.
    pub(super) kind: OutputKind,
}

/// Whether an output is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OutputKind {
    /// Valid UTF-8.
    Text,
    /// Text with invalid UTF-8 in it.
    InvalidUtf8,
    /// Data with NUL bytes.
    Binary,
}

impl Capture {
    /// Creates an empty capture that keeps `limit` bytes: two thirds from the head, one third from
    /// the tail, where commands print how they ended.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            limit,
            total: 0,
            is_binary: false,
            escapes: EscapeFilter::default(),
            redraw: Redraw::default(),
            kept: 0,
            lines: LastLine::default(),
            progress: ProgressSender::disconnected(),
        }
    }

    /// Sets the channel to which the last line is reported whenever output arrives.
    pub(super) fn reporting(mut self, progress: &ProgressSender) -> Self {
        self.progress = progress.clone();
        self
    }

    /// Reads to the end or the first error, which is treated as the end.
    pub(super) async fn fill(&mut self, from: Option<&mut (impl AsyncRead + Unpin)>) {
        let Some(from) = from else { return };
        let mut chunk = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            let chunk = chunk.get(..read).unwrap_or_default();
            self.push(chunk);
            if self.progress.is_connected()
                && let Some(line) = self.lines.push(chunk)
            {
                self.progress.report(Progress::message(line));
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.is_binary |= memchr::memchr(0, bytes).is_some();
        let (mut escapes, mut redraw) = (mem::take(&mut self.escapes), mem::take(&mut self.redraw));
        escapes.push(bytes, |text| redraw.push(text, |kept| self.keep(kept)));
        (self.escapes, self.redraw) = (escapes, redraw);
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.kept += bytes.len() as u64;
        let room = (self.limit / 3 * 2).saturating_sub(self.head.len());
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let tail_limit = self.limit - self.limit / 3 * 2;
        let last = rest.get(rest.len().saturating_sub(tail_limit)..).unwrap_or_default();
        let over = (self.tail.len() + last.len()).saturating_sub(tail_limit);
        self.tail.drain(..over);
        self.tail.extend(last);
    }

    /// Returns the captured output.
    pub(super) fn finish(mut self) -> CapturedOutput {
        let (rest, drawn_over) = mem::take(&mut self.redraw).finish();
        self.keep(&rest);
        let Self { mut head, tail, total, is_binary, kept, .. } = self;
        let mut tail = Vec::from(tail);
        if is_binary {
            let text = format!("[binary output of {}, not shown]", plural(total, "byte"));
            let kind = OutputKind::Binary;
            return CapturedOutput { text, total, drawn_over: 0, kind };
        }
        if kept == (head.len() + tail.len()) as u64 {
            head.append(&mut tail);
            let (text, kind) = decode(&head);
            let text = text.into_owned();
            return CapturedOutput { text, total, drawn_over, kind };
        }
        let (head, tail) = (without_cut_character(&head), trim_cut_start(&tail));
        let omitted = kept - (head.len() + tail.len()) as u64;
        let ((head, head_kind), (tail, tail_kind)) = (decode(head), decode(tail));
        let omitted = plural(omitted, "byte");
        let text = format!("{head}\n[… {omitted} left out …]\n{tail}");
        CapturedOutput { text, total, drawn_over, kind: head_kind.max(tail_kind) }
    }
}

fn decode(bytes: &[u8]) -> (Cow<'_, str>, OutputKind) {
    let text = String::from_utf8_lossy(bytes);
    let is_valid = matches!(text, Cow::Borrowed(_));
    (text, if is_valid { OutputKind::Text } else { OutputKind::InvalidUtf8 })
}

/// Removes the bytes of an incomplete character at the start.
fn trim_cut_start(bytes: &[u8]) -> &[u8] {
    let cut = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    bytes.get(cut..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Capture, CapturedOutput, OutputKind};

    fn capture(limit: usize, chunks: &[&[u8]]) -> CapturedOutput {
        let mut capture = Capture::new(limit);
        chunks.iter().for_each(|chunk| capture.push(chunk));
        capture.finish()
    }

    #[test]
    fn head_and_tail_do_not_depend_on_the_chunks_in_which_output_arrives() {
        let expect = CapturedOutput {
            text: "abcdef\n[… 11 bytes left out …]\nxyz".to_owned(),
            total: 20,
            drawn_over: 0,
            kind: OutputKind::Text,
        };
        assert_eq!(capture(9, &[b"abcdefghijklmnopqxyz"]), expect);
        let bytes: Vec<&[u8]> = b"abcdefghijklmnopqxyz".chunks(1).collect();
        assert_eq!(capture(9, &bytes), expect);
        assert_eq!(capture(9, &[b"abcdefg", b"hijklmnopqxy", b"z"]), expect);
    }

    #[test]
    fn short_output_is_kept_unchanged() {
        let expect = CapturedOutput {
            text: "ünïcö".to_owned(),
            total: 8,
            drawn_over: 0,
            kind: OutputKind::Text,
        };
        assert_eq!(capture(9, &["ünï".as_bytes(), "cö".as_bytes()]), expect);
    }

    #[test]
    fn characters_at_the_cut_are_omitted_completely() {
        let cut = capture(9, &["abcdeü-----üxy".as_bytes()]);
        assert_eq!(cut.text, "abcde\n[… 9 bytes left out …]\nxy");
        assert_eq!(cut.kind, OutputKind::Text);
    }

    #[test]
    fn escape_sequences_and_lines_that_were_drawn_over_are_not_kept() {
        let expect = CapturedOutput {
            text: "red\n100%\tdone\n".to_owned(),
            total: 33,
            drawn_over: 3,
            kind: OutputKind::Text,
        };
        let output = b"\x1b[31mred\x1b[0m\n\x1b]0;t\x0710%\r100%\tdone\n";
        assert_eq!(capture(30, &[output]), expect);
        // The cut is in the text, and not in a sequence.
        let coloured = capture(9, &[b"\x1b[38;5;208mabcdefghi\x1b[38;5;208mjkl\x1b[0m"]);
        assert_eq!(coloured.text, "abcdef\n[\u{2026} 3 bytes left out \u{2026}]\njkl");
    }

    #[test]
    fn binary_output_is_replaced_by_a_note() {
        let expect = "[binary output of 5 bytes, not shown]".to_owned();
        assert_eq!(capture(9, &[b"ab\0cd"]).text, expect);
    }
}
