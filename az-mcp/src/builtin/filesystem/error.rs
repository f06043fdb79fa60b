//! The errors of the filesystem tools, with messages for the model.

use std::io;
use std::path::PathBuf;

use az_core::Error;
use az_core::tool::ToolOutput;

use super::encoding::Encoding;
use crate::registry::OUTCOME_UNKNOWN;

/// Why a filesystem tool failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("`{path}` is outside the workspace; use a path inside it")]
    Outside { path: String },
    #[error(
        "`{path}` is {}, which is outside the workspace; use a path inside it",
        expanded.display()
    )]
    InHome { path: String, expanded: PathBuf },
    #[error("`{path}` {reason}")]
    InvalidPath { path: String, reason: &'static str },
    #[error(
        "`{path}` does not exist, and a name in it begins or ends with a blank; remove the blank"
    )]
    BlankEnd { path: String },
    #[error("`{path}` does not exist")]
    Missing { path: String },
    #[error("`{path}` is a directory; list it with filesystem.list")]
    IsDirectory { path: String },
    #[error("`{path}` is not a directory")]
    NotDirectory { path: String },
    #[error("`{path}` is not a regular file")]
    NotRegular { path: String },
    #[error("`{path}` is larger than the limit of {} MiB", limit >> 20)]
    TooLarge { path: String, limit: u64 },
    #[error(
        "`{path}` is not valid {encoding}; read it with another encoding, `latin-1` for any text or \
         `base64` for binary data"
    )]
    Undecodable { path: String, encoding: Encoding },
    #[error("the content cannot be encoded as {encoding}: {reason}")]
    Content { encoding: Encoding, reason: String },
    #[error("the workspace cannot be opened: {0}")]
    Workspace(io::Error),
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    Refused(Error),
    #[error("`{path}`: {source}; {OUTCOME_UNKNOWN}")]
    Unknown { path: String, source: io::Error },
    #[error("`{path}`: {source}")]
    Io { path: String, source: io::Error },
}

/// Why a file was not written as asked.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The file is as it was before.
    Unchanged(io::Error),
    /// The file may have been changed.
    Unknown(io::Error),
}

impl WriteError {
    /// Creates the error of a repeated call whose file another process has changed since the first
    /// attempt.
    pub(super) fn changed_since() -> Self {
        let reason = "interrupted, and the file was changed since by another process";
        Self::Unknown(io::Error::other(reason))
    }

    /// Returns the error of the tool for a file at `path`.
    pub(super) fn at(self, path: &str) -> FileError {
        match self {
            Self::Unchanged(source) => FileError::at(path, source),
            Self::Unknown(source) => FileError::Unknown { path: path.to_owned(), source },
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Unchanged(error)
    }
}

impl FileError {
    /// Classifies an I/O error at `path`.
    pub(super) fn at(path: &str, source: io::Error) -> Self {
        let source = match source.downcast::<Error>() {
            Ok(lost) => return Self::Refused(lost),
            Err(source) => source,
        };
        let path = path.to_owned();
        match source.kind() {
            // `cap_std` itself reports a path that escapes its directory, without an OS error.
            io::ErrorKind::PermissionDenied if source.raw_os_error().is_none() => {
                Self::Outside { path }
            }
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::IsADirectory => Self::IsDirectory { path },
            io::ErrorKind::NotADirectory => Self::NotDirectory { path },
            _ => Self::Io { path, source },
        }
    }
}

impl From<FileError> for ToolOutput {
    fn from(error: FileError) -> Self {
        let is_cut_short = matches!(error, FileError::Cancelled | FileError::Unknown { .. });
        Self::failed(error.to_string()).with_unknown(is_cut_short)
    }
}
