//! Stores in SQLite by their addresses.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::blocking;
use az_core::error::Error;
use az_core::log::CommandRun;
use az_core::store::{Store, StoreAccess, StoreFactory, StoreRequest};

use super::noted::Noted;
use super::options::SqliteOptions;
use super::set_aside::set_aside;
use super::store::SqliteStore;
use crate::error::{Result, about};

/// Opens stores in SQLite files: `sqlite:PATH`. A relative path starts at the working directory.
#[derive(Debug, Clone, Default)]
pub struct SqliteStores {
    options: SqliteOptions,
}

impl SqliteStores {
    /// Creates a factory that opens stores with these options; the calendar is the request's.
    pub const fn new(options: SqliteOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl StoreFactory for SqliteStores {
    async fn open(&self, request: &StoreRequest) -> Result<Arc<dyn Store>, Error> {
        let path = path(request)?;
        let options = self.options.clone();
        let options = options.with_calendar(request.calendar.clone());
        let options = options.with_namespace(request.namespace.clone());
        let store = match request.access {
            StoreAccess::ReadOnly => open_read_only(path, options).await?,
            StoreAccess::ReadWrite => {
                blocking(move || Ok(SqliteStore::open(path, options)?)).await?
            }
        };
        Ok(Arc::new(store))
    }

    async fn set_aside(&self, request: &StoreRequest) -> Result<String, Error> {
        let path = path(request)?;
        let kept = blocking(move || set_aside(&path)).await?;
        Ok(kept.display().to_string())
    }

    /// Appends a line to a file beside the database, on the caller's thread: that takes less time than
    /// passing it to another one.
    async fn note_run(&self, request: &StoreRequest, run: &CommandRun) -> Result<u64, Error> {
        let path = path(request)?;
        // A link to a database has the file beside the database itself.
        let real = std::fs::canonicalize(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::not_found("database", &path.display()).into(),
            _ => about(&path)(error),
        })?;
        Ok(Noted::beside(&real).append(&request.namespace, run)?)
    }
}

/// Opens a store read-only: on the caller's thread, which takes less time than passing the work to
/// another one; if a lock is in the way, on the blocking pool.
async fn open_read_only(path: PathBuf, options: SqliteOptions) -> Result<SqliteStore> {
    match SqliteStore::read_only(&path, options.clone(), Duration::ZERO) {
        Err(error) if error.is_busy() => {
            let timeout = options.busy_timeout;
            blocking(move || SqliteStore::read_only(&path, options, timeout)).await
        }
        opened => opened,
    }
}

/// Runs a function on the blocking pool of the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    blocking::run(work).await?
}

/// Returns the path of a request, or an error if SQLite cannot serve it.
fn path(request: &StoreRequest) -> Result<PathBuf, Error> {
    if request.address.target().is_empty() {
        let reason = format!("{} names no file; write sqlite:PATH", request.address);
        return Err(Error::invalid("store address", reason));
    }
    Ok(request.address.path().to_owned())
}
