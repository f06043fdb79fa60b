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
    let kept = remove_cut_line(&mut file).map_err(at)?;
    Ok(if kept == 0 { Found::New(file) } else { Found::Begun(file) })
}

/// Removes a last line that is not whole; returns how many bytes are left. Lines are written whole, so whoever wrote it was killed in
/// the middle, and a task that is taken up again goes on recording.
fn remove_cut_line(file: &mut File) -> std::io::Result<usize> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < bytes.len() {
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
    }
    Ok(whole)
}
