//! Output of any length in fixed memory: its head, its tail, and how much there was.

use std::borrow::Cow;
use std::collections::VecDeque;

use az_core::tool::{Progress, ProgressSender};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::last_line::LastLine;

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// What is kept of an output.
#[derive(Debug)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    limit: usize,
    total: u64,
    lines: LastLine,
    progress: ProgressSender,
}

/// An output as text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Captured {
    /// What was kept, with a line in place of what was left out.
    pub(super) text: String,
    /// How many bytes there were.
    pub(super) total: u64,
    /// Whether it was text.
    pub(super) form: Form,
}

/// What an output consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Text.
    Text,
    /// Text with bytes in it that are none.
    Broken,
    /// Something else.
    Binary,
}

impl Capture {
    /// Creates an empty capture that keeps `limit` bytes: two thirds from the head, one third from
    /// the tail, because commands print what they do first and how it ended last.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            limit,
            total: 0,
            lines: LastLine::default(),
            progress: ProgressSender::disconnected(),
        }
    }

    /// Sets where the last line is reported whenever output arrives.
    pub(super) fn reporting(mut self, progress: &ProgressSender) -> Self {
        self.progress = progress.clone();
        self
    }

    /// Reads to the end, or to the first error, which is an end as well.
    pub(super) async fn fill(&mut self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
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
        let room = (self.limit / 3 * 2).saturating_sub(self.head.len());
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let most = self.limit - self.limit / 3 * 2;
        let last = rest.get(rest.len().saturating_sub(most)..).unwrap_or_default();
        let over = (self.tail.len() + last.len()).saturating_sub(most);
        self.tail.drain(..over);
        self.tail.extend(last);
    }

    /// Returns what was kept.
    pub(super) fn finish(self) -> Captured {
        let Self { mut head, tail, total, .. } = self;
        let mut tail = Vec::from(tail);
        if head.contains(&0) || tail.contains(&0) {
            let text = format!("[binary output of {total} bytes, not shown]");
            return Captured { text, total, form: Form::Binary };
        }
        let omitted = total - (head.len() + tail.len()) as u64;
        if omitted == 0 {
            head.append(&mut tail);
            let (text, form) = decode(&head);
            return Captured { text: text.into_owned(), total, form };
        }
        let (head, tail) = (whole_start(&head), whole_end(&tail));
        let omitted = total - (head.len() + tail.len()) as u64;
        let ((head, form), (tail, form_too)) = (decode(head), decode(tail));
        let text = format!("{head}\n[… {omitted} bytes left out …]\n{tail}");
        Captured { text, total, form: form.max(form_too) }
    }
}

fn decode(bytes: &[u8]) -> (Cow<'_, str>, Form) {
    let text = String::from_utf8_lossy(bytes);
    let form = if matches!(text, Cow::Borrowed(_)) { Form::Text } else { Form::Broken };
    (text, form)
}

/// Leaves out the first bytes of a character whose rest was cut off.
fn whole_start(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).unwrap_or_default()
        }
        Ok(_) | Err(_) => bytes,
    }
}

/// Leaves out the last bytes of a character whose start was cut off.
fn whole_end(bytes: &[u8]) -> &[u8] {
    let cut = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    bytes.get(cut..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Capture, Captured, Form};

    fn capture(limit: usize, chunks: &[&[u8]]) -> Captured {
        let mut capture = Capture::new(limit);
        chunks.iter().for_each(|chunk| capture.push(chunk));
        capture.finish()
    }

    #[test]
    fn head_and_tail_are_kept_however_the_output_comes() {
        let expect = Captured {
            text: "abcdef\n[… 11 bytes left out …]\nxyz".to_owned(),
            total: 20,
            form: Form::Text,
        };
        assert_eq!(capture(9, &[b"abcdefghijklmnopqxyz"]), expect);
        let bytes: Vec<&[u8]> = b"abcdefghijklmnopqxyz".chunks(1).collect();
        assert_eq!(capture(9, &bytes), expect);
        assert_eq!(capture(9, &[b"abcdefg", b"hijklmnopqxy", b"z"]), expect);
    }

    #[test]
    fn short_output_stays_as_it_is() {
        let expect = Captured { text: "ünïcö".to_owned(), total: 8, form: Form::Text };
        assert_eq!(capture(9, &["ünï".as_bytes(), "cö".as_bytes()]), expect);
    }

    #[test]
    fn characters_at_the_cut_are_left_out_whole() {
        let cut = capture(9, &["abcdeü-----üxy".as_bytes()]);
        assert_eq!(cut.text, "abcde\n[… 9 bytes left out …]\nxy");
        assert_eq!(cut.form, Form::Text);
    }

    #[test]
    fn binary_output_is_said_to_be_so() {
        let expect = "[binary output of 5 bytes, not shown]".to_owned();
        assert_eq!(capture(9, &[b"ab\0cd"]).text, expect);
    }
}
