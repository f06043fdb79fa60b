//! The files below a directory that are not ignored.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use az_core::CancellationToken;
use az_core::tool::Access;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use ignore::overrides::Override;
use ignore::{DirEntry, WalkBuilder, WalkState};
use rustix::fs::OFlags;

use crate::builtin::filesystem::access::AccessGuard;
use crate::builtin::filesystem::durable::or_here;
use crate::builtin::filesystem::error::FileError;
use crate::builtin::filesystem::root::{Root, open_regular};
use crate::secrets::KnownSecrets;

/// The files that say what is ignored, in each directory.
const IGNORE_FILES: [&str; 4] = [".gitignore", ".ignore", ".rgignore", ".git/info/exclude"];

/// A walk through a directory of the workspace, or to one file.
#[derive(Debug)]
pub(super) struct FileWalk<'a> {
    root: &'a Root,
    guard: &'a AccessGuard,
    cancel: &'a CancellationToken,
    /// Where it begins, relative to the workspace and without links.
    base: PathBuf,
    filter: Option<Override>,
    /// The number of entries that could not be read.
    unreadable: Arc<AtomicUsize>,
    /// The number of files that the policy does not let the call read.
    refused: AtomicUsize,
}

/// A file that was found by its path.
#[derive(Debug)]
pub(super) struct FoundFile {
    /// Its path, relative to the workspace.
    pub(super) path: PathBuf,
}

impl FoundFile {
    /// Returns the path as it is shown.
    pub(super) fn shown(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }
}

impl<'a> FileWalk<'a> {
    /// Begins at a path, which must exist and be permitted.
    pub(super) fn new(
        (root, guard, cancel): (&'a Root, &'a AccessGuard, &'a CancellationToken),
        path: &str,
        filter: Option<Override>,
    ) -> Result<Self, FileError> {
        let at = |error| FileError::at(path, error);
        let base = root.dir().canonicalize(root.relative(path)?).map_err(at)?;
        // The workspace itself is `.`, which no path below it begins with.
        let base = if base == Path::new(".") { PathBuf::new() } else { base };
        let metadata = root.dir().metadata(or_here(&base)).map_err(at)?;
        let read = |path| Access::Read { path };
        if metadata.is_dir() {
            let directory = root.dir().open_dir(or_here(&base)).map_err(at)?;
            guard.check(root, &directory, Path::new(""), read)?;
        } else {
            let file = open_regular(root.dir(), &base, path)?;
            guard.check(root, &file, Path::new(""), read)?;
        }
        let (unreadable, refused) = (Arc::default(), AtomicUsize::new(0));
        Ok(Self { root, guard, cancel, base, filter, unreadable, refused })
    }

    /// Returns the secrets that are masked in what is shown.
    pub(super) const fn secrets(&self) -> &'a KnownSecrets {
        self.root.secrets()
    }

    /// Visits the files on several threads, each with a visitor of its own, in no order.
    ///
    /// What ripgrep leaves out by default is left out: hidden files, and those that `.gitignore`,
    /// `.ignore` and `.rgignore` name. Links are not followed.
    pub(super) fn run<V: FnMut(FoundFile) + Send>(
        &self,
        visitor: impl Fn() -> V,
    ) -> Result<(), FileError> {
        let mut builder = WalkBuilder::new(self.root.path().join(&self.base));
        builder.add_custom_ignore_filename(".rgignore");
        let (dir, path) = self.owned_root()?;
        let unreadable = Arc::clone(&self.unreadable);
        builder.filter_entry(move |entry| {
            let below = || entry.path().strip_prefix(&path).ok();
            let is_walked = !entry.file_type().is_some_and(|kind| kind.is_dir())
                || below().is_some_and(|below| irregular_ignore_file(&dir, below).is_none());
            if !is_walked {
                unreadable.fetch_add(1, Ordering::Relaxed);
            }
            is_walked
        });
        builder.build_parallel().run(|| {
            let mut visit = visitor();
            Box::new(move |entry| {
                if self.cancel.is_cancelled() {
                    return WalkState::Quit;
                }
                match entry {
                    Ok(entry) => self.found(&entry).into_iter().for_each(&mut visit),
                    Err(_) => self.note_unreadable(),
                }
                WalkState::Continue
            })
        });
        if self.cancel.is_cancelled() { Err(FileError::Cancelled) } else { Ok(()) }
    }

