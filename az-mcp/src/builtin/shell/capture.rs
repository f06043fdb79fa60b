//! Captures output of any length in bounded memory: its head, its tail, and its length. Escape sequences
//! and lines that were drawn over are not kept, and secrets are masked before the output is cut.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::mem;

use az_core::text::plural;
use az_core::tool::{Progress, ProgressSender};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::escapes::EscapeFilter;
use super::recent_lines::{LineReader, RecentLines, Source};
use super::redraw::Redraw;
use crate::builtin::bytes::without_cut_character;
use crate::secrets::{KnownSecrets, SecretFilter};

/// The size of the read buffer.
const CHUNK: usize = 64 << 10;

/// Keeps the head and the tail of an output, with its secrets masked.
#[derive(Debug)]
pub(super) struct Capture {
    total: u64,
    /// Whether there is a NUL byte in it.
    is_binary: bool,
    escapes: EscapeFilter,
    redraw: Redraw,
    /// The number of bytes that were drawn over; known at the end.
    drawn_over: u64,
    secrets: SecretFilter,
    kept: HeadAndTail,
    reporter: Option<Reporter>,
}

/// The head and the tail of a text.
#[derive(Debug)]
struct HeadAndTail {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    limit: usize,
    /// The length of the text.
    length: u64,
}

/// Reports the last lines of a command.
#[derive(Debug)]
struct Reporter {
    secrets: SecretFilter,
    reader: LineReader,
    lines: RecentLines,
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
    pub(super) fn new(limit: usize, secrets: &KnownSecrets) -> Self {
        Self {
            total: 0,
            is_binary: false,
            escapes: EscapeFilter::default(),
            redraw: Redraw::default(),
            drawn_over: 0,
            secrets: SecretFilter::new(secrets.clone()),
            kept: HeadAndTail { head: Vec::new(), tail: VecDeque::new(), limit, length: 0 },
            reporter: None,
        }
    }

    /// Sets the channel to which the last lines of the command are reported whenever a line of this output has
    /// ended.
    pub(super) fn reporting(
        mut self,
        progress: &ProgressSender,
        source: Source,
        lines: &RecentLines,
    ) -> Self {
        self.reporter = progress.is_connected().then(|| Reporter {
            secrets: self.secrets.clone(),
            reader: LineReader::new(source, lines.clone()),
            lines: lines.clone(),
            progress: progress.clone(),
        });
        self
    }

    /// Reads to the end or the first error, which is treated as the end.
    pub(super) async fn fill(&mut self, from: Option<&mut (impl AsyncRead + Unpin)>) {
        let Some(from) = from else { return };
        let mut chunk = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            self.push(chunk.get(..read).unwrap_or_default());
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.is_binary |= memchr::memchr(0, bytes).is_some();
        let Self { escapes, redraw, secrets, kept, reporter, .. } = self;
        let mut has_ended = false;
        escapes.push(bytes, |text| {
            redraw.push(text, |text| secrets.push(text, |text| kept.push(text)));
            has_ended |= reporter.as_mut().is_some_and(|reporter| reporter.push(text));
        });
        if let Some(reporter) = reporter.as_ref().filter(|_| has_ended) {
            reporter.report();
        }
    }

    /// Ends the last line, and returns the filter for what follows the captured output.
    pub(super) fn filter_at_end(&mut self) -> SecretFilter {
        let (rest, drawn_over) = mem::take(&mut self.redraw).finish();
        self.drawn_over += drawn_over;
        let Self { secrets, kept, .. } = self;
        secrets.push(&rest, |text| kept.push(text));
        secrets.clone()
    }

    /// Returns the captured output. If it `goes_on` elsewhere, the bytes that the filter holds back are there.
    pub(super) fn finish(mut self, goes_on: bool) -> CapturedOutput {
        self.filter_at_end();
        let Self { total, is_binary, drawn_over, secrets, mut kept, .. } = self;
        if !goes_on {
            secrets.finish(|text| kept.push(text));
        }
        if is_binary {
            let text = format!("[binary output of {}, not shown]", plural(total, "byte"));
            let kind = OutputKind::Binary;
            return CapturedOutput { text, total, drawn_over: 0, kind };
        }
        let (text, kind) = kept.finish();
        CapturedOutput { text, total, drawn_over, kind }
    }
}

