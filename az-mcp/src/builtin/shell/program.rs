//! The shell that runs commands.

use std::path::{Path, PathBuf};

/// The shells that are looked for, best first. Models write bash more often than any other shell.
const CANDIDATES: [&str; 3] = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"];
/// The shell that every Unix has.
const FALLBACK: &str = "/bin/sh";

/// Returns bash if it is installed, else `/bin/sh`.
pub(super) fn default_program() -> PathBuf {
    let found = CANDIDATES.iter().map(Path::new).find(|path| path.is_file());
    found.unwrap_or(Path::new(FALLBACK)).to_owned()
}
