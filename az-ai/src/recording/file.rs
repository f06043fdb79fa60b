//! The file that a recording is added to.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::format::Header;
use super::read;

/// What is found where a recording is to be written.
pub(super) enum Found {
    /// Nothing: a header has to come first.
    New(File),
    /// A recording of the same model, to be added to.
    Begun(File),
}

/// Opens a file to add to.
///
/// # Errors
///
/// In words: it cannot be opened, or what is in it is no such recording.
pub(super) fn open(path: &Path, header: &Header) -> Result<Found, String> {
    let shown = path.display();
    let at = |error: std::io::Error| format!("{shown}: {error}");
    let mut file =
        OpenOptions::new().create(true).read(true).append(true).open(path).map_err(at)?;
    let mut first = String::new();
    BufReader::new(&file).read_line(&mut first).map_err(at)?;
    if first.is_empty() {
        return Ok(Found::New(file));
    }
    let found = read::header(&first).map_err(|reason| format!("{shown}: {reason}"))?;
    if (&found.provider, &found.model) != (&header.provider, &header.model) {
        return Err(format!(
            "{shown} is a recording of {} by {}, not of {} by {}; name another file",
            found.model, found.provider, header.model, header.provider
        ));
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1)).map_err(at)?;
    file.read_exact(&mut last).map_err(at)?;
    if last != *b"\n" {
        return Err(format!("the last line of {shown} is not whole; remove it"));
    }
    Ok(Found::Begun(file))
}
