//! Errors of SQLite and of the files beside a database, and the errors of az-core that they become.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use az_core::error::{BoxError, Error};
use rusqlite::{ErrorCode, ffi};

/// The name of this backend in errors.
const BACKEND: &str = "sqlite";

/// The result of functions inside this crate.
pub(crate) type Result<T, E = SqliteError> = std::result::Result<T, E>;

/// An error inside this crate, which leaves it only as an [`Error`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum SqliteError {
    /// A contract refuses the request.
    #[error(transparent)]
    Contract(#[from] Error),
    /// The library or the file system under it failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A file beside the database could not be created, written or read.
    #[error("{}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// The directory of the database could not be created.
    #[error("the directory {} cannot be created", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    /// The database may be read, but not written.
    #[error("{} may not be written by this user", path.display())]
    NotWritable { path: PathBuf },
    /// A write on a store that was opened read-only.
    #[error("the store was opened read-only")]
    ReadOnly,
    /// A database of another application.
    #[error("{} is not a database of AZ-OS", path.display())]
    Foreign { path: PathBuf },
    /// An older schema, which a read-only store cannot migrate.
    #[error("schema {found} is older than {supported}")]
    Outdated { found: u32, supported: u32 },
    /// A newer schema.
    #[error("schema {found} is newer than {supported}")]
    NewerSchema { found: u32, supported: u32 },
    /// Another process migrated the file while this one had it open.
    #[error("schema {expected} became {found} while the file was open")]
    SchemaChanged { found: u32, expected: u32 },
    /// A table of a user that the migration would break.
    #[error(
        "table {table} has a foreign key to task (id), which schema 6 does not have: create the \
         table again without it, then open the database again"
    )]
    References { table: String },
    /// The file that is open is no longer the one at its path.
    #[error("{} was replaced or deleted while it was open", path.display())]
    Replaced { path: PathBuf },
    /// Another connection has the database open.
    #[error(
        "{} is open in another process; end it first (an idle worker has the database open, too)",
        path.display()
    )]
    InUse { path: PathBuf },
    /// A write-ahead log that must be read and is not readable.
    #[error("{} holds changes that cannot be read without write permission", path.display())]
    Unmerged { path: PathBuf },
    /// Another process keeps the database locked.
    #[error("the database is locked by {holder}")]
    Held { holder: String },
    /// A stored value that is invalid.
    #[error("stored {what} cannot be read: {reason}")]
    Unreadable { what: &'static str, reason: String },
    /// A record with an invalid value.
    #[error("{what} {id} is damaged: {reason}")]
    Damaged { what: &'static str, id: String, reason: String },
    /// A thread of the store has ended.
    #[error("{0} has ended")]
    Ended(&'static str),
}

/// Returns the error for an invalid stored value.
pub(crate) fn unreadable(what: &'static str, reason: impl fmt::Display) -> SqliteError {
    SqliteError::Unreadable { what, reason: reason.to_string() }
}

/// Returns a function that names the file that an I/O error is about.
pub(crate) fn about(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> SqliteError {
    let path = path.into();
    move |source| SqliteError::File { path, source }
}

impl SqliteError {
    /// Returns a copy of the error, for another request of the batch that it ended.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(code, text)) => {
                rusqlite::Error::SqliteFailure(*code, text.clone()).into()
            }
            Self::SchemaChanged { found, expected } => {
                Self::SchemaChanged { found: *found, expected: *expected }
            }
            Self::Replaced { path } => Self::Replaced { path: path.clone() },
            other => {
                let text = Some(other.to_string());
                let code = ffi::Error::new(ffi::SQLITE_IOERR);
                rusqlite::Error::SqliteFailure(code, text).into()
            }
        }
    }

    /// Returns `true` if a stored value is invalid, or has another type than the schema says.
    pub(crate) fn is_unreadable(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Damaged { .. } => true,
            Self::Sqlite(error) => code(error).is_none() && is_of_a_value(error),
            _ => false,
        }
    }

    /// Returns `true` for an error of a record that cannot be read, also one of a contract.
    pub(crate) fn is_damage(&self) -> bool {
        self.is_unreadable() || matches!(self, Self::Contract(Error::Damaged { .. }))
    }

    /// Names the record that cannot be read; other errors stay as they are.
    pub(crate) fn of(self, what: &'static str, id: impl fmt::Display) -> Self {
        match self {
            Self::Damaged { .. } => self,
            error if error.is_unreadable() => {
                Self::Damaged { what, id: id.to_string(), reason: error.to_string() }
            }
            other => other,
        }
    }

    /// Adds advice to the message about a damaged record.
    pub(crate) fn with_advice(self, advice: &str) -> Self {
        match self {
            Self::Damaged { what, id, reason } => {
                Self::Damaged { what, id, reason: format!("{reason}; {advice}") }
            }
            other => other,
        }
    }

    /// Returns `true` if another connection holds a lock that this one needs.
    pub(crate) fn is_busy(&self) -> bool {
        match self {
            Self::Sqlite(error) => meaning(error) == Meaning::Busy,
            Self::Held { .. } => true,
            _ => false,
        }
    }

    /// Returns `true` if the database cannot be opened with the permissions of this process.
    pub(crate) fn is_unusable(&self) -> bool {
        let unusable = [Meaning::Inaccessible, Meaning::ReadOnly, Meaning::Unusable];
        matches!(self, Self::Sqlite(error) if unusable.contains(&meaning(error)))
    }
}

