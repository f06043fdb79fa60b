//! Files that interrupted writes left beside a database.
//!
//! A body without a reference may belong to a write under way: its file is written before the
//! transaction that refers to it. It is removed under the write lock nevertheless, because that
//! transaction checks that the file exists, and writes it again. A draft has no such check, and is
//! removed only if its process has ended and it is older than a day.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use az_core::Clock;
use az_core::clock::SystemClock;
use az_core::store::Leftover;
use rusqlite::{Connection, TransactionBehavior};

use super::blob::Blobs;
use super::connect::beside;
use super::migrate;
use crate::error::{Result, about};

/// How long a draft is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The number of files that are removed in one transaction, which other writers wait for.
const BATCH: usize = 64;

/// A file that may have been left behind.
struct Candidate {
    path: PathBuf,
    bytes: u64,
    kind: Kind,
}

enum Kind {
    /// The body of events, with its name.
    Body(String),
    /// A file that was being written.
    Draft {
        /// Whether its process may still write it.
        is_in_use: bool,
    },
}

/// Lists the files that nothing refers to.
pub(super) fn list(conn: &Connection, blobs: &Blobs, database: &Path) -> Result<Vec<Leftover>> {
    let mut left = Vec::new();
    for candidate in candidates(blobs, database)? {
        if candidate.is_left(conn)? {
            left.push(candidate.leftover());
        }
    }
    Ok(left)
}

/// Removes the files that nothing refers to and no process writes.
pub(super) fn remove(
    conn: &mut Connection,
    blobs: &Blobs,
    database: &Path,
) -> Result<Vec<Leftover>> {
    let mut left = Vec::new();
    for candidate in candidates(blobs, database)? {
        if !matches!(candidate.kind, Kind::Draft { is_in_use: true }) && candidate.is_left(conn)? {
            left.push(candidate);
        }
    }
    let mut removed = Vec::new();
    for batch in left.chunks(BATCH) {
        let alone = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        migrate::check_unchanged(&alone)?;
        for candidate in batch {
            if candidate.is_left(&alone)? {
                fs::remove_file(&candidate.path)
                    .or_else(missing(()))
                    .map_err(about(&candidate.path))?;
                removed.push(candidate.leftover());
            }
        }
        alone.commit()?;
    }
    Ok(removed)
}

impl Candidate {
    /// Returns `true` if no event of any namespace refers to the file.
    fn is_left(&self, conn: &Connection) -> Result<bool> {
        let Kind::Body(name) = &self.kind else { return Ok(true) };
        // All namespaces share the files, so that this statement names none.
        let mut referring = conn.prepare_cached("SELECT 1 FROM event WHERE blob = ?1")?;
        Ok(!referring.exists([name])?)
    }

    fn leftover(&self) -> Leftover {
        Leftover::new(self.path.display().to_string(), self.bytes)
    }
}

/// Returns the bodies, the drafts of bodies, and the draft of a backup, in the order of their paths.
fn candidates(blobs: &Blobs, database: &Path) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for shelf in entries(blobs.directory())? {
        for file in entries(&shelf.path())? {
            found.extend(candidate(&file.path())?);
        }
    }
    found.extend(candidate(&beside(database, ".backup"))?);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Lists a directory; one that does not exist is empty, and so is a file.
fn entries(directory: &Path) -> Result<Vec<DirEntry>> {
    let listed = fs::read_dir(directory).and_then(Iterator::collect);
    listed.or_else(missing(Vec::new())).map_err(about(directory))
}

/// Returns a function that replaces the error of a file that does not exist.
fn missing<T>(instead: T) -> impl FnOnce(io::Error) -> io::Result<T> {
    |error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(instead),
        _ => Err(error),
    }
}

/// Returns what a file may be; `None` for one that does not exist or is none of this program's.
fn candidate(path: &Path) -> Result<Option<Candidate>> {
    let metadata = fs::symlink_metadata(path).map(Some).or_else(missing(None));
    let Some(metadata) = metadata.map_err(about(path))? else { return Ok(None) };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_body = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let now = u64::try_from(SystemClock.now().as_second()).unwrap_or_default();
    let age = now.saturating_sub(modified.unwrap_or_default().as_secs());
    let kind = match name.strip_suffix(".tmp") {
        _ if !metadata.is_file() => return Ok(None),
        _ if is_body => Kind::Body(name.into_owned()),
        Some(stem) => Kind::Draft { is_in_use: age < KEPT.as_secs() || is_running(stem) },
        None if name.ends_with(".backup") => Kind::Draft { is_in_use: age < KEPT.as_secs() },
        None => return Ok(None),
    };
    Ok(Some(Candidate { path: path.to_owned(), bytes: metadata.len(), kind }))
}

/// Returns whether the process that writes a draft may run: the draft of a body is named
/// `BODY.PROCESS-NUMBER.tmp`.
fn is_running(stem: &str) -> bool {
    let process = stem.rsplit_once('.').and_then(|(_, rest)| rest.split_once('-'));
    let Some(process) = process.and_then(|(process, _)| process.parse::<u32>().ok()) else {
        return false;
    };
    let known = Path::new("/proc/self").exists();
    !known || Path::new(&format!("/proc/{process}")).exists()
}
