//! Opens recording files for appending.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::format::Header;
use super::read;

/// The content of a file before recording.
pub(super) enum FileState {
    /// Empty: a header has to be written first.
    New(File),
    /// A recording of the same model, which is appended to.
    Begun { file: File, header: Header, has_exchanges: bool },
}

/// Opens a file for appending.
///
/// # Errors
///
/// A message: the file cannot be opened, or contains something other than a recording of this
/// model.
pub(super) fn open(path: &Path, header: &Header) -> Result<FileState, String> {
    let shown = path.display();
    let at = |error: std::io::Error| format!("{shown}: {error}");
    let mut file = private().create(true).read(true).append(true).open(path).map_err(at)?;
    let mut first = String::new();
    BufReader::new(&file).read_line(&mut first).map_err(at)?;
    if first.is_empty() {
        return Ok(FileState::New(file));
    }
    let found = read::header(&first).map_err(|reason| format!("{shown}: {reason}"))?;
    if (&found.provider, &found.model) != (&header.provider, &header.model) {
        return Err(format!(
            "{shown} is a recording of {} by {}, not of {} by {}; name another file",
            found.model, found.provider, header.model, header.provider
        ));
    }
    Ok(match remove_cut_line(&mut file).map_err(at)? {
        0 => FileState::New(file),
        lines => FileState::Begun { file, header: found, has_exchanges: lines > 1 },
    })
}

/// Removes an incomplete last line; returns the number of the others. Each line is written
/// with one write, so an incomplete one comes from a process that was killed during it. A resumed
/// task continues the recording.
fn remove_cut_line(file: &mut File) -> std::io::Result<usize> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < bytes.len() {
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
    }
    Ok(bytes.iter().take(whole).filter(|byte| **byte == b'\n').count())
}

/// Returns options that create a file which only the user can read: a recording has all that was said.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
