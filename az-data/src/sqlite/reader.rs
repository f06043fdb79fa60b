//! The connections that read, side by side with the writer.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::connect;
use super::options::SqliteOptions;
use crate::error::{Result, SqliteError};

/// Lends connections for reading. A read sees everything that was acknowledged before it began.
pub(super) struct Readers {
    path: PathBuf,
    options: SqliteOptions,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    place: Place,
}

/// Where a long read is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Where the caller is: a program that only reads has nothing else to do meanwhile.
    Here,
    /// On a thread that may be kept waiting, where there is a runtime to provide one.
    Aside,
}

impl Readers {
    /// Returns the readers of a file; `first` is the first of them, if it is open already.
    pub(super) fn new(
        path: PathBuf,
        options: SqliteOptions,
        first: Option<Connection>,
        place: Place,
    ) -> Self {
        let readers = if first.is_some() { 1 } else { options.readers.max(1) };
        Self {
            path,
            options,
            idle: Arc::new(Mutex::new(Vec::from_iter(first))),
            permits: Arc::new(Semaphore::new(readers)),
            place,
        }
    }

    /// Reads a row or a few where the caller is: the way to another thread takes ten times as
    /// long as such a read.
    pub(super) async fn point<T>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let _permit = self.permits.acquire().await.map_err(ended)?;
        let mut conn = self.take()?;
        let result = read(&mut conn);
        put(&self.idle, conn);
        result
    }

    /// Reads many rows without keeping the caller's thread from other work.
    pub(super) async fn scan<T, F>(&self, read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let runtime = match self.place {
            Place::Here => None,
            Place::Aside => Handle::try_current().ok(),
        };
        let Some(runtime) = runtime else {
            return self.point(read).await;
        };
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = permit.await.map_err(ended)?;
        let mut conn = self.take()?;
        let idle = Arc::clone(&self.idle);
        let aside = runtime.spawn_blocking(move || {
            let result = read(&mut conn);
            put(&idle, conn);
            // After the connection is back, also when the caller no longer waits for the result.
            drop(permit);
            result
        });
        aside.await.unwrap_or(Err(SqliteError::Ended("the reader")))
    }

    fn take(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(conn) => Ok(conn),
            None => connect::reading(&self.path, &self.options),
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("path", &self.path).finish_non_exhaustive()
    }
}

fn put(idle: &Mutex<Vec<Connection>>, conn: Connection) {
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
}

fn ended(_: tokio::sync::AcquireError) -> SqliteError {
    SqliteError::Ended("the pool of readers")
}
