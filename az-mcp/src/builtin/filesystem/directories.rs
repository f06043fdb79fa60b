//! Directories that a call creates, and removes again if it fails.

use std::io;
use std::path::{Component, Path, PathBuf};

use cap_std::fs::Dir;

use super::durable::or_here;

/// The directories that a call has created, the outermost first.
#[derive(Debug, Default)]
pub(super) struct CreatedDirectories(Vec<PathBuf>);

impl CreatedDirectories {
    /// Creates the missing directories of a path. If that fails, none of them is left.
    ///
    /// `..` behind a directory that does not exist is an error: nothing is created to leave it
    /// again.
    pub(super) fn create(root: &Dir, path: &Path) -> io::Result<Self> {
        let ancestors = path.ancestors().take_while(|ancestor| !ancestor.as_os_str().is_empty());
        let missing = ancestors.take_while(|ancestor| root.metadata(or_here(ancestor)).is_err());
        let mut missing: Vec<_> = missing.collect();
        missing.reverse();
        let mut created = Self::default();
        for directory in missing {
            let last = directory.components().next_back();
            let made = match last {
                Some(Component::Normal(_)) => root.create_dir(directory),
                _ => Err(io::ErrorKind::NotFound.into()),
            };
            match made {
                Ok(()) => created.0.push(directory.to_owned()),
                // Another process has created it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    created.remove(root);
                    return Err(error);
                }
            }
        }
        Ok(created)
    }

    /// Removes the directories that are still empty.
    pub(super) fn remove(&self, root: &Dir) {
        for directory in self.0.iter().rev() {
            // A directory that another process uses by now stays.
            root.remove_dir(directory).ok();
        }
    }
}
