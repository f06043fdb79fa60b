//! Marks on a file that record which call appended which of its bytes.
//!
//! The bytes of a file do not tell which call wrote them: other tasks and programs may append the
//! same text. A call that has appended its content and synced it therefore adds a mark, in an
//! extended attribute of the file, while it still holds the lock. A mark proves that the call took
//! effect. Its absence proves nothing: the call may have been killed before it added the mark, the
//! mark may have been displaced by later ones, and not all filesystems have extended attributes.

use std::fmt::Write;
use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

use az_core::digest::sha256_hex;
use cap_std::fs::File;
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};

/// The extended attribute.
pub(super) const NAME: &str = "user.az.appends";
/// How many marks are kept; the oldest is dropped first.
const MAX_MARKS: usize = 16;
/// The largest size of the attribute in bytes.
const MAX_SIZE: usize = 4096;

/// The marks on a file, from the oldest to the newest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(Vec<Mark>);

#[derive(Debug, PartialEq, Eq)]
struct Mark {
    /// A hash of the call's key.
    call: String,
    bytes: Range<u64>,
}

impl Marks {
    /// Reads the marks of an open file; there are none if the filesystem has no such attributes.
    pub(super) fn read(file: &File) -> Self {
        let mut value = vec![0; MAX_SIZE];
        let length = fgetxattr(file.as_fd(), NAME, value.as_mut_slice()).unwrap_or(0);
        value.truncate(length);
        let text = String::from_utf8(value).unwrap_or_default();
        Self(text.lines().filter_map(Mark::parse).collect())
    }

    /// Adds the mark of a call. It is an error if the filesystem has no such attributes.
    pub(super) fn add(&mut self, file: &File, key: &str, bytes: Range<u64>) -> io::Result<()> {
        self.0.push(Mark { call: hash(key), bytes });
        let surplus = self.0.len().saturating_sub(MAX_MARKS);
        self.0.drain(..surplus);
        self.write(file)
    }

    /// Removes the marks of bytes that a file of this length does not have: it was truncated. They
    /// would otherwise claim the bytes of the next append.
    pub(super) fn truncate(&mut self, file: &File, length: u64) -> io::Result<()> {
        let before = self.0.len();
        self.0.retain(|mark| mark.bytes.end <= length);
        if self.0.len() == before {
            return Ok(());
        }
        self.write(file)?;
        file.sync_all()
    }

    /// Returns whether a call appended its bytes after the file had a length of `since`.
    pub(super) fn has(&self, key: &str, since: u64) -> bool {
        let call = hash(key);
        self.0.iter().any(|mark| mark.call == call && mark.bytes.end > since)
    }

    /// Returns whether all of these bytes were appended by marked calls.
    pub(super) fn cover(&self, bytes: Range<u64>) -> bool {
        let mut covered = bytes.start;
        while covered < bytes.end {
            let next = self.0.iter().find(|mark| mark.bytes.contains(&covered));
            let Some(mark) = next else { return false };
            covered = mark.bytes.end;
        }
        true
    }

    fn write(&self, file: &File) -> io::Result<()> {
        let mut text = String::new();
        for Mark { call, bytes } in &self.0 {
            writeln!(text, "{call} {} {}", bytes.start, bytes.end).map_err(io::Error::other)?;
        }
        Ok(fsetxattr(file.as_fd(), NAME, text.as_bytes(), XattrFlags::empty())?)
    }
}

impl Mark {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let call = fields.next()?.to_owned();
        let (start, end) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self { call, bytes: start..end })
    }
}

fn hash(key: &str) -> String {
    let mut hash = sha256_hex(key);
    hash.truncate(24);
    hash
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;
    use cap_std::fs::File;

    use super::{MAX_MARKS, Marks};

    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn marks_are_kept_on_the_file_and_the_oldest_are_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let file = File::create_ambient(directory.path().join("f"), ambient_authority()).unwrap();
        let mut marks = Marks::default();
        for (number, start) in (0..20).zip((0..).step_by(10)) {
            if let Err(error) = marks.add(&file, &format!("t:{number}"), start..start + 10) {
                eprintln!("skipped: {directory:?} is on a filesystem without attributes: {error}");
                return;
            }
        }
        let file = File::open_ambient(directory.path().join("f"), ambient_authority()).unwrap();
        let mut read = Marks::read(&file);
        assert_eq!(read, marks);
        assert_eq!(read.0.len(), MAX_MARKS);
        assert!(read.has("t:19", 199) && !read.has("t:19", 200) && !read.has("t:0", 0));
        assert!(read.cover(45..200) && read.cover(70..70));
        assert!(!read.cover(30..200) && !read.cover(45..201));
        read.truncate(&file, 195).unwrap();
        assert!(!Marks::read(&file).has("t:19", 0) && Marks::read(&file).has("t:18", 0));
    }

    #[test]
    fn an_attribute_of_another_format_has_no_marks() {
        assert_eq!("x 1\ny a b\n".lines().filter_map(super::Mark::parse).count(), 0);
    }
}
