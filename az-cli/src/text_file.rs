//! Text files that the command line names.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Reads a text of at most `limit` bytes; returns the text, and the size of the file. A character that is cut
/// at the end is left out. This blocks.
///
/// # Errors
///
/// Those of the file; an error for what is no regular file, and for text that is not UTF-8.
pub(crate) fn read_text(path: &Path, limit: usize) -> io::Result<(String, usize)> {
    // Reading a pipe would block.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let file = File::open(path)?;
    let mut size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    file.take(limit as u64).read_to_end(&mut bytes)?;
    size = size.max(bytes.len());
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, size)),
        Err(error) => {
            let (reason, bytes) = (error.utf8_error(), error.as_bytes());
            let valid = bytes.get(..reason.valid_up_to()).unwrap_or_default();
            let is_cut = reason.error_len().is_none() && bytes.len() == limit && size > limit;
            let text = std::str::from_utf8(valid).ok().filter(|_| is_cut);
            let text = text.ok_or_else(|| {
                io::Error::other(format!("not UTF-8 at byte {}", reason.valid_up_to() + 1))
            })?;
            Ok((text.to_owned(), size))
        }
    }
}
