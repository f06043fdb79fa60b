//! Writes files of the configuration: as a whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::problem::ConfigError;

/// Who can read a file, and enter the directories, that are created. A file that exists keeps its
/// permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The user only: the file may hold keys.
    Private,
    /// The user only, also if the file exists: it is a key.
    Secret,
    /// What the umask leaves: the file is one of a project, or of all users of the machine.
    Usual,
}

impl Access {
    /// Returns the mode of directories that are created, before the umask.
    const fn directory_mode(self) -> u32 {
        match self {
            Self::Private | Self::Secret => 0o700,
            Self::Usual => 0o777,
        }
    }
}

/// Replaces a file by a new one with this content. A symbolic link stays one: the file that it refers to
/// is replaced.
///
/// # Errors
///
/// A read-only file, or the system's.
pub fn write_atomically(path: &Path, bytes: &[u8], access: Access) -> Result<(), ConfigError> {
    let target = followed(path);
    let shown = path.display();
    let io = |source| ConfigError::Io { what: format!("writing {shown}"), source };
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    create_directory(directory, access).map_err(io)?;
    let permissions = match fs::metadata(&target) {
        Ok(known) if known.permissions().readonly() => {
            return Err(ConfigError::Setting(format!(
                "{shown} is read-only; make it writable, as with `chmod u+w`, to change it"
            )));
        }
        Ok(_) | Err(_) if access == Access::Secret => Some(Permissions::from_mode(0o600)),
        Ok(known) => Some(known.permissions()),
        Err(_) if access == Access::Private => Some(Permissions::from_mode(0o600)),
        Err(_) => None,
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".az-").suffix(".tmp");
    // Without this, the file of the library can be read by its owner only.
    let usual = Permissions::from_mode(0o666);
    if permissions.is_none() {
        builder.permissions(usual);
    }
    let mut file = builder.tempfile_in(directory).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions).map_err(io)?;
    }
    file.as_file().sync_all().map_err(io)?;
    file.persist(&target).map_err(|error| io(error.error))?;
    Ok(())
}

/// Returns the file that a path refers to, through symbolic links, also one that does not exist yet.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..40 {
        let Ok(link) = fs::read_link(&path) else { break };
        path = path.parent().map_or_else(|| link.clone(), |parent| parent.join(&link));
    }
    path
}

/// Creates a directory and its parents, as far as they do not exist.
fn create_directory(directory: &Path, access: Access) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(access.directory_mode()).create(directory)
}

/// Keeps other processes of `az` from changing files of the configuration in a directory at the same
/// time.
#[derive(Debug)]
pub struct DirectoryLock {
    _directory: File,
}

impl DirectoryLock {
    /// Waits for the lock of the directory of a file, which is created with this access if it does not
    /// exist.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn of_file(path: &Path, access: Access) -> Result<Self, ConfigError> {
        let target = followed(path);
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        let io =
            |source| ConfigError::Io { what: format!("opening {}", directory.display()), source };
        create_directory(directory, access).map_err(io)?;
        let directory = File::open(directory).map_err(io)?;
        flock(&directory, FlockOperation::LockExclusive).map_err(|error| io(error.into()))?;
        Ok(Self { _directory: directory })
    }
}
