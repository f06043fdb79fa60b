//! The connections for reading, concurrent with the writer.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use az_core::blocking;
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect;
use super::identity::FileIdentity;
use super::options::SqliteOptions;
use crate::error::{Result, SqliteError};

/// Lends connections for reading. A read sees everything that was acknowledged before it began.
///
/// No read blocks the runtime for longer than it takes to read: a connection that is lent on the
/// caller's thread does not wait for locks. A read that meets one is repeated on the blocking pool,
/// where connections are opened, too.
pub(super) struct Readers {
    pool: Arc<Pool>,
    permits: Arc<Semaphore>,
    mode: ReadMode,
}

/// The idle connections, and the file and options for opening others.
struct Pool {
    path: PathBuf,
    file: FileIdentity,
    options: SqliteOptions,
    idle: Mutex<Vec<Connection>>,
}

/// Where a read of many rows runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// On the caller's thread, for a program that only reads and has nothing else to do meanwhile.
    Inline,
    /// On the blocking pool of the runtime, if there is one.
    BlockingPool,
}

impl Readers {
    /// Returns the readers of a file; `first` is the first of them, if it is open already.
    pub(super) fn new(
        path: PathBuf,
        file: FileIdentity,
        options: SqliteOptions,
        first: Option<Connection>,
        mode: ReadMode,
    ) -> Self {
        let readers = if first.is_some() { 1 } else { options.readers.max(1) };
        let idle = Mutex::new(Vec::from_iter(first));
        Self {
            pool: Arc::new(Pool { path, file, options, idle }),
            permits: Arc::new(Semaphore::new(readers)),
            mode,
        }
    }

    /// Reads a few rows on the caller's thread: passing the read to another thread takes ten times
    /// as long as the read itself.
    pub(super) async fn point<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        let permit = self.permit().await?;
        let Some(mut conn) = self.pool.take() else {
            return self.wait(permit, None, read).await;
        };
        match read(&mut conn) {
            Err(error) if error.is_busy() => self.wait(permit, Some(conn), read).await,
            result => {
                self.pool.put(conn);
                result
            }
        }
    }

    /// Reads many rows without blocking the caller's thread.
    pub(super) async fn scan<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        match self.mode {
            ReadMode::Inline => self.point(read).await,
            ReadMode::BlockingPool => {
                let permit = self.permit().await?;
                self.wait(permit, self.pool.take(), read).await
            }
        }
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        permit.map_err(|_| SqliteError::Ended("the pool of readers"))
    }

    /// Reads on the blocking pool, where waiting for a lock does not block the runtime; without a
    /// runtime, on the caller's thread.
    async fn wait<T, F>(
        &self,
        permit: OwnedSemaphorePermit,
        conn: Option<Connection>,
        read: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        let pool = Arc::clone(&self.pool);
        let read = move || {
            let result = pool.read(conn, read);
            // After the connection is back, also when the caller no longer waits for the result.
            drop(permit);
            result
        };
        match Handle::try_current() {
            Ok(_) => blocking::run(read).await?,
            Err(_) => read(),
        }
    }
}

impl Pool {
    /// Reads with a connection that waits for locks, and opens one if none is given.
    fn read<T>(
        &self,
        conn: Option<Connection>,
        read: impl Fn(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let timeout = self.options.busy_timeout;
        let mut conn = match conn {
            Some(conn) => conn,
            None => {
                let conn = connect::reading(&self.path, &self.options, timeout)?;
                self.file.check()?;
                conn
            }
        };
        connect::wait_for_locks(&mut conn, timeout)?;
        let result = read(&mut conn);
        // A connection that would still wait is closed instead of kept.
        if connect::never_wait(&mut conn).is_ok() {
            self.put(conn);
        }
        result
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put(&self, conn: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("path", &self.pool.path).finish_non_exhaustive()
    }
}
