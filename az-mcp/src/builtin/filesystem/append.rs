//! Appends to a file: concurrent appends are all kept, and none is written in part.

use std::io::{self, Seek, Write};
use std::ops::Range;

use az_core::point;
use az_core::text::plural;
use cap_std::fs::MetadataExt as _;

use super::durable::sync_directory;
use super::error::WriteError;
use super::lock::{LockWait, LockedFile, open_reader};
use super::marks::Marks;
use super::replace::FileLocation;
use super::witness::{Finding, Witness};

/// Why a file with hard links is not appended to.
const SHARED: &str = "it has another hard link, which may be outside the workspace and would be \
                      changed too; write the whole file instead";

/// The identity of an append that can be recovered after a crash.
#[derive(Debug)]
pub(super) struct AppendId<'a> {
    pub(super) key: &'a str,
    pub(super) witness: Witness,
    /// Whether an earlier run may have made the call.
    pub(super) repeated: bool,
}

/// Appends all of the content to a file, or nothing.
///
/// The file keeps its inode, so that processes that have it open see the new content. It is locked
/// meanwhile against other appends and replacements by this program. A file with several hard links is
/// refused: one of them may be outside the workspace.
///
/// An append with an `id` marks the bytes that it has written and synced, and does nothing if the
/// file has its mark already.
pub(super) fn append(
    location: &FileLocation,
    content: &[u8],
    id: Option<&AppendId<'_>>,
    wait: &LockWait,
) -> Result<(), WriteError> {
    // An append of nothing leaves no bytes to mark, and can be repeated.
    let id = id.filter(|_| !content.is_empty());
    let mut locked = LockedFile::open(location, wait)?;
    let metadata = locked.file.metadata()?;
    if metadata.nlink() > 1 {
        return Err(io::Error::other(SHARED).into());
    }
    let before = metadata.len();
    let mut marks = Marks::default();
    if let Some(id) = id {
        match id.find_earlier(location, &locked, content.len()) {
            Finding::Happened => return Ok(()),
            Finding::Unknown => {
                if locked.is_new {
                    location.dir.remove_file(&location.name)?;
                }
                return Err(WriteError::changed_since());
            }
            Finding::DidNotHappen => {}
        }
        // Without the permission to read the file, the append cannot be recovered, only made.
        marks =
            open_reader(location, &locked.file).map(|file| Marks::read(&file)).unwrap_or_default();
        marks.truncate(&locked.file, before)?;
    }
    point!("fs.append.before_write");
    let mut written = 0;
    let mut add = || {
        wait.check_lease()?;
        write(&mut locked.file, content, &mut written)?;
        point!("fs.append.after_write");
        locked.file.sync_all()?;
        // The file may be new, or created by an interrupted call that did not sync its name.
        sync_directory(&location.dir)
    };
    let added = add();
    added.map_err(|error| undo(&locked, location, before, written, error))?;
    if let Some(id) = id {
        let range =
            written_range(&mut locked, before, content.len()).map_err(WriteError::Unknown)?;
        // The content is on disk. Without the mark, a probe can only not determine that.
        marks.add(&locked.file, id.key, range).ok();
    }
    point!("fs.append.marked");
    Ok(())
}

impl AppendId<'_> {
    /// Determines, under the lock, whether an earlier attempt appended the content.
    fn find_earlier(&self, location: &FileLocation, locked: &LockedFile, length: usize) -> Finding {
        let reader = open_reader(location, &locked.file);
        if self.repeated {
            let found = reader
                .and_then(|mut file| self.witness.find_append(Some(&mut file), self.key, length));
            return found.unwrap_or(Finding::Unknown);
        }
        // On the first attempt, other processes may have changed the file since the witness was
        // taken; only a mark matters.
        match reader {
            Ok(file) if self.witness.is_marked(&Marks::read(&file), self.key) => Finding::Happened,
            Ok(_) | Err(_) => Finding::DidNotHappen,
        }
    }
}

/// Returns the range of the bytes that were appended; it is empty if it is not certain.
fn written_range(locked: &mut LockedFile, before: u64, length: usize) -> io::Result<Range<u64>> {
    let end = locked.file.stream_position()?;
    let start = if end == before + length as u64 { before } else { end };
    // Otherwise a process that does not take the lock has appended in between.
    Ok(start..end)
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
) -> WriteError {
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
            let message = format!(
                "{error}; the first {} of the content remain in the file",
                plural(written, "byte")
            );
            WriteError::Unknown(io::Error::new(error.kind(), message))
        }
        Ok(()) | Err(_) => error.into(),
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
