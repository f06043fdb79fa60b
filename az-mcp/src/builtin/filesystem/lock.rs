//! A file that one writer at a time may change, among all threads and processes that ask.
//!
//! The lock is the system's advisory one (`flock`), on the file itself: it ends with the process
//! that holds it, and leaves nothing beside the file. A lock holds an inode and not a name, so it
//! counts only while the name still leads there.

use std::io;
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use az_core::CancellationToken;
use az_core::tool::Invocation;
use cap_std::fs::{File, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::replace::Place;

/// How long a call without a limit of its own waits for a lock: far longer than any number of
/// writers need, so that only somebody who never lets go is given up on.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long is waited at most before a lock is tried again.
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// For how long a call may wait.
///
/// Waiting is trying again and again: a thread asleep in the system could not be told that its
/// call was cancelled, and would write after the call had been said to have failed.
#[derive(Debug)]
pub(super) struct Patience {
    cancel: CancellationToken,
    until: Instant,
}

/// A file that is held to be added to.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) file: File,
    /// Whether it was made for this.
    pub(super) is_new: bool,
}

/// What is there before a file is replaced.
#[derive(Debug)]
pub(super) enum Target {
    /// There is nothing.
    Missing,
    /// The file, which nobody else changes meanwhile.
    Held(File),
    /// A file that cannot be opened, and hence is added to by nobody with our rights.
    Closed,
}

impl Patience {
    /// Returns the patience of a call that begins now.
    pub(super) fn of(call: &Invocation) -> Self {
        let limit = call.timeout.map_or(PATIENCE, |limit| limit.min(PATIENCE));
        Self { cancel: call.cancel.clone(), until: Instant::now() + limit }
    }

    /// Refuses to go on when nobody waits for the call any more.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled; nothing was written"));
        }
        if Instant::now() >= self.until {
            let reason = "somebody else holds it locked; nothing was written";
            return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
        }
        Ok(())
    }
}

impl Held {
    /// Opens the file at a place to add to it, makes it if there is none, and locks it.
    pub(super) fn open(place: &Place, patience: &Patience) -> io::Result<Self> {
        loop {
            patience.check()?;
            let (file, is_new) = match open(place, OpenOptions::new().append(true)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match open(place, OpenOptions::new().append(true).create_new(true)) {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                        made => (made?, true),
                    }
                }
                opened => (opened?, false),
            };
            lock(&file, patience)?;
            if leads_to(place, &file)? {
                return Ok(Self { file, is_new });
            }
        }
    }
}

impl Target {
    /// Locks the file at a place, if there is one.
    pub(super) fn hold(place: &Place, patience: &Patience) -> io::Result<Self> {
        loop {
            patience.check()?;
            // Some filesystems lock only what is open for writing, some files may only be read.
            let opened = match open(place, OpenOptions::new().append(true)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    open(place, OpenOptions::new().read(true))
                }
                opened => opened,
            };
            let file = match opened {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Missing),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Ok(Self::Closed);
                }
                Err(error) => return Err(error),
            };
            lock(&file, patience)?;
            if leads_to(place, &file)? {
                return Ok(Self::Held(file));
            }
        }
    }
}

/// Locks an open file; the lock ends when the file is closed.
pub(super) fn lock(file: &File, patience: &Patience) -> io::Result<()> {
    let mut pause = Duration::from_micros(250);
    loop {
        match flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK | Errno::INTR) => {
                patience.check()?;
                sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            locked => return Ok(locked?),
        }
    }
}

/// Opens the regular file at a place, and nothing else: neither a link nor a pipe, which could
/// have been put there since the place was found.
fn open(place: &Place, options: &mut OpenOptions) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = place.dir.open_with(&place.name, options.custom_flags(flags))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    Ok(file)
}

/// Tells whether the name of a place still is this file's.
fn leads_to(place: &Place, file: &File) -> io::Result<bool> {
    let ours = file.metadata()?;
    match place.dir.symlink_metadata(&place.name) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
