//! Finds the last line of output that is still being written.

/// The maximum length of a returned line in bytes; binary output may not have line ends.
const MAX_LINE: usize = 500;

/// Finds the last line of an output that arrives in chunks.
#[derive(Debug, Default)]
pub(super) struct LastLine {
    /// The beginning of the line that has not ended yet.
    open: Vec<u8>,
}

impl LastLine {
    /// Adds a chunk; returns the last line that ended in it, unless it is blank.
    ///
    /// A carriage return ends a line as well, because progress bars use it to redraw their line.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Option<String> {
        let Some(end) = chunk.iter().rposition(is_line_end) else {
            self.keep(chunk);
            return None;
        };
        let (ended, open) = chunk.split_at(end);
        let ended = ended.strip_suffix(b"\r").unwrap_or(ended);
        let line = match ended.iter().rposition(is_line_end) {
            // Only the last of several lines is returned.
            Some(start) => ended.get(start + 1..).unwrap_or_default().to_vec(),
            None => [std::mem::take(&mut self.open).as_slice(), ended].concat(),
        };
        self.open.clear();
        self.keep(open.get(1..).unwrap_or_default());
        let line = line.get(..line.len().min(MAX_LINE)).unwrap_or_default();
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        (!line.is_empty()).then_some(line)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE.saturating_sub(self.open.len());
        self.open.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "iterators over bytes pass references")]
const fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::{LastLine, MAX_LINE};

    #[test]
    fn the_last_complete_line_is_found_in_any_chunks() {
        let mut lines = LastLine::default();
        assert_eq!(lines.push(b"comp"), None);
        assert_eq!(lines.push(b"iling a\nlink"), Some("compiling a".to_owned()));
        assert_eq!(lines.push(b"ing\n"), Some("linking".to_owned()));
        assert_eq!(lines.push(b"one\ntwo\nthree\nfo"), Some("three".to_owned()));
        assert_eq!(lines.push(b"ur\r\n"), Some("four".to_owned()));
        assert_eq!(lines.push(b"10%\r20%\r"), Some("20%".to_owned()));
        assert_eq!(lines.push(b"\n\n"), None);
    }

    #[test]
    fn a_line_without_an_end_uses_bounded_memory() {
        let mut lines = LastLine::default();
        for _ in 0..100 {
            assert_eq!(lines.push(&[b'x'; 100]), None);
        }
        assert_eq!(lines.open.len(), MAX_LINE);
        assert_eq!(lines.push(b"\n"), Some("x".repeat(MAX_LINE)));
    }
}
