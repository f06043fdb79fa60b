//! Appends to a file: concurrent appends are all kept, and none is written in part.

use std::io::{self, Write};

use az_core::point;

use super::lock::{LockWait, LockedFile};
use super::replace::{FileLocation, sync};

/// Appends all of the content to a file, or nothing.
///
/// The file keeps its inode, so that processes that have it open see the new content. It is locked
/// meanwhile against other appends and replacements by this program.
pub(super) fn append(location: &FileLocation, content: &[u8], wait: &LockWait) -> io::Result<()> {
    let mut locked = LockedFile::open(location, wait)?;
    let before = locked.file.metadata()?.len();
    point!("fs.append.before_write");
    let mut written = 0;
    let mut add = || {
        wait.check_lease()?;
        write(&mut locked.file, content, &mut written)?;
        point!("fs.append.after_write");
        locked.file.sync_all()?;
        // An empty file may have just been created, so that its name is not durable yet.
        if before == 0 { sync(&location.dir) } else { Ok(()) }
    };
    let added = add();
    added.map_err(|error| undo(&locked, location, before, written, error))
}

/// Writes all of the content, and counts the bytes that were written before an error.
fn write(file: &mut impl Write, content: &[u8], written: &mut usize) -> io::Result<()> {
    while let Some(rest) = content.get(*written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(bytes) => *written += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Restores a file after a failed append, and returns the error of the append.
fn undo(
    locked: &LockedFile,
    location: &FileLocation,
    before: u64,
    written: usize,
    error: io::Error,
) -> io::Error {
    let restored = locked.file.metadata().and_then(|now| {
        if now.len() != before + written as u64 {
            // A process that does not take the lock appended too; truncating would lose its data.
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        locked.file.set_len(before)?;
        if locked.is_new && before == 0 {
            location.dir.remove_file(&location.name)?;
        }
        locked.file.sync_all()
    });
    match restored {
        Err(_) if written > 0 => {
            let message = format!("{error}; {written} bytes of the content remain in the file");
            io::Error::new(error.kind(), message)
        }
        Ok(()) | Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::write;

    /// Accepts at most three bytes at a time up to a capacity, and interrupts every second call.
    struct LimitedWriter {
        accepted: Vec<u8>,
        capacity: usize,
        calls: u32,
    }

    impl Write for LimitedWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(2) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let bytes = &bytes[..bytes.len().min(3).min(self.capacity - self.accepted.len())];
            if bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.accepted.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn short_writes_are_continued_and_a_failed_write_reports_the_bytes_written() {
        let mut file = LimitedWriter { accepted: Vec::new(), capacity: 9, calls: 0 };
        let mut written = 0;
        write(&mut file, b"sevenof", &mut written).unwrap();
        assert_eq!((file.accepted.as_slice(), written), (b"sevenof".as_slice(), 7));
        let mut written = 0;
        let error = write(&mut file, b"nine", &mut written).unwrap_err();
        assert_eq!((error.kind(), written), (io::ErrorKind::StorageFull, 2));
    }
}
