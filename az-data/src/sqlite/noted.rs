//! Commands that were run by processes that had not opened the database for writing: a file beside it, with
//! a line for each. A process that writes to the database moves them into it.
//!
//! A line is appended under a shared lock of the file. Collecting takes an exclusive lock and renames the file
//! first, so that nothing is appended to a file that is being read; a process that opened the file before sees
//! that its name is another file's, and opens that one. Nothing waits for a lock for longer than the rename
//! takes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use az_core::error::Error;
use az_core::log::CommandRun;
use az_core::store::Namespace;
use serde::{Deserialize, Serialize};

use super::connect::beside;
use crate::error::{Result, about};

/// The end of the file's name.
pub(super) const SUFFIX: &str = ".runs";
/// The end of its name while it is collected.
pub(super) const COLLECTING: &str = ".runs.collecting";
/// The largest file to append to. Nothing collects it as long as no command writes to the database.
const LARGEST: u64 = 4 << 20;
/// How often a line is tried to append while the file is renamed.
const ATTEMPTS: u32 = 20;

/// A command that was noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NotedRun {
    pub(super) namespace: String,
    #[serde(flatten)]
    pub(super) run: CommandRun,
}

/// The file beside a database.
#[derive(Debug, Clone)]
pub(super) struct Noted {
    path: PathBuf,
    collecting: PathBuf,
}

/// The file while it is collected; the lock is released when this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    file: File,
    path: PathBuf,
}

impl Noted {
    pub(super) fn beside(database: &Path) -> Self {
        Self { path: beside(database, SUFFIX), collecting: beside(database, COLLECTING) }
    }

    /// Appends a run, unless the file is too large; returns the size of the file.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if the file is being renamed all the time.
    pub(super) fn append(&self, namespace: &Namespace, run: &CommandRun) -> Result<u64> {
        let noted = NotedRun { namespace: namespace.as_str().to_owned(), run: run.clone() };
        let line =
            serde_json::to_string(&noted).map_err(|error| Error::Internal(error.to_string()))?;
        for _ in 0..ATTEMPTS {
            let mut file =
                open(&self.path, OpenOptions::new().append(true).create(true).mode(0o600))?;
            match file.try_lock_shared() {
                Ok(()) if is_named(&file, &self.path)? => {
                    let size = file.metadata().map_err(about(&self.path))?.len();
                    if size > LARGEST {
                        return Ok(size);
                    }
                    let line = format!("{line}\n");
                    file.write_all(line.as_bytes()).map_err(about(&self.path))?;
                    return Ok(size.saturating_add(line.len() as u64));
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_micros(50)),
                Err(TryLockError::Error(error)) => return Err(about(&self.path)(error)),
            }
        }
        Err(about(&self.path)(ErrorKind::ResourceBusy.into()))
    }

    /// Returns the runs of a namespace that are not collected yet, in the order in which they were noted.
    pub(super) fn read(&self, namespace: &Namespace) -> Result<Vec<CommandRun>> {
        let mut runs = Vec::new();
        // The file may be renamed in between: opened in this order, it is found under one of its names, and a
        // second time under the other one at worst.
        let noted = if_any(File::open(&self.path), &self.path)?;
        let collecting = if_any(File::open(&self.collecting), &self.collecting)?;
        let same = match (&noted, &collecting) {
            (Some(noted), Some(_)) => is_named(noted, &self.collecting)?,
            _ => false,
        };
        let collecting = collecting.filter(|_| !same);
        for (mut file, path) in [(collecting, &self.collecting), (noted, &self.path)]
            .into_iter()
            .filter_map(|(file, path)| Some((file?, path)))
        {
            runs.extend(parsed(&mut file, path)?);
        }
        let own = runs.into_iter().filter(|noted| noted.namespace == namespace.as_str());
        Ok(own.map(|noted| noted.run).collect())
    }

    /// Takes the file to collect it; `None` if there is none, or another process collects it.
    pub(super) fn take(&self) -> Result<Option<Taken>> {
        // What a process left that ended while it collected comes first.
        if let Some(file) = if_any(File::open(&self.collecting), &self.collecting)? {
            let locked = locked(&file, &self.collecting)?;
            let is_left = locked && is_named(&file, &self.collecting)?;
            return Ok(is_left.then(|| Taken { file, path: self.collecting.clone() }));
        }
        let Some(file) = if_any(File::open(&self.path), &self.path)? else { return Ok(None) };
        if !locked(&file, &self.path)? || !is_named(&file, &self.path)? {
            return Ok(None);
        }
        // Another process may have begun to collect since; none can as long as this lock is held.
        if if_any(fs::symlink_metadata(&self.collecting), &self.collecting)?.is_some() {
            return Ok(None);
        }
        fs::rename(&self.path, &self.collecting).map_err(about(&self.path))?;
        Ok(Some(Taken { file, path: self.collecting.clone() }))
    }
}

impl Taken {
    /// Returns the runs of all namespaces.
    pub(super) fn runs(&self) -> Result<Vec<NotedRun>> {
        parsed(&mut &self.file, &self.path)
    }

    /// Removes the file, whose runs are in the database.
    pub(super) fn remove(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(about(&self.path))
    }
}

fn open(path: &Path, options: &OpenOptions) -> Result<File> {
    options.open(path).map_err(about(path))
}

/// Takes the exclusive lock of a file; returns `false` if another process has one.
fn locked(file: &File, path: &Path) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(about(path)(error)),
    }
}

/// Whether a file has this path. It may have been renamed or removed since it was opened.
fn is_named(file: &File, path: &Path) -> Result<bool> {
    let opened = file.metadata().map_err(about(path))?;
    let named = if_any(fs::symlink_metadata(path), path)?;
    Ok(named.is_some_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino())))
}

fn if_any<T>(result: std::io::Result<T>, path: &Path) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(about(path)(error)),
    }
}

/// Returns the runs in a file. A line that is cut off or written by something else is left out.
fn parsed(file: &mut impl Read, path: &Path) -> Result<Vec<NotedRun>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(about(path))?;
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}
