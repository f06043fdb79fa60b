//! Drops escape sequences, which set colours, titles and the cursor of a terminal.
//!
//! Unlike the adapter of `anstream`, it keeps bytes that are not UTF-8, and ends a sequence that is not
//! terminated with its line, so that no later output is lost.

use memchr::memchr;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// Drops escape sequences from output that arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct EscapeFilter(State);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// In a control sequence: `ESC [ … final`.
    Control,
    /// In a string: `ESC ] … BEL`, or with another beginning, or ended by `ESC \`.
    String,
}

impl EscapeFilter {
    /// Adds bytes; passes what is no part of an escape sequence to `emit`.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&[u8])) {
        while let Some((byte, rest)) = bytes.split_first() {
            if self.0 == State::Text {
                let (text, rest) = bytes.split_at(memchr(ESCAPE, bytes).unwrap_or(bytes.len()));
                if !text.is_empty() {
                    emit(text);
                }
                (self.0, bytes) = match rest.split_first() {
                    Some((_, rest)) => (State::Escape, rest),
                    None => (State::Text, rest),
                };
            } else if self.0.is_ended_by(*byte) {
                self.0 = State::Text;
            } else {
                (self.0, bytes) = (self.0.after(*byte), rest);
            }
        }
    }
}

impl State {
    /// Returns whether the byte can be no part of the sequence, so that it is text again.
    fn is_ended_by(self, byte: u8) -> bool {
        matches!(byte, b'\n' | b'\r') || (self != Self::String && !byte.is_ascii())
    }

    /// Returns the state after a byte of an escape sequence, by ECMA-48.
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (_, ESCAPE) => Self::Escape,
            (Self::Escape, b'[') | (Self::Control, 0x20..=0x3f) => Self::Control,
            (Self::Escape, b']' | b'P' | b'X' | b'^' | b'_') => Self::String,
            (Self::Escape, 0x20..=0x2f) => Self::Escape,
            (Self::String, BELL) | (Self::Text | Self::Escape | Self::Control, _) => Self::Text,
            (Self::String, _) => Self::String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EscapeFilter;

    #[track_caller]
    fn check(output: &[u8], expect: &[u8]) {
        for size in [1, 2, output.len().max(1)] {
            let (mut filter, mut out) = (EscapeFilter::default(), Vec::new());
            for piece in output.chunks(size) {
                filter.push(piece, |text| out.extend_from_slice(text));
            }
            assert_eq!(out, expect, "{} in pieces of {size}", output.escape_ascii());
        }
    }

    #[test]
    fn sequences_are_dropped_in_any_pieces() {
        check(b"\x1b[31mred\x1b[0m \x1b[38;5;208mx\x1b[K\n", b"red x\n");
        check(b"\x1b]0;title\x07a\x1b]8;;http://h\x1b\\b", b"ab");
        check(b"a\x1b(Bb\x1b=c\x1b7d\x1bPq#0\x1b\\e", b"abcde");
        check(
            b"no sequence, \xff\xfe and \xe2\x9c\x93\0",
            b"no sequence, \xff\xfe and \xe2\x9c\x93\0",
        );
    }

    #[test]
    fn a_sequence_that_is_not_terminated_ends_with_its_line() {
        check(b"a\n\x1b]0;t\nerror: x\n", b"a\n\nerror: x\n");
        check(b"\x1b[31\rnext\x1b", b"\rnext");
        check("\x1b[31ü\x1bü".as_bytes(), "üü".as_bytes());
    }
}
