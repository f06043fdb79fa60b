//! The store: one file, one writer, a few readers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use az_core::blocking;
use az_core::cost::Calendar;
use az_core::error::Error;
use az_core::store::Namespace;
use rusqlite::Connection;
use tokio::runtime::Handle;

use super::blob::Blobs;
use super::connect;
use super::holder;
use super::identity::FileIdentity;
use super::migrate::Migration;
use super::options::SqliteOptions;
use super::reader::{ReadMode, Readers};
use super::writer::{Durability, Writer};
use crate::error::{Result, SqliteError, about};

/// A store in one SQLite file.
///
/// It implements all of [`RunStore`](az_core::journal::RunStore), and also stores states, settings
/// and the log. Any number of handles and processes may use one file concurrently: they see
/// acknowledged writes of the others, and write one at a time. Clones share the same connections.
///
/// # Files
///
/// The directory is created with mode 0700 and the file with 0600, whatever the umask. Beside the
/// file `data.db` are `data.db-wal` and `data.db-shm`, which belong to SQLite, and the directory
/// `data.db.blobs` with the bodies of large events, each named by its SHA-256. A body may be shared
/// by several tasks, and is removed when the last of them is deleted. If the program crashes before
/// that, the next deletion removes it; [`clean`](az_core::store::StoreAdmin::clean) removes what
/// other crashes left behind.
///
/// # Durability
///
/// Acknowledged writes are on disk, and survive a loss of power, except for the last log records. A
/// failed write changes nothing.
///
/// Dropping the future of a write does not cancel it: it may be made nevertheless. Dropping the
/// last handle waits until all requested writes are made.
#[derive(Debug, Clone)]
pub struct SqliteStore(Arc<Inner>);

// The readers close before the writer: the last connection to close checkpoints the write-ahead
// log, which a read-only one cannot do.
#[derive(Debug)]
struct Inner {
    readers: Readers,
    writer: Option<Writer>,
    blobs: Blobs,
    path: PathBuf,
    file: FileIdentity,
    options: SqliteOptions,
    migration: Option<Migration>,
    /// The rows of damaged tasks that were reported.
    reported: Mutex<BTreeSet<i64>>,
}

impl SqliteStore {
    /// Opens the store in a file; creates it and its directory if necessary, and migrates an older
    /// schema. An older database is backed up first: [`migration`](Self::migration) returns the
    /// path.
    ///
    /// # Errors
    ///
    /// [`Error::Inaccessible`] if the file cannot be opened or created, [`Error::ReadOnly`] if it
    /// cannot be written, [`Error::Unusable`] if it is not a database of AZ-OS,
    /// [`Error::NewerSchema`] if a newer version wrote it, [`Error::Busy`] if another process keeps
    /// it locked for too long, [`Error::Full`] or [`Error::Io`] if the disk is full or fails.
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, Error> {
        let path = absolute(path.as_ref())?;
        let opened = connect::writable(&path, &options);
        let (conn, migration) = opened.map_err(|error| holder::name(&path, error))?;
        let path = real(&path)?;
        let file = FileIdentity::of(&path)?;
        let writer = Writer::new(conn, file.clone());
        Ok(Self::new((path, file), options, None, Some(writer), migration))
    }

    /// Opens an existing store read-only: without threads, writes, migrations or caches. Every
    /// write is refused with [`Error::ReadOnly`].
    ///
    /// The file and its directory may be read-only.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the file does not exist, [`Error::Inaccessible`] if it cannot be read,
    /// [`Error::Unusable`] if it is not a database of AZ-OS, or has an older schema that has to be migrated first, and
    /// [`Error::NewerSchema`] if a newer version wrote it.
    pub fn open_read_only(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let timeout = options.busy_timeout;
        Ok(Self::read_only(path, options, timeout)?)
    }

    /// Opens a store read-only, and waits for a lock until the timeout; that of the options applies
    /// to reads.
    pub(super) fn read_only(
        path: &Path,
        options: SqliteOptions,
        timeout: Duration,
    ) -> Result<Self> {
        let path = absolute(path)?;
        let conn = connect::read_only(&path, &options, timeout)?;
        let path = real(&path)?;
        let file = FileIdentity::of(&path)?;
        Ok(Self::new((path, file), options, Some(conn), None, None))
    }

    /// Returns the migration that opening this store made, if the file had an older schema.
    pub fn migration(&self) -> Option<&Migration> {
        self.0.migration.as_ref()
    }

    fn new(
        (path, file): (PathBuf, FileIdentity),
        options: SqliteOptions,
        first: Option<Connection>,
        writer: Option<Writer>,
        migration: Option<Migration>,
    ) -> Self {
        let mode = match writer {
            Some(_) => ReadMode::BlockingPool,
            None => ReadMode::Inline,
        };
        Self(Arc::new(Inner {
            blobs: Blobs::beside(&path),
            readers: Readers::new(path.clone(), file.clone(), options.clone(), first, mode),
            writer,
            path,
            file,
            options,
            migration,
            reported: Mutex::default(),
        }))
    }

    /// Writes; see [`Writer::write`].
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        self.write_with(Durability::Full, work).await
    }

    /// Writes with the given durability.
    pub(super) async fn write_with<T, F>(&self, durability: Durability, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        let written = self.writer()?.write(durability, work).await;
        Ok(written.map_err(|error| holder::name(&self.0.path, error))?)
    }

    /// Reads few rows; see [`Readers::point`].
    pub(super) async fn point<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        Ok(self.0.readers.point(read).await?)
    }

    /// Reads many rows; see [`Readers::scan`].
    pub(super) async fn scan<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        Ok(self.0.readers.scan(read).await?)
    }

    pub(super) fn writer(&self) -> Result<&Writer> {
        self.0.writer.as_ref().ok_or(SqliteError::ReadOnly)
    }

    pub(super) fn blobs(&self) -> Blobs {
        self.0.blobs.clone()
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn file(&self) -> &FileIdentity {
        &self.0.file
    }

    pub(super) fn options(&self) -> &SqliteOptions {
        &self.0.options
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.0.options.namespace
    }

    pub(super) fn calendar(&self) -> Calendar {
        self.0.options.calendar.clone()
    }

    /// Warns of tasks that are damaged, once of each: a worker that polls would repeat it for ever.
    pub(super) fn warn_of(&self, damaged: Vec<(i64, String)>) {
        let mut reported = self.0.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for (row, error) in damaged {
            if reported.insert(row) {
                tracing::warn!("{error}; it is skipped until it is deleted");
            }
        }
    }

    /// Removes the orphaned files. A failure is only logged: the files stay on the list, and the next
    /// deletion tries again.
    pub(super) async fn tidy(&self) {
        let inner = Arc::clone(&self.0);
        let tidy = move || {
            inner.file.check()?;
            let (mut conn, _) = connect::writable(&inner.path, &inner.options)?;
            inner.blobs.tidy(&mut conn)
        };
        let tidied = match Handle::try_current() {
            Ok(_) => blocking::run(tidy).await.unwrap_or_else(|error| Err(error.into())),
            Err(_) => tidy(),
        };
        if let Err(error) = tidied {
            tracing::warn!(%error, "failed to remove orphaned blobs");
        }
    }
}

/// SQLite gives some relative names, such as `:memory:`, a special meaning.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(about(path))
}

/// The large bodies are beside the file itself, also if it was opened through a link.
fn real(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).map_err(about(path))
}
