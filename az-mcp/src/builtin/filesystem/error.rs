//! The errors of the filesystem tools, with messages for the model.

use std::io;
use std::path::PathBuf;

use az_core::Error;
use az_core::text::plural;
use az_core::tool::ToolOutput;

use super::encoding::Encoding;
use super::views::ViewProblem;
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
    #[error(
        "`{path}` is larger than the limit of {} MiB; find what you need with filesystem.search",
        limit >> 20
    )]
    TooLarge { path: String, limit: u64 },
    #[error(
        "`{path}` is a picture of {size} bytes, and models accept at most {limit}; scale it down, or \
         read it with the encoding `base64`"
    )]
    LargeImage { path: String, size: usize, limit: usize },
    #[error("offset {offset} is beyond the end of `{path}`, which has {}", plural(*lines, "line"))]
    BeyondEnd { path: String, offset: usize, lines: usize },
    #[error(
        "`{path}` is not valid {encoding}; read it with another encoding, `latin-1` for any text or \
         `base64` for binary data"
    )]
    Undecodable { path: String, encoding: Encoding },
    #[error(
        "`{path}` cannot be edited: it {reason}; filesystem.edit changes UTF-8, and UTF-16 with a byte \
         order mark"
    )]
    NotText { path: String, reason: &'static str },
    #[error("`{path}` was not edited: {reason}")]
    Edit { path: String, reason: String },
    #[error("`{path}` {problem}; {}", advice(place.as_deref()))]
    Unseen { path: String, problem: ViewProblem, place: Option<String> },
    #[error("the content cannot be encoded as {encoding}: {reason}")]
    Content { encoding: Encoding, reason: String },
    #[error("the workspace cannot be opened: {0}")]
    Workspace(io::Error),
    #[error("the pattern {reason}")]
    InvalidPattern { reason: String },
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    Refused(Error),
    #[error("`{path}`: {source}; {OUTCOME_UNKNOWN}")]
    Unknown { path: String, source: io::Error },
    #[error("`{path}`: {source}")]
    Io { path: String, source: io::Error },
}

/// Returns what to do about a file that a model has not seen: for an edit, with the place of its text.
fn advice(place: Option<&str>) -> String {
    match place {
        Some(place) => format!("read it with filesystem.read, and repeat the edit. As it is now, {place}"),
        None => "read all of it with filesystem.read before you replace it, or change a part of it with \
                 filesystem.edit"
            .to_owned(),
    }
}

/// Returns the error of a tool that could not record the state before a call.
pub(super) fn failed(error: FileError) -> Error {
    Error::Io { backend: "filesystem", source: error.into() }
}

/// Why a file was not written as asked.
#[derive(Debug)]
pub(super) enum WriteError {
    /// A model makes the call, and has not seen what it replaces. The file is as it was before.
    Unseen(ViewProblem),
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
            Self::Unseen(problem) => {
                FileError::Unseen { path: path.to_owned(), problem, place: None }
            }
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
