//! The confinement of the filesystem tools.
//!
//! A workspace is a held directory descriptor. Every path is resolved from it by the kernel
//! (`openat2` with `RESOLVE_BENEATH` where there is one), component by component; nothing is
//! resolved first and compared afterwards, so there is no moment between the check and the use.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use az_core::tool::{Invocation, ToolOutput};
use az_core::{Error, Result};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::problem::Problem;

/// How many workspaces are held open.
const HELD: usize = 64;

/// The workspaces that are in use, held open by their paths.
#[derive(Debug, Default)]
pub struct Roots(Mutex<HashMap<String, Arc<Root>>>);

/// A workspace.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    dir: Dir,
}

impl Roots {
    /// Runs filesystem work in a call's workspace, away from the threads that must not block.
    ///
    /// # Errors
    ///
    /// `Invalid` for a call without workspace. What was in the way of the work is a failed output.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        call: &Invocation,
        work: impl FnOnce(&Root) -> Result<T, Problem> + Send + 'static,
    ) -> Result<Result<T, Problem>> {
        let Some(workspace) = call.workspace.clone() else {
            return Err(Error::invalid("workspace", "none is given, and files live in one"));
        };
        let roots = Arc::clone(self);
        let work = move || {
            let root = roots.open(&workspace).map_err(Problem::Workspace)?;
            work(&root)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Error::Internal(format!("{} broke down: {error}", call.tool)))
    }

    /// Returns the workspace at `path`, opened now or before.
    fn open(&self, path: &str) -> io::Result<Arc<Root>> {
        let there = std::fs::metadata(path)?;
        let mut roots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = roots.get(path) {
            let held = root.dir.dir_metadata()?;
            // The path may name another directory by now: one that was made anew, say.
            if (held.dev(), held.ino()) == (there.dev(), there.ino()) {
                return Ok(Arc::clone(root));
            }
        }
        if roots.len() >= HELD {
            roots.clear();
        }
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        let root = Arc::new(Root { path: PathBuf::from(path), dir });
        roots.insert(path.to_owned(), Arc::clone(&root));
        Ok(root)
    }
}

impl Root {
    /// Returns the directory that paths are resolved from.
    pub(super) const fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Returns a path as seen from the workspace.
    ///
    /// This is wording, not confinement: an absolute path that starts with the workspace's loses
    /// that part, any other is refused here only to say so clearly.
    pub(super) fn relative(&self, path: &str) -> Result<PathBuf, Problem> {
        let asked = Path::new(path);
        let inside = if asked.is_absolute() {
            let outside = |_| Problem::Outside { path: path.to_owned() };
            asked.strip_prefix(&self.path).map_err(outside)?
        } else {
            asked
        };
        let here = inside.as_os_str().is_empty();
        Ok(if here { PathBuf::from(".") } else { inside.to_owned() })
    }

    /// Opens a regular file for reading.
    pub(super) fn open_file(&self, path: &str) -> Result<File, Problem> {
        open_regular(&self.dir, &self.relative(path)?, path)
    }
}

/// Opens a regular file for reading, and nothing else: a pipe or a device could block, or act.
pub(super) fn open_regular(dir: &Dir, path: &Path, asked: &str) -> Result<File, Problem> {
    let mut options = OpenOptions::new();
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    options.read(true).custom_flags(nonblocking);
    let file = dir.open_with(path, &options).map_err(|error| Problem::at(asked, error))?;
    let metadata = file.metadata().map_err(|error| Problem::at(asked, error))?;
    if metadata.is_dir() {
        return Err(Problem::IsDirectory { path: asked.to_owned() });
    }
    if !metadata.is_file() {
        return Err(Problem::NotRegular { path: asked.to_owned() });
    }
    Ok(file)
}

/// Makes an output of what came of the work.
pub(super) fn output(done: Result<ToolOutput, Problem>) -> ToolOutput {
    done.unwrap_or_else(ToolOutput::from)
}
