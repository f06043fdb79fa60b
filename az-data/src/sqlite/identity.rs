//! The identity of the file of an open database.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Result, SqliteError, about};

/// The device and the inode that a path had when a database was opened there.
///
/// A connection keeps its file when the path is renamed or deleted: what it writes afterwards is in a
/// file that no one reads.
#[derive(Debug, Clone)]
pub(super) struct FileIdentity {
    path: PathBuf,
    file: (u64, u64),
}

impl FileIdentity {
    /// Returns the identity of the file at a path.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let found = fs::metadata(path).map_err(about(path))?;
        Ok(Self { path: path.to_owned(), file: (found.dev(), found.ino()) })
    }

    /// Checks that the path still names this file.
    pub(super) fn check(&self) -> Result<()> {
        match fs::metadata(&self.path) {
            Ok(found) if (found.dev(), found.ino()) == self.file => Ok(()),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(about(&self.path)(error)),
            Ok(_) | Err(_) => Err(SqliteError::Replaced { path: self.path.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FileIdentity;

    #[test]
    fn a_file_that_was_replaced_or_deleted_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let (path, other) = (home.path().join("a"), home.path().join("b"));
        std::fs::write(&path, "1").unwrap();
        std::fs::write(&other, "1").unwrap();
        let file = FileIdentity::of(&path).unwrap();
        file.check().unwrap();
        std::fs::write(&path, "changed").unwrap();
        file.check().unwrap();
        let message = format!("{} was replaced or deleted while it was open", path.display());
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(file.check().unwrap_err().to_string(), message);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(file.check().unwrap_err().to_string(), message);
    }
}