impl HeadAndTail {
    fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let room = (self.limit / 3 * 2).saturating_sub(self.head.len());
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let tail_limit = self.limit - self.limit / 3 * 2;
        let last = rest.get(rest.len().saturating_sub(tail_limit)..).unwrap_or_default();
        let over = (self.tail.len() + last.len()).saturating_sub(tail_limit);
        self.tail.drain(..over);
        self.tail.extend(last);
    }

    /// Returns the text, with a line that stands for omitted bytes.
    fn finish(self) -> (String, OutputKind) {
        let Self { mut head, tail, length, .. } = self;
        let mut tail = Vec::from(tail);
        if length == (head.len() + tail.len()) as u64 {
            head.append(&mut tail);
            let (text, kind) = decode(&head);
            return (text.into_owned(), kind);
        }
        let (head, tail) = (without_cut_character(&head), trim_cut_start(&tail));
        let omitted = length - (head.len() + tail.len()) as u64;
        let ((head, head_kind), (tail, tail_kind)) = (decode(head), decode(tail));
        let omitted = plural(omitted, "byte");
        (format!("{head}\n[… {omitted} left out …]\n{tail}"), head_kind.max(tail_kind))
    }
}

impl Reporter {
    /// Adds text, and masks its secrets; returns whether a line ended in it.
    fn push(&mut self, text: &[u8]) -> bool {
        let Self { secrets, reader, .. } = self;
        let mut has_ended = false;
        secrets.push(text, |text| has_ended |= reader.push(text));
        has_ended
    }

    fn report(&self) {
        let lines = self.lines.get();
        let last = lines.last().cloned().unwrap_or_default();
        self.progress.report(Progress::message(last).with_lines(lines));
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
    use az_core::secret::MASK;
    use az_core::tool::progress_channel;

    use super::{Capture, CapturedOutput, OutputKind, RecentLines, Source};
    use crate::secrets::KnownSecrets;

    fn capture(limit: usize, chunks: &[&[u8]]) -> CapturedOutput {
        let mut capture = Capture::new(limit, &KnownSecrets::default());
        chunks.iter().for_each(|chunk| capture.push(chunk));
        capture.finish(false)
    }

    fn secrets() -> KnownSecrets {
        KnownSecrets::new(["secret-of-mine"]).unwrap()
    }

    #[test]
    fn a_secret_at_a_cut_is_masked_in_any_chunks() {
        for before in 0..30 {
            let output = format!("{}secret-of-mine{}", "a".repeat(before), "z".repeat(40 - before));
            for size in [1, 5, 64] {
                let mut capture = Capture::new(30, &secrets());
                output.as_bytes().chunks(size).for_each(|chunk| capture.push(chunk));
                let text = capture.finish(false).text;
                let masked = output.replace("secret-of-mine", MASK);
                let (head, tail) = text.split_once("\n[\u{2026} ").unwrap();
                let (_, tail) = tail.split_once("]\n").unwrap();
                assert_eq!((head, tail), (&masked[..20], &masked[masked.len() - 10..]));
            }
        }
    }

    #[test]
    fn the_bytes_held_back_at_the_end_are_in_what_follows() {
        let mut capture = Capture::new(30, &secrets());
        capture.push(b"it is\nsecret-");
        let mut rest = capture.filter_at_end();
        let mut follows = Vec::new();
        rest.push(b"of-mine\n", |text| follows.extend_from_slice(text));
        assert_eq!(capture.finish(true).text, "it is\n");
        assert_eq!(follows, format!("{MASK}\n").as_bytes());
    }

    #[tokio::test]
    async fn the_reported_line_has_no_secret() {
        let (sender, mut receiver) = progress_channel();
        let lines = RecentLines::default();
        let mut capture = Capture::new(30, &secrets()).reporting(&sender, Source::Stdout, &lines);
        for start in (480..510).rev() {
            let line = format!("{}secret-of-mine\n", "a".repeat(start));
            line.as_bytes().chunks(7).for_each(|chunk| capture.push(chunk));
            let shown = receiver.next().await.unwrap();
            let expected = &line.replace("secret-of-mine", MASK)[..500.min(start + 10)];
            assert_eq!(shown.message, *expected);
            assert_eq!(shown.lines.last().unwrap(), expected);
        }
        capture.push(b"\x1b[32mgreen\x1b[0m\n");
        assert_eq!(receiver.next().await.unwrap().message, "green");
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
