//! Files that commands write on request.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PersistError};

use crate::error::CliError;

/// A file that gets its name when it is complete. Until then it is a draft beside it, which is removed when this is
/// dropped.
#[derive(Debug)]
pub struct NewFile {
    draft: NamedTempFile,
    path: PathBuf,
    replace: bool,
}

impl NewFile {
    /// Creates a draft of a file that does not exist, or is replaced.
    ///
    /// # Errors
    ///
    /// A usage error if the file exists and is not to be replaced, or the system's.
    pub fn create(path: &Path, replace: bool) -> Result<Self, CliError> {
        if path.is_dir() {
            return Err(failed(path)(ErrorKind::IsADirectory.into()));
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        // A link is kept, and the file that it leads to is replaced.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let old = path.metadata().ok();
        if old.as_ref().is_some_and(|old| !old.is_file()) {
            return Err(CliError::Usage(format!(
                "--output: {} is not a regular file; without --output, the records are written to standard \
                 output",
                path.display()
            )));
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        let draft = builder.prefix(".az-").suffix(".tmp").tempfile_in(directory);
        let draft = draft.map_err(failed(path))?;
        if let Some(old) = old {
            draft.as_file().set_permissions(old.permissions()).map_err(failed(path))?;
        }
        Ok(Self { draft, path: path.to_owned(), replace })
    }

    /// Returns the path that the file gets.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name. The file and its name are durable.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn keep(self) -> Result<(), CliError> {
        let Self { draft, path, replace } = self;
        draft.as_file().sync_all().map_err(failed(&path))?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new(".")).to_owned();
        let kept = if replace { draft.persist(&path) } else { draft.persist_noclobber(&path) };
        kept.map_err(|PersistError { error, .. }| match error.kind() {
            ErrorKind::AlreadyExists => exists(&path),
            _ => failed(&path)(error),
        })?;
        let synced = std::fs::File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(failed(&path))
    }
}

impl Write for &NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.draft.as_file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn exists(path: &Path) -> CliError {
    CliError::Usage(format!(
        "--output: {} exists already; choose another file, or replace it with --force",
        path.display()
    ))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> CliError {
    let what = format!("writing {}", path.display());
    |source| CliError::Io { what, source }
}
