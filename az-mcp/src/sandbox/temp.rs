//! Private directories for temporary files, one for each task.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use az_core::TaskId;
use az_core::digest::sha256_hex;

/// The directories for temporary files of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TempDirs {
    root: PathBuf,
}

impl TempDirs {
    /// Creates the directories below one, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Creates the directory of a task, unless it exists already.
    ///
    /// # Errors
    ///
    /// That of the file system, and for a directory that another user can change.
    pub(crate) fn create(&self, task: &TaskId) -> io::Result<PathBuf> {
        create_own(&self.root)?;
        if fs::metadata(&self.root)?.mode() & 0o077 != 0 {
            return Err(not_private(&self.root));
        }
        // The commands of the task may have changed the mode of theirs.
        let directory = self.path(task);
        create_own(&directory)?;
        directory.canonicalize()
    }

    /// Removes the directory of a task with all that is in it.
    ///
    /// # Errors
    ///
    /// That of the file system.
    pub(crate) fn remove(&self, task: &TaskId) -> io::Result<()> {
        let path = self.path(task);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // A command may have made directories unwritable, as tools do with what they download.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                make_removable(&path)?;
                fs::remove_dir_all(&path)
            }
            result => result,
        }
    }

    fn path(&self, task: &TaskId) -> PathBuf {
        // Ids may contain any characters and be long.
        let name: String = sha256_hex(task.as_str()).chars().take(24).collect();
        self.root.join(name)
    }
}

impl Default for TempDirs {
    /// Creates the directories below one of this user in the system's directory for temporary files.
    fn default() -> Self {
        let user = rustix::process::getuid().as_raw();
        Self::new(std::env::temp_dir().join(format!("az-{user}")))
    }
}

/// Gives the user all rights on a directory and those in it.
fn make_removable(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // The type is that of the entry itself: links are not followed.
        if entry.file_type()?.is_dir() {
            make_removable(&entry.path())?;
        }
    }
    Ok(())
}

/// Creates a directory for this user only, unless it exists already.
fn create_own(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Another user may have created it first, or a link in its place.
    let found = fs::symlink_metadata(path)?;
    let is_own = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    is_own.then_some(()).ok_or_else(|| not_private(path))
}

fn not_private(path: &Path) -> io::Error {
    let path = path.display();
    io::Error::other(format!("{path} must be a directory that only this user can use"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_task_has_one_directory_that_is_removed_with_its_files() {
        let root = tempfile::tempdir().unwrap();
        let dirs = TempDirs::new(root.path().join("az"));
        let task = TaskId::new("../t").unwrap();
        let directory = dirs.create(&task).unwrap();
        assert!(directory.starts_with(root.path().canonicalize().unwrap().join("az")));
        fs::write(directory.join("file"), "").unwrap();
        assert_eq!(dirs.create(&task).unwrap(), directory);
        assert!(directory.join("file").exists());
        dirs.remove(&task).unwrap();
        assert!(!directory.exists());
        dirs.remove(&task).unwrap();
    }

    #[test]
    fn directories_without_rights_are_made_removable() {
        let root = tempfile::tempdir().unwrap();
        let outside = root.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::set_permissions(&outside, Permissions::from_mode(0o500)).unwrap();
        let directory = root.path().join("directory");
        fs::create_dir_all(directory.join("a/b")).unwrap();
        symlink(&outside, directory.join("a/link")).unwrap();
        for name in ["a/b", "a"] {
            fs::set_permissions(directory.join(name), Permissions::from_mode(0o000)).unwrap();
        }
        make_removable(&directory).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&directory.join("a/b")), 0o700);
        assert_eq!(mode(&outside), 0o500);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_directory_that_others_can_use_or_a_link_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let open = root.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let link = root.path().join("link");
        symlink("/", &link).unwrap();
        for path in [open, link] {
            let error = TempDirs::new(&path).create(&TaskId::new("t").unwrap()).unwrap_err();
            let expect =
                format!("{} must be a directory that only this user can use", path.display());
            assert_eq!(error.to_string(), expect);
        }
    }
}
