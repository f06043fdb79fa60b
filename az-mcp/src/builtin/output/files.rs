//! Files for what the background processes of a call print.
//!
//! The output of a call is a sequence of segments, `CALL.OFFSET.log`, each named by the offset of
//! its first byte. A new segment is begun when the last is full, and only the last two are kept, so
//! that a process that prints without end uses a bounded part of the disk. Readers need no state:
//! they find the offsets in the names, also in another process and after a crash.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use az_core::{CallId, TaskId};

/// The size of a full segment in bytes.
const SEGMENT: u64 = 4 << 20;
/// How many segments of a call are kept.
const KEPT: usize = 2;

/// The directory of the files, if there is one.
#[derive(Debug, Clone)]
pub struct OutputFiles(Option<PathBuf>);

/// Writes the output of one call.
#[derive(Debug)]
pub(in crate::builtin) struct OutputWriter {
    directory: PathBuf,
    call: String,
    file: File,
    /// The offset of the current segment.
    start: u64,
    /// The number of bytes in the current segment.
    length: u64,
    segment: u64,
}

/// A part of an output.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The offset of the first byte; later than asked for if earlier bytes are no longer kept.
    pub(super) start: u64,
    pub(super) bytes: Vec<u8>,
    /// The length of the whole output.
    pub(super) end: u64,
}

struct Segment {
    path: PathBuf,
    start: u64,
    length: u64,
}

impl OutputFiles {
    /// Creates the files below a directory, which need not exist.
    pub const fn new(directory: Option<PathBuf>) -> Self {
        Self(directory)
    }

    /// Creates the file of a call; `None` without a directory. What an earlier attempt of the call
    /// has written is removed.
    pub(in crate::builtin) fn create(
        &self,
        task: &TaskId,
        call: &CallId,
    ) -> io::Result<Option<OutputWriter>> {
        let Some(root) = &self.0 else { return Ok(None) };
        let directory = root.join(file_name(task.as_str()));
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let call = file_name(call.as_str());
        for old in segments(&directory, &call)? {
            fs::remove_file(old.path)?;
        }
        let file = create(&directory, &call, 0)?;
        Ok(Some(OutputWriter { directory, call, file, start: 0, length: 0, segment: SEGMENT }))
    }

    /// Deletes the files of a task.
    ///
    /// # Errors
    ///
    /// That of the file system.
    pub fn delete(&self, task: &TaskId) -> io::Result<()> {
        let Some(root) = &self.0 else { return Ok(()) };
        match fs::remove_dir_all(root.join(file_name(task.as_str()))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Reads up to `limit` bytes from an offset on; an empty part if the call has no file.
    pub(super) fn read(
        &self,
        task: &TaskId,
        call: &CallId,
        offset: u64,
        limit: usize,
    ) -> io::Result<Part> {
        let Some(root) = &self.0 else { return Ok(Part::default()) };
        let segments = segments(&root.join(file_name(task.as_str())), &file_name(call.as_str()))?;
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Ok(Part::default());
        };
        let end = last.start + last.length;
        let start = offset.clamp(first.start, end);
        let mut bytes = Vec::new();
        for segment in &segments {
            let next = start + bytes.len() as u64;
            let room = limit.saturating_sub(bytes.len()) as u64;
            if room == 0 || next < segment.start || next >= segment.start + segment.length {
                continue;
            }
            let mut file = File::open(&segment.path)?;
            file.seek(SeekFrom::Start(next - segment.start))?;
            file.take(room).read_to_end(&mut bytes)?;
        }
        Ok(Part { start, bytes, end })
    }
}

impl OutputWriter {
    /// Appends bytes.
    pub(in crate::builtin) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.length >= self.segment {
            self.start += self.length;
            self.length = 0;
            self.file = create(&self.directory, &self.call, self.start)?;
            let segments = segments(&self.directory, &self.call)?;
            for old in segments.iter().rev().skip(KEPT) {
                fs::remove_file(&old.path)?;
            }
        }
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn create(directory: &Path, call: &str, start: u64) -> io::Result<File> {
    let path = directory.join(format!("{call}.{start}.log"));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Lists the segments of a call by offset; none if the directory does not exist.
fn segments(directory: &Path, call: &str) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let start = name.to_str().and_then(|name| {
            name.strip_prefix(call)?.strip_prefix('.')?.strip_suffix(".log")?.parse().ok()
        });
        if let Some(start) = start {
            found.push(Segment { path: entry.path(), start, length: entry.metadata()?.len() });
        }
    }
    found.sort_by_key(|segment| segment.start);
    Ok(found)
}

/// Returns an id as the name of a file: characters other than letters, digits, `_`, `-` and inner
/// dots are replaced by their numbers.
fn file_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for (index, c) in id.char_indices() {
        match c {
            '.' if index > 0 => name.push(c),
            c if c.is_ascii_alphanumeric() || "_-".contains(c) => name.push(c),
            c => name.push_str(&format!("%{:02x}", u32::from(c))),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{OutputFiles, Part, file_name};
    use az_core::{CallId, TaskId};

    fn ids() -> (TaskId, CallId) {
        (TaskId::new("t/..").unwrap(), CallId::tool(0, 0))
    }

    #[test]
    fn parts_are_read_across_segments_and_discarded_bytes_are_skipped() {
        let directory = tempfile::tempdir().unwrap();
        let files = OutputFiles::new(Some(directory.path().join("out")));
        let (task, call) = ids();
        let mut writer = files.create(&task, &call).unwrap().unwrap();
        writer.segment = 4;
        let read = |offset, limit| files.read(&task, &call, offset, limit).unwrap();
        let part = |start, bytes: &[u8], end| Part { start, bytes: bytes.to_vec(), end };
        assert_eq!(read(0, 10), part(0, b"", 0));
        writer.append(b"abcd").unwrap();
        writer.append(b"efgh").unwrap();
        assert_eq!(read(2, 4), part(2, b"cdef", 8));
        assert_eq!(read(9, 4), part(8, b"", 8));
        writer.append(b"ij").unwrap();
        assert_eq!(read(0, 100), part(4, b"efghij", 10));
        // A repeated call begins anew.
        files.create(&task, &call).unwrap().unwrap();
        assert_eq!(read(0, 100), part(0, b"", 0));
        assert_eq!(files.read(&task, &CallId::tool(0, 1), 0, 9).unwrap(), Part::default());
    }

    #[test]
    fn ids_are_names_of_files_in_one_directory() {
        assert_eq!(file_name("t0.0"), "t0.0");
        assert_eq!(file_name("../a:b@c"), "%2e.%2fa%3ab%40c");
        assert_ne!(file_name("a/b"), file_name("a%2fb"));
    }
}
