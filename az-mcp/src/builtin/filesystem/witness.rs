//! How a file stood before an append, and how to tell by that whether the append happened.

use std::io::{self, Read, Seek, SeekFrom};

use cap_std::fs::File;
use memchr::memmem;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use super::replace::{Place, hex};
use super::root::{Root, open_regular};

/// How much of a file's end is remembered: an append changes nothing before it.
const REMEMBERED: u64 = 64 << 10;

/// How much that was added meanwhile is searched at most.
const SEARCHED: u64 = 64 << 20;

/// How a file stood before an append.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Witness {
    /// `None` when there was no file.
    file: Option<Mark>,
}

/// A file's length, and a digest of what stood last in it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    length: u64,
    sha256: String,
}

impl Witness {
    /// Notes how the file at `path` stands.
    pub(super) fn take(root: &Root, path: &str) -> Result<Self, Problem> {
        let Some(mut file) = open(root, path)? else { return Ok(Self { file: None }) };
        let at = |error| Problem::at(path, error);
        let length = file.metadata().map_err(at)?.len();
        Ok(Self { file: Some(Mark::at(&mut file, length).map_err(at)?) })
    }

    /// Tells whether `content` was added since; `None` when that cannot be told.
    ///
    /// Others may have added to the file as well, before or after.
    pub(super) fn compare(
        &self,
        root: &Root,
        path: &str,
        content: &[u8],
    ) -> Result<Option<bool>, Problem> {
        let Some(mut file) = open(root, path)? else {
            return Ok(self.file.is_none().then_some(false));
        };
        self.compare_with(&mut file, content).map_err(|error| Problem::at(path, error))
    }

    fn compare_with(&self, file: &mut File, content: &[u8]) -> io::Result<Option<bool>> {
        let now = file.metadata()?.len();
        let before = self.file.as_ref().map_or(0, |mark| mark.length);
        if before > now {
            return Ok(None);
        }
        if let Some(mark) = &self.file
            && *mark != Mark::at(file, before)?
        {
            return Ok(None);
        }
        if now == before {
            // Nothing was to be added but the file itself, if that.
            return Ok(Some(content.is_empty() && self.file.is_none()));
        }
        file.seek(SeekFrom::Start(before))?;
        let mut added = Vec::new();
        file.take(content.len() as u64).read_to_end(&mut added)?;
        if added == content {
            return Ok(Some(true));
        }
        if now - before > SEARCHED {
            return Ok(None);
        }
        file.take(SEARCHED).read_to_end(&mut added)?;
        Ok(if may_stand_in(&added, content) { None } else { Some(false) })
    }
}

impl Mark {
    /// Describes the file as it is up to `length`.
    fn at(file: &mut File, length: u64) -> io::Result<Self> {
        let start = length.saturating_sub(REMEMBERED);
        file.seek(SeekFrom::Start(start))?;
        let mut last = Vec::new();
        file.take(length - start).read_to_end(&mut last)?;
        Ok(Self { length, sha256: hex(&Sha256::digest(last)) })
    }
}

/// Tells whether the content, which others wrote before, may be in what was added: somewhere as a
/// whole, or at the end the first part of it, which is how a power cut leaves it.
fn may_stand_in(added: &[u8], content: &[u8]) -> bool {
    let longest = added.len().min(content.len());
    memmem::find(added, content).is_some()
        || (1..=longest).any(|length| content.get(..length).is_some_and(|it| added.ends_with(it)))
}

/// Opens the file at `path`, if there is one.
fn open(root: &Root, path: &str) -> Result<Option<File>, Problem> {
    let opened =
        Place::find(root, path).and_then(|place| open_regular(&place.dir, &place.name, path));
    match opened {
        Err(Problem::Missing { .. }) => Ok(None),
        opened => opened.map(Some),
    }
}