impl From<SqliteError> for Error {
    fn from(error: SqliteError) -> Self {
        let backend = BACKEND;
        match error {
            SqliteError::Contract(error) => error,
            SqliteError::NewerSchema { found, supported } => {
                Self::NewerSchema { backend, found, supported }
            }
            SqliteError::Outdated { found, supported } => {
                Self::OlderSchema { backend, found, supported }
            }
            SqliteError::SchemaChanged { found, expected } => {
                Self::SchemaChanged { backend, found, expected }
            }
            SqliteError::Replaced { path } => {
                Self::Replaced { backend, name: path.display().to_string() }
            }
            SqliteError::InUse { .. } | SqliteError::Held { .. } => {
                Self::Busy { backend, source: error.into() }
            }
            SqliteError::ReadOnly | SqliteError::NotWritable { .. } => {
                Self::ReadOnly { backend, source: error.into() }
            }
            SqliteError::Unmerged { .. } => Self::Inaccessible { backend, source: error.into() },
            SqliteError::Foreign { .. } | SqliteError::References { .. } => {
                Self::Unusable { backend, source: error.into() }
            }
            SqliteError::Damaged { what, id, reason } => Self::Damaged { what, id, reason },
            SqliteError::Unreadable { .. } => Self::Io { backend, source: error.into() },
            SqliteError::Ended(_) => Self::Internal(error.to_string()),
            SqliteError::Directory { ref source, .. } => match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    Self::Full { backend, source: error.into() }
                }
                ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { backend, source: error.into() },
                _ => Self::Inaccessible { backend, source: error.into() },
            },
            SqliteError::File { ref source, .. } => match source.kind() {
                ErrorKind::PermissionDenied
                | ErrorKind::NotADirectory
                | ErrorKind::IsADirectory
                | ErrorKind::AlreadyExists => Self::Inaccessible { backend, source: error.into() },
                ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { backend, source: error.into() },
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    Self::Full { backend, source: error.into() }
                }
                _ => Self::Io { backend, source: error.into() },
            },
            SqliteError::Sqlite(error) => meaning(&error).of(&error),
        }
    }
}

/// The errors of az-core that SQLite's errors become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Busy,
    Full,
    Io,
    Inaccessible,
    ReadOnly,
    Unusable,
    Internal,
}

impl Meaning {
    /// Returns the error, without the cause that rusqlite adds: it repeats the message.
    fn of(self, error: &rusqlite::Error) -> Error {
        let backend = BACKEND;
        let source: BoxError = error.to_string().into();
        match self {
            Self::Busy => Error::Busy { backend, source },
            Self::Full => {
                let full = "no space is left on the disk, or below the size limit of the database";
                Error::Full { backend, source: full.into() }
            }
            Self::Inaccessible => Error::Inaccessible { backend, source },
            Self::ReadOnly => Error::ReadOnly { backend, source },
            Self::Io => Error::Io { backend, source },
            Self::Unusable => Error::Unusable { backend, source },
            Self::Internal => Error::Internal(source.to_string()),
        }
    }
}

/// Returns SQLite's code of an error, also of one that occurred before a statement ran.
pub(crate) fn code(error: &rusqlite::Error) -> Option<ffi::Error> {
    match error {
        rusqlite::Error::SqlInputError { error, .. } => Some(*error),
        other => other.sqlite_error().copied(),
    }
}

fn is_of_a_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

fn meaning(error: &rusqlite::Error) -> Meaning {
    match code(error).map(|code| code.code) {
        // The last is reported while another process recovers the write-ahead log.
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => Meaning::Busy,
        Some(ErrorCode::DiskFull) => Meaning::Full,
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::OutOfMemory) => {
            Meaning::Io
        }
        Some(ErrorCode::ReadOnly) => Meaning::ReadOnly,
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Meaning::Inaccessible,
        Some(ErrorCode::NotADatabase) => Meaning::Unusable,
        Some(_) => Meaning::Internal,
        // Without a code, it is a stored value of another type than the schema has.
        None => Meaning::Io,
    }
}
