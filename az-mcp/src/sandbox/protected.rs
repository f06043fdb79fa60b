//! The files of a workspace that change what the tools of its user do. A command that changes one could
//! have its own commands run outside of the sandbox.

use std::path::{Path, PathBuf};

use super::git;
use crate::policy::PROTECTED;

/// What of a workspace cannot be changed, and what can be changed beside it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Protected {
    /// Files and directories in the workspace that are not to be changed.
    pub(super) protect: Vec<PathBuf>,
    /// Directories of its repository that are elsewhere.
    pub(super) write: Vec<PathBuf>,
}

/// Returns what is protected in a workspace.
///
/// A file that does not exist is protected by the directory that it would be in. There is no way to
/// keep a command from creating it in the workspace itself.
pub(super) fn protected(workspace: &Path) -> Protected {
    let names = PROTECTED.iter().filter(|name| **name != git::NAME);
    let mut found = git::protected(workspace);
    found.protect.extend(names.filter_map(|name| existing(workspace, name)));
    found
}

/// Returns a file, or the nearest directory above it that exists and is in the workspace.
fn existing(workspace: &Path, name: &str) -> Option<PathBuf> {
    let path = workspace.join(name);
    let mut above = path.ancestors().take_while(|above| *above != workspace);
    above.find(|path| path.symlink_metadata().is_ok()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_does_not_exist_is_protected_by_the_directory_that_it_would_be_in() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(".github/ISSUE_TEMPLATE")).unwrap();
        fs::create_dir_all(dir.path().join(".cargo")).unwrap();
        fs::write(dir.path().join(".cargo/config.toml"), "").unwrap();
        fs::write(dir.path().join("AGENTS.md"), "").unwrap();
        let mut found = protected(dir.path()).protect;
        found.sort();
        found.dedup();
        let expect = [".cargo", ".cargo/config.toml", ".github", "AGENTS.md"];
        assert_eq!(found, expect.map(|name| dir.path().join(name)));
    }
}
