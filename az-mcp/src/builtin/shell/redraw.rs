//! Drops what a program has drawn over: progress bars print a line again and again.

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
}

impl Redraw {
    /// Adds bytes; passes the lines that ended in them to `emit`.
    pub(super) fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match part.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (part, None),
            };
            if !text.is_empty() {
                if std::mem::take(&mut self.returned) {
                    self.open.clear();
                }
                self.open.extend_from_slice(text);
            }
            match end {
                Some(b'\n') => {
                    let end: &[u8] =
                        if std::mem::take(&mut self.returned) { b"\r\n" } else { b"\n" };
                    self.open.extend_from_slice(end);
                    emit(&std::mem::take(&mut self.open));
                }
                Some(_) => self.returned = true,
                None => {}
            }
            if self.open.len() > MAX_LINE {
                emit(&std::mem::take(&mut self.open));
            }
        }
    }

    /// Returns the rest: a line that has not ended.
    pub(super) fn finish(self) -> Vec<u8> {
        self.open
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
        out.extend(redraw.finish());
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
        assert_eq!((emitted, redraw.finish().len()), (line.len(), 0));
    }
}
