//! The fallback for systems without `/proc`.

use std::io;

use super::entry::ProcessEntry;

/// Returns an error: processes can only be listed on Linux.
pub(super) fn processes() -> io::Result<Vec<ProcessEntry>> {
    let reason = "process.list needs /proc, which only Linux has; list processes with `ps`";
    Err(io::Error::new(io::ErrorKind::Unsupported, reason))
}