    /// Returns the directory of the workspace and its path, for the threads of the walk.
    ///
    /// # Errors
    ///
    /// The walk begins in a directory with an ignore file that cannot be read, or below one.
    fn owned_root(&self) -> Result<(Dir, PathBuf), FileError> {
        let at = |error| FileError::at(&self.base.to_string_lossy(), error);
        let dir = self.root.dir().try_clone().map_err(at)?;
        let above = self.base.ancestors();
        let mut irregular = above.filter_map(|directory| irregular_ignore_file(&dir, directory));
        match irregular.next().or_else(|| irregular_ignore_file_above(self.root.path())) {
            None => Ok((dir, self.root.path().to_owned())),
            Some(path) => Err(FileError::NotRegular { path: path.to_string_lossy().into_owned() }),
        }
    }

    /// Returns the file of an entry that the filter lets through.
    fn found(&self, entry: &DirEntry) -> Option<FoundFile> {
        entry.file_type().filter(std::fs::FileType::is_file)?;
        let path = entry.path().strip_prefix(self.root.path()).ok()?.to_owned();
        let below =
            path.strip_prefix(&self.base).ok().filter(|below| !below.as_os_str().is_empty());
        let name = below.or_else(|| path.file_name().map(Path::new))?;
        let is_left_out =
            self.filter.as_ref().is_some_and(|filter| filter.matched(name, false).is_ignore());
        (!is_left_out).then_some(FoundFile { path })
    }

    /// Opens a file from the workspace; `None` for one that is no longer there, or may not be read.
    pub(super) fn open(&self, found: &FoundFile) -> Option<File> {
        let mut options = OpenOptions::new();
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
        let opened = self.root.dir().open_with(&found.path, options.read(true).custom_flags(flags));
        let file = match opened {
            Ok(file) => file,
            // It was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(_) => {
                self.note_unreadable();
                return None;
            }
        };
        self.permits(&file, Path::new("")).then_some(file)
    }

    /// Returns whether a path is that of a file in the workspace, and may be read.
    pub(super) fn confirms(&self, path: &str) -> bool {
        let path = Path::new(path);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let Ok(directory) = self.root.dir().open_dir(or_here(parent)) else { return false };
        let is_file = directory.symlink_metadata(name).is_ok_and(|found| found.is_file());
        is_file && self.permits(&directory, Path::new(name))
    }

    fn permits(&self, opened: &impl std::os::fd::AsFd, entry: &Path) -> bool {
        let checked = self.guard.check(self.root, opened, entry, |path| Access::Read { path });
        if checked.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        checked.is_ok()
    }

    pub(super) fn note_unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what was left out, for the model.
    pub(super) fn notes(&self) -> Vec<String> {
        let (unreadable, refused) =
            (self.unreadable.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed));
        let mut notes = Vec::new();
        if unreadable > 0 {
            notes.push(format!("[files or directories that could not be read: {unreadable}]"));
        }
        if refused > 0 {
            notes.push(format!("[files that the policy does not allow to read: {refused}]"));
        }
        notes
    }
}

/// Returns a file of a directory that says what is ignored, and is no regular file: the walk opens it by
/// its path, and a pipe would block it, and a device might have no end. A directory of this name does not.
fn irregular_ignore_file(root: &Dir, directory: &Path) -> Option<PathBuf> {
    let paths = IGNORE_FILES.map(|name| directory.join(name));
    let is_irregular = |path: &PathBuf| match root.metadata(path) {
        Ok(metadata) => !metadata.is_file() && !metadata.is_dir(),
        // A link that leads outside is not followed here, and would be by the walk.
        Err(error) => {
            error.kind() != io::ErrorKind::NotFound && root.symlink_metadata(path).is_ok()
        }
    };
    paths.into_iter().find(is_irregular)
}

/// Returns such a file above the workspace: what is ignored is also said there.
fn irregular_ignore_file_above(workspace: &Path) -> Option<PathBuf> {
    let above = workspace.ancestors().skip(1);
    let mut files = above.flat_map(|directory| IGNORE_FILES.map(|name| directory.join(name)));
    files.find(|path| path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir()))
}
