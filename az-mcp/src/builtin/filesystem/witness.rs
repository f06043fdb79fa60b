//! The state of a file before a call, from which a probe determines whether the call happened.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::{SystemTime, UNIX_EPOCH};

use az_core::digest::{hex, sha256_hex};
use cap_std::fs::{File, Metadata, MetadataExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::FileError;
use super::marks::Marks;
use super::replace::FileLocation;
use super::root::{Root, open_regular};

/// How many bytes at the end of a file that is appended to are digested: enough to detect that it
/// was replaced.
const TAIL_DIGESTED: u64 = 64 << 10;

/// The size of the buffer for reading a file.
const CHUNK: usize = 64 << 10;

/// The state of a file before a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Witness {
    /// `None` if there was no file.
    file: Option<FileState>,
}

/// The state of an existing file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileState {
    length: u64,
    /// Of the last bytes if the call appends, of all bytes if it replaces the file.
    sha256: String,
    /// Witnesses of older versions do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
}

/// What distinguishes a file from a later one of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    dev: u64,
    ino: u64,
    /// When the file was created, in nanoseconds since 1970; inode numbers are used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
}

/// What a probe determines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    Happened,
    DidNotHappen,
    Unknown,
}

impl Witness {
    /// Records the state of the file at `path` before an append.
    pub(super) fn before_append(root: &Root, path: &str) -> Result<Self, FileError> {
        Self::take(root, path, FileState::with_tail)
    }

    /// Records the state of the file at `path` before it is replaced.
    pub(super) fn before_replace(root: &Root, path: &str) -> Result<Self, FileError> {
        Self::take(root, path, FileState::whole)
    }

    fn take(
        root: &Root,
        path: &str,
        state: fn(&mut File) -> io::Result<FileState>,
    ) -> Result<Self, FileError> {
        let location = match FileLocation::find(root, path) {
            Err(FileError::Missing { .. }) => return Ok(Self { file: None }),
            found => found?,
        };
        let Some(mut file) = open(&location, path)? else { return Ok(Self { file: None }) };
        let state = state(&mut file).map_err(|error| FileError::at(path, error))?;
        Ok(Self { file: Some(state) })
    }

    /// The state of a file that does not exist.
    pub(super) const MISSING: Self = Self { file: None };

    /// Returns the state of an open file.
    pub(super) fn of(file: &mut File) -> io::Result<Self> {
        Ok(Self { file: Some(FileState::whole(file)?) })
    }

    /// Returns the state of a file with this content.
    pub(super) fn with_content(metadata: &Metadata, content: &[u8]) -> Self {
        let (length, identity) = (content.len() as u64, Identity::of(metadata));
        Self { file: Some(FileState { length, sha256: sha256_hex(content), identity }) }
    }

    /// Returns the digest of the whole file; `None` if there was none.
    pub(super) fn sha256(&self) -> Option<&str> {
        self.file.as_ref().map(|state| &*state.sha256)
    }

    /// Returns whether the call with this key has marked its append.
    pub(super) fn is_marked(&self, marks: &Marks, key: &str) -> bool {
        // A mark of bytes that were there before is that of an earlier call with the same key.
        marks.has(key, self.length())
    }

    /// Determines whether the call with this key appended `length` bytes to the file. The file is
    /// locked, or there is none.
    pub(super) fn find_append(
        &self,
        file: Option<&mut File>,
        key: &str,
        length: usize,
    ) -> io::Result<Finding> {
        let Some(file) = file else { return Ok(self.find_missing()) };
        if length == 0 {
            return Ok(Finding::Happened);
        }
        let now = file.metadata()?;
        let same = match &self.file {
            Some(before) => before.identity.is_some() && before.identity == Identity::of(&now),
            // The file may be another one than the call created. A mark of the call tells.
            None => true,
        };
        if !same || now.len() < self.length() {
            return Ok(Finding::Unknown);
        }
        let marks = Marks::read(file);
        if self.is_marked(&marks, key) {
            return Ok(Finding::Happened);
        }
        let is_prefix_unchanged = match &self.file {
            Some(before) => before.sha256 == tail_digest(file, before.length)?,
            None => true,
        };
        // Bytes without a mark may be those of this call, killed before it added its mark.
        let is_of_others = is_prefix_unchanged && marks.cover(self.length()..now.len());
        Ok(if is_of_others { Finding::DidNotHappen } else { Finding::Unknown })
    }

    /// Determines whether the file was replaced by one with this content. The file is locked, or
    /// there is none.
    pub(super) fn find_replace(
        witness: Option<&Self>,
        file: Option<&mut File>,
        content: &[u8],
    ) -> io::Result<Finding> {
        let now = file.map(FileState::whole).transpose()?;
        let is_content = |now: &FileState| {
            now.length == content.len() as u64 && now.sha256 == sha256_hex(content)
        };
        if now.as_ref().is_some_and(is_content) {
            return Ok(Finding::Happened);
        }
        let is_unchanged = witness.is_some_and(|before| before.file == now);
        Ok(if is_unchanged { Finding::DidNotHappen } else { Finding::Unknown })
    }

    fn find_missing(&self) -> Finding {
        if self.file.is_none() { Finding::DidNotHappen } else { Finding::Unknown }
    }

    fn length(&self) -> u64 {
        self.file.as_ref().map_or(0, |state| state.length)
    }
}

impl FileState {
    fn with_tail(file: &mut File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let sha256 = tail_digest(file, metadata.len())?;
        Ok(Self { length: metadata.len(), sha256, identity: Identity::of(&metadata) })
    }

    fn whole(file: &mut File) -> io::Result<Self> {
        let identity = Identity::of(&file.metadata()?);
        file.rewind()?;
        let (mut digest, mut length) = (Sha256::new(), 0);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            digest.update(chunk.get(..read).unwrap_or_default());
            length += read as u64;
        }
        Ok(Self { length, sha256: hex(&digest.finalize()), identity })
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Option<Self> {
        let created = metadata.created().ok().map(cap_std::time::SystemTime::into_std);
        let since = created.and_then(|at: SystemTime| at.duration_since(UNIX_EPOCH).ok());
        let created = since.and_then(|since| u64::try_from(since.as_nanos()).ok());
        Some(Self { dev: metadata.dev(), ino: metadata.ino(), created })
    }
}

/// Returns the digest of the last bytes of the first `length` bytes of a file.
fn tail_digest(file: &mut File, length: u64) -> io::Result<String> {
    let start = length.saturating_sub(TAIL_DIGESTED);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(length - start).read_to_end(&mut tail)?;
    Ok(sha256_hex(&tail))
}

/// Opens the file at a location for reading, if there is one.
pub(super) fn open(location: &FileLocation, path: &str) -> Result<Option<File>, FileError> {
    match open_regular(&location.dir, &location.name, path) {
        Err(FileError::Missing { .. }) => Ok(None),
        opened => opened.map(Some),
    }
}
