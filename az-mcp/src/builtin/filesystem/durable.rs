//! Makes the names in directories durable.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, fsync, openat};

/// Syncs a directory, so that the names in it survive a power failure.
///
/// `cap_std` opens directories with `O_PATH`, and the kernel does not sync such descriptors. The
/// directory is therefore opened again, for reading.
pub(super) fn sync_directory(dir: &Dir) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(dir.as_fd(), ".", flags, Mode::empty())?;
    Ok(fsync(&directory)?)
}

/// Syncs the directories from the parent of `directory` up to the workspace, so that the name of
/// `directory` survives a power failure.
///
/// An interrupted call may have created any of them without syncing it.
pub(super) fn sync_ancestors(workspace: &Dir, directory: &Path) -> io::Result<()> {
    for ancestor in directory.ancestors().skip(1) {
        sync_directory(&workspace.open_dir(or_here(ancestor))?)?;
    }
    Ok(())
}

/// Returns a path that can be opened; the empty path, which is the workspace, becomes `.`.
pub(super) fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}
