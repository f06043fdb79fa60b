//! What the calls of a task have shown of files.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The number of files that are remembered; the ones seen longest ago are dropped.
const KEPT: usize = 512;

/// The number of ranges of a file that are remembered; the last ones in the file are dropped.
const RANGES_KEPT: usize = 64;

/// A view of a file: what a call showed of it, or wrote to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SeenFile {
    /// The path, relative to the workspace and without symbolic links.
    pub path: String,
    /// The SHA-256 digest of the whole file, in hexadecimal.
    pub sha256: String,
    /// The size of the file, in bytes.
    pub size: u64,
    /// The ranges of bytes that were shown, in ascending order and without overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range<u64>>,
}

impl SeenFile {
    /// Creates a view that shows nothing of the file but its digest.
    pub fn new(path: impl Into<String>, sha256: impl Into<String>, size: u64) -> Self {
        Self { path: path.into(), sha256: sha256.into(), size, ranges: Vec::new() }
    }

    /// Adds a range of bytes that was shown.
    #[must_use]
    pub fn with_range(mut self, range: Range<u64>) -> Self {
        self.add(range);
        self
    }

    /// Returns the view with the whole file shown.
    #[must_use]
    pub fn complete(self) -> Self {
        let size = self.size;
        self.with_range(0..size)
    }

    /// Returns the view without what was shown: only the digest is known.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.ranges.clear();
        self
    }

    /// Returns whether all bytes of the file were shown.
    pub fn is_complete(&self) -> bool {
        self.size == 0 || matches!(&*self.ranges, [all] if all.start == 0 && all.end >= self.size)
    }

    fn add(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        self.ranges.push(range);
        self.ranges.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in self.ranges.drain(..) {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged.truncate(RANGES_KEPT);
        self.ranges = merged;
    }
}

/// The views of files that the results of a task contain, the latest of each file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeenFiles(Vec<SeenFile>);

impl SeenFiles {
    /// Returns `true` if no file was seen.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a view. It extends the earlier one of the same file if the file is the same as then, and
    /// replaces it otherwise.
    pub fn add(&mut self, mut seen: SeenFile) {
        if let Some(place) = self.0.iter().position(|known| known.path == seen.path) {
            let known = self.0.remove(place);
            if known.sha256 == seen.sha256 {
                known.ranges.into_iter().for_each(|range| seen.add(range));
            }
        }
        self.0.push(seen);
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
    }

    /// Hides what was shown of all files: only their digests are known.
    pub fn hide_all(&mut self) {
        self.0.iter_mut().for_each(|seen| seen.ranges.clear());
    }

    /// Returns the latest view of a file.
    pub fn get(&self, path: &str) -> Option<&SeenFile> {
        self.0.iter().find(|seen| seen.path == path)
    }

    /// Returns whether all bytes of a file were shown, as it was when it was last seen.
    pub fn is_complete(&self, path: &str) -> bool {
        self.get(path).is_some_and(SeenFile::is_complete)
    }
}

impl FromIterator<SeenFile> for SeenFiles {
    fn from_iter<I: IntoIterator<Item = SeenFile>>(views: I) -> Self {
        let mut files = Self::default();
        views.into_iter().for_each(|seen| files.add(seen));
        files
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, RANGES_KEPT, SeenFile, SeenFiles};

    fn view(sha256: &str, range: std::ops::Range<u64>) -> SeenFile {
        SeenFile::new("f", sha256, 10).with_range(range)
    }

    #[test]
    fn views_of_the_same_content_add_up_and_those_of_other_content_replace_each_other() {
        let files: SeenFiles = [view("a", 6..10), view("a", 0..4)].into_iter().collect();
        assert_eq!(files.get("f").unwrap().ranges, [0..4, 6..10]);
        assert!(!files.is_complete("f"));
        let mut all = files.clone();
        all.add(view("a", 4..6));
        assert!(all.is_complete("f"));
        assert_eq!(all.get("f").unwrap(), &SeenFile::new("f", "a", 10).complete());
        all.add(view("b", 0..4));
        assert_eq!(all.get("f").unwrap(), &view("b", 0..4));
        assert!(!all.is_complete("f") && !all.is_complete("g"));
    }

    #[test]
    fn an_empty_file_is_complete_and_a_hidden_one_is_not() {
        assert!(SeenFile::new("f", "a", 0).is_complete());
        assert!(SeenFile::new("f", "a", 3).complete().is_complete());
        assert!(!SeenFile::new("f", "a", 3).complete().hidden().is_complete());
        let mut files: SeenFiles = [view("a", 0..10)].into_iter().collect();
        files.hide_all();
        assert_eq!(files.get("f").unwrap(), &SeenFile::new("f", "a", 10));
    }

    #[test]
    fn the_number_of_files_and_ranges_is_limited() {
        let path = |number: usize| SeenFile::new(number.to_string(), "a", 1);
        let files: SeenFiles = (0..=KEPT).map(path).collect();
        assert_eq!((files.0.len(), files.get("0"), files.get("1")), (KEPT, None, Some(&path(1))));
        let parts = (0..100).fold(SeenFile::new("f", "a", 300), |seen, part| {
            seen.with_range(part * 3..part * 3 + 1)
        });
        assert_eq!(parts.ranges.len(), RANGES_KEPT);
    }

    #[test]
    fn views_are_stored_as_a_list() {
        let files: SeenFiles = [view("a", 0..4)].into_iter().collect();
        let stored = serde_json::to_value(&files).unwrap();
        let expected = serde_json::json!([
            {"path": "f", "sha256": "a", "size": 10, "ranges": [{"start": 0, "end": 4}]}
        ]);
        assert_eq!(stored, expected);
        assert_eq!(serde_json::from_value::<SeenFiles>(stored).unwrap(), files);
    }
}
