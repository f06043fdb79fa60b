//! The standard output of a program, of which only messages of limited size are passed on.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use az_core::text::one_line;
use memchr::memchr;
use tokio::io::{AsyncRead, ReadBuf};

use super::limits::Limits;

/// The deepest message, in levels: what parses it reads no deeper one, and would not say so.
const DEEPEST: usize = 127;
/// The length of the quoted beginning of a line that is no message, in characters.
const QUOTED: usize = 100;

/// Why reading ended, and what was read that is no message; shared with the connection, which reports it.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadReport(Arc<Mutex<Report>>);

#[derive(Debug, Default)]
struct Report {
    fault: Option<String>,
    /// The beginning of the first line that is no message.
    noise: Option<String>,
}

impl ReadReport {
    /// Returns why no more was read.
    pub(super) fn fault(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fault.clone()
    }

    /// Returns why no more was read, or else what was read that is no message.
    pub(super) fn reason(&self) -> Option<String> {
        let report = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let noise = || {
            let noise = report.noise.as_ref()?;
            Some(format!("it wrote what is no message: {noise:?}"))
        };
        report.fault.clone().or_else(noise)
    }

    fn fail(&self, fault: String) -> io::Error {
        let mut report = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = report.fault.insert(fault);
        io::Error::new(io::ErrorKind::InvalidData, fault.clone())
    }

    fn quote(&self, bytes: &[u8]) {
        let mut report = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if report.noise.is_none() {
            let text = String::from_utf8_lossy(bytes.get(..QUOTED * 4).unwrap_or(bytes));
            report.noise = Some(one_line(&text, QUOTED));
        }
    }
}

/// Reads lines, and fails at one that is too long, or if there are too many that are no messages.
///
/// A message begins with `{` or `[`. Other lines are passed on: what parses them ignores them.
///
/// What comes after it is dropped is read and discarded: a program that could not write would report an error
/// instead of ending.
#[derive(Debug)]
pub(super) struct MessageReader<R: AsyncRead + Send + Unpin + 'static> {
    inner: Option<R>,
    limits: Limits,
    report: ReadReport,
    /// The bytes of the line so far.
    line: usize,
    /// Whether the line is a message; `None` before its first character.
    is_message: Option<bool>,
    nesting: Nesting,
    noise: usize,
}

impl<R: AsyncRead + Send + Unpin + 'static> MessageReader<R> {
    pub(super) fn new(inner: R, limits: Limits, report: ReadReport) -> Self {
        let nesting = Nesting::default();
        Self { inner: Some(inner), limits, report, line: 0, is_message: None, nesting, noise: 0 }
    }

    fn check(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let end = memchr(b'\n', bytes);
            let (line, rest) = bytes.split_at(end.map_or(bytes.len(), |at| at + 1));
            self.part(line)?;
            if end.is_some() {
                (self.line, self.is_message, self.nesting) = (0, None, Nesting::default());
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Checks a part of a line.
    fn part(&mut self, part: &[u8]) -> io::Result<()> {
        self.line += part.len();
        if self.is_message.is_none() {
            let first = part.iter().find(|byte| !byte.is_ascii_whitespace());
            self.is_message = first.map(|first| [b'{', b'[', 0xef].contains(first));
            if self.is_message == Some(false) {
                self.report.quote(part);
            }
        }
        if self.is_message != Some(true) {
            self.noise += part.len();
        } else if self.nesting.exceeds(DEEPEST, part) {
            let what = format!("it wrote a message that is nested more than {DEEPEST} levels deep");
            return Err(self.report.fail(what));
        }
        if self.line > self.limits.message_bytes {
            let limit = self.limits.message_bytes;
            return Err(self.report.fail(format!("it wrote a message of more than {limit} bytes")));
        }
        if self.noise > self.limits.noise_bytes {
            let limit = self.limits.noise_bytes;
            let what = format!("it wrote more than {limit} bytes that are no messages");
            return Err(self.report.fail(what));
        }
        Ok(())
    }
}

/// How deep the end of a text of JSON is nested.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    is_text: bool,
    is_escaped: bool,
}

impl Nesting {
    /// Reads more of the text; returns whether it is nested deeper than the limit.
    fn exceeds(&mut self, limit: usize, text: &[u8]) -> bool {
        for byte in text {
            match (self.is_text, byte) {
                (true, _) if self.is_escaped => self.is_escaped = false,
                (true, b'\\') => self.is_escaped = true,
                (true, b'"') => self.is_text = false,
                (false, b'"') => self.is_text = true,
                (false, b'{' | b'[') => self.depth += 1,
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            if self.depth > limit {
                return true;
            }
        }
        false
    }
}

impl<R: AsyncRead + Send + Unpin + 'static> Drop for MessageReader<R> {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(mut inner), Ok(runtime)) = (self.inner.take(), runtime) {
            runtime.spawn(async move {
                tokio::io::copy(&mut inner, &mut tokio::io::sink()).await.ok();
            });
        }
    }
}

impl<R: AsyncRead + Send + Unpin + 'static> AsyncRead for MessageReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let Some(inner) = &mut self.inner else { return Poll::Ready(Ok(())) };
        ready!(Pin::new(inner).poll_read(context, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        let checked = self.check(new);
        if checked.is_err() {
            // With an error, nothing was read.
            buffer.set_filled(before);
        }
        Poll::Ready(checked)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::{MessageReader, ReadReport};
    use crate::client::Limits;

    async fn read(text: &'static [u8]) -> (bool, Option<String>) {
        read_up_to(20, text).await
    }

    async fn read_up_to(message_bytes: usize, text: &'static [u8]) -> (bool, Option<String>) {
        let limits = Limits { message_bytes, noise_bytes: 30, ..Limits::default() };
        let report = ReadReport::default();
        let mut reader = MessageReader::new(text, limits, report.clone());
        let read = reader.read_to_end(&mut Vec::new()).await;
        (read.is_ok(), report.reason())
    }

    #[tokio::test]
    async fn messages_are_passed_on_and_what_is_none_is_limited() {
        assert_eq!(read(b"{\"a\": 1}\n\n [1]\n").await, (true, None));
        let quoted = Some("it wrote what is no message: \"Listening\"".to_owned());
        assert_eq!(read(b"Listening\n{}\n").await, (true, quoted));
        let long = Some("it wrote a message of more than 20 bytes".to_owned());
        assert_eq!(read(b"{}\n{\"aaaaaaaaaaaaaaaaaaaaaa").await, (false, long));
        let deep = Some("it wrote a message that is nested more than 127 levels deep".to_owned());
        assert_eq!(read_up_to(1_000, b"[".repeat(200).leak()).await, (false, deep));
        let quoted = format!("{{\"a\": \"\\\"{}\"}}\n", "[".repeat(200));
        assert_eq!(read_up_to(1_000, quoted.leak().as_bytes()).await, (true, None));
        let noise = Some("it wrote more than 30 bytes that are no messages".to_owned());
        assert_eq!(read(b"hello\n".repeat(10).leak()).await, (false, noise));
    }
}
