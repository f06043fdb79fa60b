//! Content added to the end of a file, and how to tell whether that happened.

use std::io::{self, Read, Seek, SeekFrom, Write};

use cap_std::fs::{File, Metadata, OpenOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use super::replace::{Place, hex};
use super::root::{Root, open_regular};

/// The largest file that is copied for an append; a larger one is added to in place.
const COPIED: u64 = 64 << 20;

/// How much of a file's end is remembered: an append changes nothing before it.
const REMEMBERED: u64 = 64 << 10;

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

/// Adds content to the end of a file, all of it or nothing.
pub(super) fn append(
    place: &Place,
    key: &str,
    old: Option<&Metadata>,
    content: &[u8],
) -> io::Result<()> {
    let length = old.map_or(0, Metadata::len);
    if length > COPIED {
        let mut file = place.dir.open_with(&place.name, OpenOptions::new().append(true))?;
        file.write_all(content)?;
        return file.sync_all();
    }
    place.replace(key, old, |file| {
        if old.is_some() {
            io::copy(&mut place.dir.open(&place.name)?, file)?;
        }
        file.write_all(content)
    })
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
        if now == before && self.file.is_some() {
            return Ok(Some(false));
        }
        if now - before != content.len() as u64 {
            return Ok(None);
        }
        let mut added = Vec::with_capacity(content.len());
        file.seek(SeekFrom::Start(before))?;
        file.read_to_end(&mut added)?;
        Ok((added == content).then_some(true))
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

/// Opens the file at `path`, if there is one.
fn open(root: &Root, path: &str) -> Result<Option<File>, Problem> {
    let opened =
        Place::find(root, path).and_then(|place| open_regular(&place.dir, &place.name, path));
    match opened {
        Err(Problem::Missing { .. }) => Ok(None),
        opened => opened.map(Some),
    }
}
