//! Drops what a program has drawn over: progress bars print a line again and again.

use std::mem;

use memchr::{memchr, memrchr};

/// The longest line that is held back until it ends, in bytes.
const MAX_LINE: usize = 16 << 10;

/// Passes output on in lines. Of a line that is drawn again after a carriage return, only the last
/// version is passed on; CRLF line ends stay as they are.
#[derive(Debug, Default)]
pub(super) struct Redraw {
    /// The line that has not ended yet.
    open: Vec<u8>,
    /// Whether a carriage return follows it.
    returned: bool,
    /// The number of bytes that were drawn over.
    dropped: u64,
}

impl Redraw {
    /// Adds bytes; passes the lines that ended in them to `emit`.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&[u8])) {
        while let Some(at) = memchr(b'\r', bytes) {
            let (text, rest) = bytes.split_at(at);
            self.push_text(text, &mut emit);
            self.returned = true;
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.push_text(bytes, &mut emit);
    }

    /// Adds bytes without a carriage return.
    fn push_text(&mut self, text: &[u8], emit: &mut impl FnMut(&[u8])) {
        let Some(first) = text.first() else { return };
        if mem::take(&mut self.returned) {
            if *first == b'\n' {
                self.open.push(b'\r');
            } else {
                self.dropped += self.open.len() as u64;
                self.open.clear();
            }
        }
        let ended = memrchr(b'\n', text).map_or(0, |at| at + 1);
        let (ended, open) = text.split_at(ended);
        if !ended.is_empty() {
            emit(&mem::take(&mut self.open));
            emit(ended);
        }
        self.open.extend_from_slice(open);
        if self.open.len() > MAX_LINE {
            emit(&mem::take(&mut self.open));
        }
    }

    /// Returns the rest, a line that has not ended, and the number of bytes that were drawn over.
    pub(super) fn finish(self) -> (Vec<u8>, u64) {
        (self.open, self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LINE, Redraw};

    fn redrawn(chunks: &[&[u8]]) -> String {
        let (mut redraw, mut out) = (Redraw::default(), Vec::new());
        for chunk in chunks {
            redraw.push(chunk, |bytes| out.extend_from_slice(bytes));
        }
        out.extend(redraw.finish().0);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_the_last_version_of_a_line_is_kept_in_any_chunks() {
        for (output, expect) in [
            ("a\r10%\r\r100%\nb\n", "100%\nb\n"),
            ("10%\r20%", "20%"),
            ("10%\r", "10%"),
            ("\r1\r2\r\nnext\r\n\r\n", "2\r\nnext\r\n\r\n"),
            ("one\n\n\ntwo", "one\n\n\ntwo"),
            ("", ""),
        ] {
            let bytes: Vec<&[u8]> = output.as_bytes().chunks(1).collect();
            assert_eq!(redrawn(&[output.as_bytes()]), expect, "{output:?}");
            assert_eq!(redrawn(&bytes), expect, "{output:?} by bytes");
        }
    }

    #[test]
    fn a_long_line_is_passed_on_before_it_ends() {
        let line = "x".repeat(MAX_LINE + 1);
        let mut emitted = 0;
        let mut redraw = Redraw::default();
        redraw.push(line.as_bytes(), |bytes| emitted += bytes.len());
        assert_eq!((emitted, redraw.finish()), (line.len(), (Vec::new(), 0)));
    }
}
