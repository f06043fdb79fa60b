//! The errors of the filesystem tools, with messages for the model.

use std::io;

use az_core::tool::ToolOutput;

use super::encoding::Encoding;

/// Why a filesystem tool failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("`{path}` is outside the workspace; use a path inside it")]
    Outside { path: String },
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
    #[error("cancelled; nothing was changed")]
    Cancelled,
    #[error("`{path}`: {source}")]
    Io { path: String, source: io::Error },
}

impl FileError {
    /// Classifies an I/O error at `path`.
    pub(super) fn at(path: &str, source: io::Error) -> Self {
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
        let is_cut_short = matches!(error, FileError::Cancelled);
        Self::failed(error.to_string()).with_unknown(is_cut_short)
    }
}
