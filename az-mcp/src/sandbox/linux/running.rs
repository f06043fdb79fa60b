//! Which sandboxes of this user are running.
//!
//! What is mounted in a workspace is found by its name. A process of another sandbox that changes the
//! same files could exchange it for a link at this moment. A sandbox that is prepared therefore has to
//! know that it is the only one, and keep others from starting until its mounts are done.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

/// Held shared by each sandbox as long as one of its processes runs.
const RUNNING: &str = "running.lock";
/// Held exclusively while it is found out whether others run, and while the only one is prepared.
const STARTING: &str = "starting.lock";

/// How long another sandbox may take to be prepared.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether it is.
const POLL: Duration = Duration::from_micros(500);

/// The entry of a sandbox among those that run.
#[derive(Debug)]
pub(super) struct Entry {
    /// The lock of a running sandbox. It is released when no process has it open.
    pub(super) running: OwnedFd,
    /// Keeps other sandboxes from starting; `None` if others are running already.
    pub(super) alone: Option<File>,
}

impl Entry {
    /// Adds a sandbox. The locks are in this directory, which its command must not reach. This blocks
    /// as long as another one is prepared: some milliseconds, unless its process is stopped.
    ///
    /// # Errors
    ///
    /// `TimedOut` if another one is still being prepared after this time.
    pub(super) fn new(directory: &Path, patience: Duration) -> io::Result<Self> {
        let starting = open(&directory.join(STARTING))?;
        lock_within(&starting, patience)?;
        let running = open(&directory.join(RUNNING))?;
        let is_alone = match flock(&running, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => true,
            Err(Errno::WOULDBLOCK) => false,
            Err(error) => return Err(error.into()),
        };
        // Others do not take the lock in between: they need the first one for it.
        flock(&running, FlockOperation::NonBlockingLockShared)?;
        Ok(Self { running: running.into(), alone: is_alone.then_some(starting) })
    }
}

/// Locks a file that another process may have locked.
fn lock_within(file: &File, patience: Duration) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if begun.elapsed() < patience => thread::sleep(POLL),
            Err(Errno::WOULDBLOCK) => {
                let text = format!(
                    "another process has been starting a command for {} s, and may be stopped: \
                     continue or end it",
                    patience.as_secs()
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            locked => return Ok(locked?),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut create = OpenOptions::new();
    create.write(true).create_new(true).mode(0o400).custom_flags(no_link);
    if let Err(error) = create.open(path)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(error);
    }
    // A command finds the open file in `/proc`. It must not be able to write to it.
    let file = OpenOptions::new().read(true).custom_flags(no_link).open(path)?;
    if file.metadata()?.permissions().mode() & 0o222 != 0 {
        file.set_permissions(Permissions::from_mode(0o400))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::{Entry, PATIENCE};

    #[test]
    fn a_sandbox_is_alone_until_another_one_runs() {
        let directory = tempfile::tempdir().unwrap();
        let first = Entry::new(directory.path(), PATIENCE).unwrap();
        assert!(first.alone.is_some());
        let Entry { running, alone } = first;
        drop(alone);
        let second = Entry::new(directory.path(), PATIENCE).unwrap();
        assert!(second.alone.is_none());
        drop(running);
        assert!(Entry::new(directory.path(), PATIENCE).unwrap().alone.is_none());
        drop(second);
        assert!(Entry::new(directory.path(), PATIENCE).unwrap().alone.is_some());
    }

    #[test]
    fn another_sandbox_waits_until_the_only_one_is_prepared() {
        let directory = tempfile::tempdir().unwrap();
        let first = Entry::new(directory.path(), PATIENCE).unwrap();
        let path = directory.path().to_owned();
        let (sender, receiver) = std::sync::mpsc::channel();
        let second = std::thread::spawn(move || {
            let entry = Entry::new(&path, PATIENCE).unwrap();
            // The first one has dropped its lock before.
            assert_eq!(receiver.try_recv(), Ok(()));
            entry.alone.is_none()
        });
        sender.send(()).unwrap();
        drop(first.alone);
        assert!(second.join().unwrap());
    }

    #[test]
    fn a_lock_cannot_be_written_to_also_one_of_an_earlier_version() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(super::RUNNING);
        std::fs::write(&path, "").unwrap();
        let entry = Entry::new(directory.path(), PATIENCE).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400);
        rustix::io::write(&entry.running, b"x").unwrap_err();
    }

    #[test]
    fn a_sandbox_that_is_never_prepared_is_an_error_and_not_waited_for_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let _first = Entry::new(directory.path(), PATIENCE).unwrap();
        let error = Entry::new(directory.path(), Duration::from_millis(3)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
