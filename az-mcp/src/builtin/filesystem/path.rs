//! Reads the paths that models write, relative to the workspace.
//!
//! This is not the confinement, which the kernel enforces when a path is opened. It gives paths the
//! meaning that their authors intend, and clear errors.

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use cap_std::fs::{Dir, MetadataExt as _};
use unicode_normalization::UnicodeNormalization;

use super::durable::or_here;
use super::error::FileError;

/// The workspace that paths are relative to.
#[derive(Debug)]
pub(super) struct PathReader<'a> {
    pub(super) workspace: &'a Path,
    pub(super) dir: &'a Dir,
    pub(super) home: Option<&'a Path>,
}

impl PathReader<'_> {
    /// Returns a path relative to the workspace.
    ///
    /// An absolute path, or one that begins with `~` (the home directory), must lead through the
    /// workspace. A name in another normal form of Unicode than an existing one means that one.
    pub(super) fn read(&self, path: &str) -> Result<PathBuf, FileError> {
        if path.contains('\0') {
            let reason = "must not contain a NUL character";
            return Err(FileError::InvalidPath { path: path.replace('\0', "\u{2400}"), reason });
        }
        let inside = match self.expand_home(path)? {
            Some(expanded) => self
                .inside(&expanded)
                .ok_or_else(|| FileError::InHome { path: path.to_owned(), expanded })?,
            None if Path::new(path).is_absolute() => {
                let outside = || FileError::Outside { path: path.to_owned() };
                self.inside(Path::new(path)).ok_or_else(outside)?
            }
            None => PathBuf::from(path),
        };
        let found = self.existing(inside, path)?;
        Ok(or_here(&found).to_owned())
    }

    /// Expands a leading `~`; `None` if there is none. A name such as `~x` is an ordinary one.
    fn expand_home(&self, path: &str) -> Result<Option<PathBuf>, FileError> {
        let rest = match path.split_once('/') {
            Some(("~", rest)) => rest,
            None if path == "~" => "",
            Some(_) | None => return Ok(None),
        };
        let Some(home) = self.home else {
            let reason = "begins with the home directory, which is not known; use a path inside the \
                          workspace";
            return Err(FileError::InvalidPath { path: path.to_owned(), reason });
        };
        Ok(Some(home.join(rest.trim_start_matches('/'))))
    }

    /// Returns the rest of an absolute path behind the workspace; `None` if it does not lead there.
    ///
    /// The workspace is recognized by its path or by its identity, so that a path through a
    /// symbolic link to it is inside.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        if let Ok(rest) = path.strip_prefix(self.workspace) {
            return Some(rest.to_owned());
        }
        let workspace = self.dir.dir_metadata().ok()?;
        let is_workspace = |metadata: &Metadata| {
            (metadata.dev(), metadata.ino()) == (workspace.dev(), workspace.ino())
        };
        let mut ancestors = path.ancestors();
        let root = ancestors
            .find(|ancestor| std::fs::metadata(ancestor).is_ok_and(|found| is_workspace(&found)))?;
        path.strip_prefix(root).ok().map(Path::to_owned)
    }

    /// Replaces names that do not exist by existing ones in another normal form; refuses names with
    /// blanks at their ends where the name without them exists or nothing does.
    fn existing(&self, inside: PathBuf, shown: &str) -> Result<PathBuf, FileError> {
        let is_unusual = |component: Component<'_>| {
            let Component::Normal(name) = component else { return false };
            !name.is_ascii() || has_blank_end(name)
        };
        if !inside.components().any(is_unusual) || self.dir.symlink_metadata(&inside).is_ok() {
            return Ok(inside);
        }
        let mut found = PathBuf::new();
        for component in inside.components() {
            let name = component.as_os_str();
            if is_unusual(component) && self.dir.symlink_metadata(found.join(name)).is_err() {
                if has_blank_end(name) {
                    return Err(FileError::BlankEnd { path: shown.to_owned() });
                }
                found.push(self.equivalent(&found, name).unwrap_or_else(|| name.to_owned()));
            } else {
                found.push(name);
            }
        }
        // Whether a path ends with `/` matters.
        if inside.as_os_str().as_encoded_bytes().ends_with(b"/") {
            found.push("");
        }
        Ok(found)
    }

    /// Returns the name of the only entry of a directory that differs in its normal form alone.
    fn equivalent(&self, directory: &Path, name: &OsStr) -> Option<OsString> {
        let wanted: String = name.to_str()?.nfc().collect();
        let entries = self.dir.read_dir(or_here(directory)).ok()?;
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut same =
            names.filter(|name| name.to_str().is_some_and(|name| name.nfc().eq(wanted.chars())));
        let first = same.next()?;
        same.next().is_none().then_some(first)
    }
}

fn has_blank_end(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.trim() != name)
}
