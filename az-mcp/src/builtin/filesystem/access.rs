//! What the calls access: the paths that their arguments name, and what these lead to.

use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use az_core::tool::{Access, AccessCheck, Invocation};

use super::error::FileError;
use super::root::Root;

/// Returns the path that an argument names, relative to the workspace; performs no I/O.
///
/// `.` and `..` are removed. A path that does not begin in the workspace is absolute.
pub(super) fn named_path(path: &str, call: &Invocation, home: Option<&Path>) -> String {
    let workspace = call.workspace.as_deref().map(Path::new);
    let full = match (path.strip_prefix("~/").or((path == "~").then_some("")), home, workspace) {
        (Some(rest), Some(home), _) => home.join(rest.trim_start_matches('/')),
        (_, _, Some(workspace)) => workspace.join(path),
        (_, _, None) => PathBuf::from(path),
    };
    let full = normal(&full);
    let inside = workspace.and_then(|workspace| full.strip_prefix(normal(workspace)).ok());
    shown(inside.unwrap_or(&full))
}

/// Removes `.` and `..` by their names alone.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, component| {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
        normal
    })
}

fn shown(path: &Path) -> String {
    match path.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => path.to_string_lossy().into_owned(),
    }
}

/// Checks what a call really accesses against what its arguments name.
#[derive(Debug, Clone)]
pub(super) struct AccessGuard {
    check: AccessCheck,
    named: String,
}

impl AccessGuard {
    /// Creates the guard of a call whose arguments name this path.
    pub(super) fn of(call: &Invocation, path: &str, home: Option<&Path>) -> Self {
        Self { check: call.access.clone(), named: named_path(path, call, home) }
    }

    /// Checks that an open file or directory, or an entry of an open directory, may be accessed.
    ///
    /// # Errors
    ///
    /// `Refused` if it has another path than the arguments name, and that one is refused.
    pub(super) fn check(
        &self,
        root: &Root,
        opened: &impl AsFd,
        entry: &Path,
        access: impl Fn(String) -> Access,
    ) -> Result<(), FileError> {
        if self.check.accepts_all() {
            return Ok(());
        }
        let at = |error| FileError::at(&self.named, error);
        let opened = real_path(root, opened).map_err(at)?;
        // Joining nothing would add a `/`.
        let is_itself = entry.as_os_str().is_empty();
        let real = shown(&if is_itself { opened } else { opened.join(entry) });
        match real == self.named {
            true => Ok(()),
            false => self.check.check(&access(real)).map_err(FileError::Refused),
        }
    }
}

/// Returns the path of an open file, or of an entry of an open directory, relative to the workspace and
/// without symbolic links; the path that the call names where the system does not know it.
pub(super) fn seen_path(root: &Root, opened: &impl AsFd, entry: &Path, named: &str) -> String {
    match real_path(root, opened) {
        Ok(opened) if entry.as_os_str().is_empty() => shown(&opened),
        Ok(opened) => shown(&opened.join(entry)),
        Err(_) => {
            root.relative(named).map_or_else(|_| named.to_owned(), |path| shown(&normal(&path)))
        }
    }
}

/// Returns the path of an open file or directory, relative to the workspace.
fn real_path(root: &Root, opened: &impl AsFd) -> std::io::Result<PathBuf> {
    let (root, opened) = (path_of(root.dir())?, path_of(opened)?);
    Ok(opened.strip_prefix(&root).map(Path::to_owned).unwrap_or(opened))
}

/// Returns the path that the kernel has for an open file.
#[cfg(target_os = "linux")]
fn path_of(opened: &impl AsFd) -> std::io::Result<PathBuf> {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", opened.as_fd().as_raw_fd()))?;
    // A file that was deleted since has the name that it had.
    let bytes = path.as_os_str().as_encoded_bytes();
    let name = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    Ok(PathBuf::from(std::ffi::OsStr::from_bytes(name)))
}

/// Returns the path that the kernel has for an open file.
#[cfg(not(target_os = "linux"))]
fn path_of(_opened: &impl AsFd) -> std::io::Result<PathBuf> {
    let what = "the path of an open file is not known on this system, so that no policy can decide about it";
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, what))
}
