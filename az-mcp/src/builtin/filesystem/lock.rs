//! Exclusive file locks between the threads and processes that use these tools.
//!
//! The lock is an advisory `flock` on the file itself: it ends with the process that holds it, and
//! needs no lock file. It locks an inode and not a name, so a locked file is used only if its name
//! still refers to that inode.

use std::io;
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use az_core::CancellationToken;
use az_core::locks::{self, LockHolder};
use az_core::task::LeaseFence;
use az_core::tool::Invocation;
use cap_std::fs::{File, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::replace::FileLocation;

/// The longest wait for a lock. Writers hold it for milliseconds, so that only a lock that is never
/// released takes this long.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The longest wait for a lock of a process that is stopped.
const MAX_WAIT_FOR_STOPPED: Duration = Duration::from_secs(3);
/// The longest pause between two attempts to take a lock.
const MAX_PAUSE: Duration = Duration::from_millis(8);

/// Limits how long a call waits for a lock.
///
/// The lock is polled: a thread that blocks in `flock` could not observe cancellation, and would
/// write after its call was reported as failed.
#[derive(Debug)]
pub(super) struct LockWait {
    cancel: CancellationToken,
    lease: LeaseFence,
    begun: Instant,
    limit: Duration,
}

/// A file that is open for appending and locked.
#[derive(Debug)]
pub(super) struct LockedFile {
    pub(super) file: File,
    /// Whether this call created it.
    pub(super) is_new: bool,
}

/// The state of the target before a file is replaced.
#[derive(Debug)]
pub(super) enum LockedTarget {
    /// The file does not exist.
    Missing,
    /// The file, locked.
    Locked(File),
    /// A file that this process has no permission to open; no process of the same user can append
    /// to it, so that it needs no lock.
    Inaccessible,
}

impl LockWait {
    /// Returns the limits of a call that begins now.
    pub(super) fn of(call: &Invocation) -> Self {
        let limit = call.timeout.map_or(MAX_WAIT, |limit| limit.min(MAX_WAIT));
        let (cancel, lease) = (call.cancel.clone(), call.lease.clone());
        Self { cancel, lease, begun: Instant::now(), limit }
    }

    /// Returns an error if the call was cancelled or has waited too long.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled; nothing was written"));
        }
        if self.begun.elapsed() >= self.limit { Err(locked_by(None)) } else { Ok(()) }
    }

    /// Returns an error if the call was cancelled or has waited too long for the lock of `file`:
    /// not as long if the process that holds it is stopped.
    fn check_for(&self, file: &File) -> io::Result<()> {
        self.check().map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => locked_by(holder(file)),
            _ => error,
        })?;
        if self.begun.elapsed() < self.limit.min(MAX_WAIT_FOR_STOPPED) {
            return Ok(());
        }
        match holder(file) {
            Some(holder) if holder.is_stopped => Err(locked_by(Some(holder))),
            _ => Ok(()),
        }
    }

    /// Returns `LeaseLost`, as the source of the error, if the lease of the task may have expired. Called right before the file is
    /// changed.
    pub(super) fn check_lease(&self) -> io::Result<()> {
        self.lease.check().map_err(io::Error::other)
    }
}

fn holder(file: &File) -> Option<LockHolder> {
    locks::holder(file.metadata().ok()?.ino())
}

fn locked_by(holder: Option<LockHolder>) -> io::Error {
    let holder = holder.map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
    let reason = format!("{holder} has locked the file; nothing was written");
    io::Error::new(io::ErrorKind::TimedOut, reason)
}

impl LockedFile {
    /// Opens the file for appending, creates it if it is missing, and locks it.
    pub(super) fn open(location: &FileLocation, wait: &LockWait) -> io::Result<Self> {
        loop {
            wait.check()?;
            let (file, is_new) = match open(location, OpenOptions::new().append(true)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match open(location, OpenOptions::new().append(true).create_new(true)) {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                        created => (created?, true),
                    }
                }
                opened => (opened?, false),
            };
            lock(&file, wait)?;
            if is_at(location, &file)? {
                return Ok(Self { file, is_new });
            }
        }
    }
}

impl LockedTarget {
    /// Locks the file at a location, if there is one.
    pub(super) fn lock_existing(location: &FileLocation, wait: &LockWait) -> io::Result<Self> {
        loop {
            wait.check()?;
            // Some filesystems lock only files that are open for writing; a read-only file can only
            // be opened for reading.
            let opened = match open(location, OpenOptions::new().append(true)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    open(location, OpenOptions::new().read(true))
                }
                opened => opened,
            };
            let file = match opened {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Missing),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Ok(Self::Inaccessible);
                }
                Err(error) => return Err(error),
            };
            lock(&file, wait)?;
            if is_at(location, &file)? {
                return Ok(Self::Locked(file));
            }
        }
    }
}

/// Locks an open file; the lock ends when the file is closed.
pub(super) fn lock(file: &File, wait: &LockWait) -> io::Result<()> {
    let mut pause = Duration::from_micros(250);
    loop {
        match flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => {
                wait.check_for(file)?;
                sleep(pause);
                pause = (pause * 2).min(longest_pause(wait));
            }
            locked => return Ok(locked?),
        }
    }
}

/// Returns the longest pause between two attempts; a long one once the holder is looked up each time.
fn longest_pause(wait: &LockWait) -> Duration {
    if wait.begun.elapsed() < MAX_WAIT_FOR_STOPPED { MAX_PAUSE } else { MAX_PAUSE * 16 }
}

/// Opens a regular file. A link or a pipe, which another process may have put there since the
/// location was resolved, is an error.
fn open(location: &FileLocation, options: &mut OpenOptions) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = location.dir.open_with(&location.name, options.custom_flags(flags))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

/// Opens a locked file once more, for reading.
pub(super) fn open_reader(location: &FileLocation, locked: &File) -> io::Result<File> {
    open_again(location, locked, OpenOptions::new().read(true))
}

/// Opens a locked file once more, for writing from its start.
pub(super) fn open_writer(location: &FileLocation, locked: &File) -> io::Result<File> {
    open_again(location, locked, OpenOptions::new().write(true))
}

fn open_again(
    location: &FileLocation,
    locked: &File,
    options: &mut OpenOptions,
) -> io::Result<File> {
    let again = open(location, options)?;
    let (opened, locked) = (again.metadata()?, locked.metadata()?);
    if (opened.dev(), opened.ino()) != (locked.dev(), locked.ino()) {
        // A process that does not take the lock has replaced it.
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    Ok(again)
}

/// Returns whether the name at a location still refers to this file.
fn is_at(location: &FileLocation, file: &File) -> io::Result<bool> {
    let opened = file.metadata()?;
    match location.dir.symlink_metadata(&location.name) {
        Ok(named) => Ok((named.dev(), named.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
