//! Confines the filesystem tools to the workspace.
//!
//! A workspace is an open directory descriptor. The kernel resolves every path from it (by
//! `openat2` with `RESOLVE_BENEATH` where available). No path is checked first and opened later, so
//! that there is no race between check and use.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use az_core::tool::{Invocation, ToolOutput};
use az_core::{Error, Result, blocking};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::error::FileError;
use super::path::PathReader;
use crate::secrets::KnownSecrets;

/// The maximum number of workspaces that are kept open.
const MAX_OPEN: usize = 64;

/// A cache of open workspace directories, by path.
#[derive(Debug, Default)]
pub struct Roots {
    open: Mutex<HashMap<String, Arc<Root>>>,
    /// The home directory, for paths that begin with `~`.
    home: Option<Arc<Path>>,
    secrets: KnownSecrets,
}

/// A workspace.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    dir: Dir,
    home: Option<Arc<Path>>,
    secrets: KnownSecrets,
}

impl Roots {
    /// Creates an empty cache; paths that begin with `~` are in this home directory.
    pub fn new(home: Option<PathBuf>) -> Self {
        Self { open: Mutex::default(), home: home.map(Arc::from), secrets: KnownSecrets::default() }
    }

    /// Sets the secrets that are masked before what is shown of a file is cut.
    #[must_use]
    pub fn with_secrets(mut self, secrets: KnownSecrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// Returns the home directory, for paths that begin with `~`.
    pub(super) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Runs blocking filesystem work in a call's workspace, on the blocking thread pool.
    ///
    /// # Errors
    ///
    /// `Invalid` for a call without a workspace; `LeaseLost` if the lease of its task may have expired, so
    /// that nothing was changed. The inner result is that of the work.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        call: &Invocation,
        work: impl FnOnce(&Root) -> Result<T, FileError> + Send + 'static,
    ) -> Result<Result<T, FileError>> {
        let Some(workspace) = call.workspace.clone() else {
            return Err(Error::invalid(
                "workspace",
                "the call has none; filesystem tools need one",
            ));
        };
        let roots = Arc::clone(self);
        let work = move || {
            let root = roots.open(&workspace).map_err(FileError::Workspace)?;
            work(&root)
        };
        match blocking::run(work).await? {
            Err(FileError::Refused(error)) => Err(error),
            done => Ok(done),
        }
    }

    /// Returns the workspace at `path`, from the cache if possible.
    fn open(&self, path: &str) -> io::Result<Arc<Root>> {
        let current = std::fs::metadata(path)?;
        let mut roots = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = roots.get(path) {
            let cached = root.dir.dir_metadata()?;
            // The directory may have been deleted and created again since.
            if (cached.dev(), cached.ino()) == (current.dev(), current.ino()) {
                return Ok(Arc::clone(root));
            }
        }
        if roots.len() >= MAX_OPEN {
            roots.clear();
        }
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        let (path_of, home) = (PathBuf::from(path), self.home.clone());
        let root = Arc::new(Root { path: path_of, dir, home, secrets: self.secrets.clone() });
        roots.insert(path.to_owned(), Arc::clone(&root));
        Ok(root)
    }
}

impl Root {
    /// Returns the directory that paths are resolved from.
    pub(super) const fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Returns the secrets that are masked in what is shown.
    pub(super) const fn secrets(&self) -> &KnownSecrets {
        &self.secrets
    }

    /// Returns the path of the workspace, which is for walking; nothing is opened by it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a path relative to the workspace; see [`PathReader`].
    pub(super) fn relative(&self, path: &str) -> Result<PathBuf, FileError> {
        let home = self.home.as_deref();
        PathReader { workspace: &self.path, dir: &self.dir, home }.read(path)
    }

    /// Opens a regular file for reading.
    pub(super) fn open_file(&self, path: &str) -> Result<File, FileError> {
        open_regular(&self.dir, &self.relative(path)?, path)
    }
}

/// Opens a regular file for reading; errors name it `shown`.
///
/// Other kinds of files are refused: opening or reading a pipe or a device may block or have side
/// effects.
pub(super) fn open_regular(dir: &Dir, path: &Path, shown: &str) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    options.read(true).custom_flags(nonblocking);
    let file = dir.open_with(path, &options).map_err(|error| FileError::at(shown, error))?;
    let metadata = file.metadata().map_err(|error| FileError::at(shown, error))?;
    if metadata.is_dir() {
        return Err(FileError::IsDirectory { path: shown.to_owned() });
    }
    if !metadata.is_file() {
        return Err(FileError::NotRegular { path: shown.to_owned() });
    }
    Ok(file)
}

/// Turns the result of the work into an output.
pub(super) fn into_output(done: Result<ToolOutput, FileError>) -> ToolOutput {
    done.unwrap_or_else(ToolOutput::from)
}
