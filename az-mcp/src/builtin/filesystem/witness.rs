//! The state of a file before an append, from which a probe determines whether the append happened.

use std::io::{self, Read, Seek, SeekFrom};

use cap_std::fs::File;
use memchr::memmem;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::FileError;
use super::replace::{FileLocation, hex};
use super::root::{Root, open_regular};

/// How many bytes at the end of the file are digested: enough to detect that it was replaced.
const TAIL_DIGESTED: u64 = 64 << 10;

/// How many appended bytes are searched at most.
const MAX_SEARCHED: u64 = 64 << 20;

/// The state of a file before an append.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Witness {
    /// `None` if there was no file.
    file: Option<FileState>,
}

/// The length of a file, and a digest of its last bytes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileState {
    length: u64,
    sha256: String,
}

impl Witness {
    /// Records the state of the file at `path`.
    pub(super) fn take(root: &Root, path: &str) -> Result<Self, FileError> {
        let Some(mut file) = open(root, path)? else { return Ok(Self { file: None }) };
        let at = |error| FileError::at(path, error);
        let length = file.metadata().map_err(at)?.len();
        Ok(Self { file: Some(FileState::at(&mut file, length).map_err(at)?) })
    }

    /// Returns whether `content` was appended since; `None` if that cannot be determined.
    ///
    /// Other processes may have appended to the file as well, before or after.
    pub(super) fn compare(
        &self,
        root: &Root,
        path: &str,
        content: &[u8],
    ) -> Result<Option<bool>, FileError> {
        let Some(mut file) = open(root, path)? else {
            return Ok(self.file.is_none().then_some(false));
        };
        self.compare_with(&mut file, content).map_err(|error| FileError::at(path, error))
    }

    fn compare_with(&self, file: &mut File, content: &[u8]) -> io::Result<Option<bool>> {
        let now = file.metadata()?.len();
        let before = self.file.as_ref().map_or(0, |state| state.length);
        if before > now {
            return Ok(None);
        }
        if let Some(state) = &self.file
            && *state != FileState::at(file, before)?
        {
            return Ok(None);
        }
        if now == before {
            // The only append that leaves the length unchanged is that of nothing to a new file.
            return Ok(Some(content.is_empty() && self.file.is_none()));
        }
        file.seek(SeekFrom::Start(before))?;
        let mut added = Vec::new();
        file.take(content.len() as u64).read_to_end(&mut added)?;
        if added == content {
            return Ok(Some(true));
        }
        if now - before > MAX_SEARCHED {
            return Ok(None);
        }
        file.take(MAX_SEARCHED).read_to_end(&mut added)?;
        Ok(if may_contain(&added, content) { None } else { Some(false) })
    }
}

impl FileState {
    /// Returns the state of the first `length` bytes of a file.
    fn at(file: &mut File, length: u64) -> io::Result<Self> {
        let start = length.saturating_sub(TAIL_DIGESTED);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.take(length - start).read_to_end(&mut tail)?;
        Ok(Self { length, sha256: hex(&Sha256::digest(tail)) })
    }
}

/// Returns whether `added`, which begins with the content of another append, may contain this one:
/// as a whole, or cut short at the end, as a power failure leaves it.
fn may_contain(added: &[u8], content: &[u8]) -> bool {
    let longest = added.len().min(content.len());
    memmem::find(added, content).is_some()
        || (1..=longest)
            .any(|length| content.get(..length).is_some_and(|start| added.ends_with(start)))
}

/// Opens the file at `path`, if there is one.
fn open(root: &Root, path: &str) -> Result<Option<File>, FileError> {
    let opened = FileLocation::find(root, path)
        .and_then(|location| open_regular(&location.dir, &location.name, path));
    match opened {
        Err(FileError::Missing { .. }) => Ok(None),
        opened => opened.map(Some),
    }
}
