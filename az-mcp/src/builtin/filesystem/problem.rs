//! What can be in the way of a filesystem tool, in words for the model.

use std::io;

use az_core::tool::ToolOutput;

use super::encoding::Encoding;

/// What was in the way.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("`{path}` leads outside the workspace; only paths inside it can be used")]
    Outside { path: String },
    #[error("`{path}` does not exist")]
    Missing { path: String },
    #[error("`{path}` is a directory; list it with filesystem.list")]
    IsDirectory { path: String },
    #[error("`{path}` is not a directory")]
    NotDirectory { path: String },
    #[error("`{path}` is not a regular file")]
    NotRegular { path: String },
    #[error("`{path}` is larger than {} MiB, the most that can be read at once", limit >> 20)]
    TooLarge { path: String, limit: u64 },
    #[error(
        "`{path}` is not valid UTF-8; read it with encoding `base64`, or `latin-1` if it is text"
    )]
    NotUtf8 { path: String },
    #[error("the content cannot be written as {}: {reason}", encoding.as_str())]
    Content { encoding: Encoding, reason: String },
    #[error("the workspace cannot be opened: {0}")]
    Workspace(io::Error),
    #[error("cancelled")]
    Cancelled,
    #[error("`{path}`: {source}")]
    Io { path: String, source: io::Error },
}

impl Problem {
    /// Returns what an I/O error at `path` means.
    pub(super) fn at(path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            // The confined directory refuses by itself, without asking the system.
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

impl From<Problem> for ToolOutput {
    fn from(problem: Problem) -> Self {
        Self::failed(problem.to_string())
    }
}
