//! Creates the file, and opens connections to it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use az_core::error::Error;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::migrate::{self, Migration};
use super::namespace;
use super::options::SqliteOptions;
use crate::error::{Result, SqliteError, about};

/// The number of statements that a connection keeps prepared: about as many as this crate has.
const STATEMENTS: usize = 128;
/// The number of pages after which the write-ahead log is checkpointed: 16 MiB, so that bursts of
/// writes stay sequential.
const CHECKPOINT: u32 = 4_000;
/// The longest sleep between two attempts to get a lock. Short ones let a waiting writer proceed
/// soon, unlike those of the built-in handler, of 100 ms.
const NAP: Duration = Duration::from_millis(5);

/// Locked while the file is created. Closing any descriptor of a file releases all locks that the
/// process has on it, so no connection may be opened between creating the file and closing it.
static MAKING: Mutex<()> = Mutex::new(());

/// Opens the file to read and write; creates and migrates it if necessary. Returns the migration
/// too.
pub(super) fn writable(
    path: &Path,
    options: &SqliteOptions,
) -> Result<(Connection, Option<Migration>)> {
    make(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    if conn.is_readonly(c"main")? {
        // SQLite reports insufficient permissions only at the first write.
        return Err(SqliteError::NotWritable { path: path.to_owned() });
    }
    wait_for_locks(&mut conn, options.busy_timeout)?;
    prepare_once(&conn)?;
    if let Some(pages) = options.max_page_count {
        conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    namespace::bind(&conn, &options.namespace)?;
    let migration = migrate::bring_up_to_date(&conn, path, options.busy_timeout)?;
    conn.execute_batch(&format!(
        "PRAGMA foreign_keys = ON;
         PRAGMA synchronous = FULL;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = {CHECKPOINT};"
    ))?;
    Ok((conn, migration))
}

/// Opens an existing file read-only. Neither migrates nor creates anything.
///
/// SQLite creates two small files beside a database that no other process has open. Where it has no
/// permission to, the file is read as one that cannot change, provided that its log is empty.
///
/// The connection waits for locks until `timeout` while it is opened, and never afterwards.
pub(super) fn read_only(
    path: &Path,
    options: &SqliteOptions,
    timeout: Duration,
) -> Result<Connection> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(about(path)(ErrorKind::IsADirectory.into()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::not_found("database", &path.display()).into());
        }
        Err(error) => return Err(about(path)(error)),
    }
    let mut opened = match reading(path, options, timeout) {
        Err(error) if error.is_unusable() => {
            let log = beside(path, "-wal");
            if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
                return Err(SqliteError::Unmerged { path: log });
            }
            tracing::debug!(path = %path.display(), "reading as a file that cannot change");
            frozen(path, options, timeout)
        }
        result => result,
    }?;
    never_wait(&mut opened)?;
    Ok(opened)
}

/// Opens another connection for reading beside the writer's.
pub(super) fn reading(
    path: &Path,
    options: &SqliteOptions,
    timeout: Duration,
) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    checked(Connection::open_with_flags(path, flags)?, path, options, timeout)
}

fn frozen(path: &Path, options: &SqliteOptions, timeout: Duration) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    checked(Connection::open_with_flags(frozen_uri(path), flags)?, path, options, timeout)
}

fn checked(
    mut conn: Connection,
    path: &Path,
    options: &SqliteOptions,
    timeout: Duration,
) -> Result<Connection> {
    wait_for_locks(&mut conn, timeout)?;
    prepare_once(&conn)?;
    namespace::bind(&conn, &options.namespace)?;
    migrate::check(&conn, path)?;
    Ok(conn)
}

/// Makes a connection prepare each statement once: it keeps them, and their plans do not depend on the
/// values that are bound, which would prepare some of them again.
fn prepare_once(conn: &Connection) -> Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn frozen_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// Makes a connection fail at once if another connection holds a lock that it needs.
pub(super) fn never_wait(conn: &mut Connection) -> Result<()> {
    conn.busy_handler(None::<fn(i32) -> bool>)?;
    Ok(())
}

/// Makes a connection wait for locks until the timeout, in short sleeps.
pub(super) fn wait_for_locks(conn: &mut Connection, timeout: Duration) -> Result<()> {
    let mut since = Instant::now();
    conn.busy_handler(Some(move |count: i32| {
        if count == 0 {
            since = Instant::now();
        }
        let nap = Duration::from_micros(100 << count.clamp(0, 10)).min(NAP);
        let patient = since.elapsed() + nap <= timeout;
        if patient {
            std::thread::sleep(nap);
        }
        patient
    }))?;
    Ok(())
}

/// Creates the file and its directory for their owner only, whatever the umask. SQLite creates the
/// files beside it with the same mode.
fn make(path: &Path) -> Result<()> {
    let directory = path.parent().unwrap_or(path);
    create_directory(directory)?;
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match file {
        Ok(_) => sync(directory),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(about(path)(error)),
    }
}

/// Creates a directory and the missing ones above it for their owner only; their names are durable.
fn create_directory(directory: &Path) -> Result<()> {
    let missing: Vec<_> = directory.ancestors().take_while(|level| !level.exists()).collect();
    let created = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    created.map_err(|source| SqliteError::Directory { path: directory.to_owned(), source })?;
    missing.iter().filter_map(|level| level.parent()).try_for_each(sync)
}

/// Syncs a directory, so that new names in it are durable. The empty path is the working directory.
pub(super) fn sync(directory: &Path) -> Result<()> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(about(directory))
}

/// Returns the path of the database with a suffix.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
