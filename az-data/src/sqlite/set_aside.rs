//! Sets a database aside: renames it with all of its files.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use az_core::clock::{Clock, SystemClock};
use az_core::error::Error;
use az_core::point;
use rusqlite::{Connection, OpenFlags};

use super::connect::{beside, sync};
use super::migrate::use_log;
use super::noted;
use crate::error::{Result, SqliteError, about};

const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
/// How long to wait for other processes to close the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// Renames the database and its files, with the current time in their names; returns the new path.
///
/// The files beside the database get their second names before the database is renamed, and lose
/// their first ones afterwards. If the process is killed in between, the database is under one of the
/// two names, with all of its files.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf> {
    if !path.exists() {
        return Err(Error::not_found("database", &path.display()).into());
    }
    let stamp = SystemClock.now().strftime("%Y%m%dT%H%M%SZ");
    let kept = beside(path, &format!(".{stamp}"));
    let directory = path.parent().unwrap_or(path);
    // Until it is dropped, no other process can open the database.
    let locked = lock(path)?;
    for suffix in ["-wal", ".blobs", noted::SUFFIX, noted::COLLECTING] {
        let from = beside(path, suffix);
        link(&from, &beside(&kept, suffix)).map_err(about(from))?;
    }
    sync(directory)?;
    point!("set_aside.linked");
    fs::rename(path, &kept).map_err(about(path))?;
    sync(directory)?;
    point!("set_aside.renamed");
    for suffix in ["-wal", "-shm", ".blobs", noted::SUFFIX, noted::COLLECTING] {
        let from = beside(path, suffix);
        remove(&from).map_err(about(from))?;
    }
    sync(directory)?;
    if locked.map(drop).is_some() {
        // It can be used as it is, only by fewer processes at the same time.
        reopen(&kept).ok();
    }
    Ok(kept)
}

/// Sets the mode of the write-ahead log again.
fn reopen(path: &Path) -> Result<()> {
    use_log(&Connection::open_with_flags(path, FLAGS)?)
}

/// Merges the write-ahead log into the database and locks it exclusively. Returns `None` for a file
/// that is not a database.
///
/// Leaving the mode of the write-ahead log needs a lock that no other open connection permits, not
/// even an idle one.
fn lock(path: &Path) -> Result<Option<Connection>> {
    let since = Instant::now();
    loop {
        let locked = Connection::open_with_flags(path, FLAGS).and_then(|conn| {
            conn.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
            conn.execute_batch("BEGIN EXCLUSIVE")?;
            Ok(conn)
        });
        match locked.map_err(SqliteError::from) {
            Ok(conn) => return Ok(Some(conn)),
            Err(error) if !error.is_busy() => {
                tracing::debug!(path = %path.display(), %error, "set aside as it is");
                return Ok(None);
            }
            Err(_) if since.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Err(_) => return Err(SqliteError::InUse { path: path.to_owned() }),
        }
    }
}

/// Gives a file, or the files of a directory, a second name; copies them if the file system has no
/// links. Does nothing if there is no such file.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::metadata(from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.is_dir() => {
            return fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop));
        }
        Ok(_) => {}
    }
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        link(&entry.path(), &to.join(entry.file_name()))?;
    }
    fs::File::open(to)?.sync_all()
}

/// Removes a file or a directory, if it exists.
fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
