//! Atomic replacement of a file: readers see the old or the new content, also after a crash.

use std::io::{self, Seek};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use az_core::digest::hex;
use az_core::point;
use cap_std::fs::{Dir, File, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::fs::{RenameFlags, renameat_with};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::changes;
use super::directories::CreatedDirectories;
use super::drafts::Draft;
use super::durable::{or_here, sync_directory};
use super::error::{FileError, WriteError};
use super::lock::{LockWait, LockedTarget, lock, open_writer};
use super::root::Root;

/// The maximum number of names that a call tries for its temporary file.
const MAX_TEMPORARIES: u32 = 16;

/// The location of a file that may not exist yet: its open directory, and its name there.
#[derive(Debug)]
pub(super) struct FileLocation {
    pub(super) dir: Dir,
    /// The path of the directory in the workspace; empty for the workspace itself.
    pub(super) directory: PathBuf,
    pub(super) name: PathBuf,
}

impl FileLocation {
    /// Resolves a path whose directory exists.
    ///
    /// A symbolic link is followed, so that its target is written and the link stays. The target is
    /// resolved within the workspace as well.
    pub(super) fn find(root: &Root, path: &str) -> Result<Self, FileError> {
        let at = |error| FileError::at(path, error);
        let inside = root.relative(path)?;
        let location = Self::of(root.dir(), &inside, path)?;
        match location.dir.symlink_metadata(&location.name) {
            Ok(metadata) if metadata.is_symlink() => {
                let target = root.dir().canonicalize(&inside).map_err(at)?;
                Self::of(root.dir(), &target, path)
            }
            Ok(_) => Ok(location),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(location),
            Err(error) => Err(at(error)),
        }
    }

    /// Resolves a path, and creates missing directories; returns those, too. If that fails, none is
    /// left.
    pub(super) fn find_or_create(
        root: &Root,
        path: &str,
    ) -> Result<(Self, CreatedDirectories), FileError> {
        let found = Self::find(root, path);
        if !matches!(found, Err(FileError::Missing { .. })) {
            return found.map(|location| (location, CreatedDirectories::default()));
        }
        let inside = root.relative(path)?;
        let parent = inside.parent().unwrap_or(Path::new(""));
        let created = CreatedDirectories::create(root.dir(), parent);
        let created = created.map_err(|error| FileError::at(path, error))?;
        match Self::find(root, path) {
            Ok(location) => Ok((location, created)),
            Err(error) => {
                created.remove(root.dir());
                Err(error)
            }
        }
    }

    fn of(root: &Dir, inside: &Path, path: &str) -> Result<Self, FileError> {
        let (Some(parent), Some(name), false) =
            (inside.parent(), inside.file_name(), path.ends_with('/'))
        else {
            return Err(FileError::IsDirectory { path: path.to_owned() });
        };
        let dir = root.open_dir(or_here(parent)).map_err(|error| FileError::at(path, error))?;
        Ok(Self { dir, directory: parent.to_owned(), name: PathBuf::from(name) })
    }

    /// Fails if there is something else than a regular file.
    pub(super) fn check_regular(&self, path: &str) -> Result<(), FileError> {
        match self.metadata().map_err(|error| FileError::at(path, error))? {
            Some(metadata) if metadata.is_dir() => {
                Err(FileError::IsDirectory { path: path.to_owned() })
            }
            Some(metadata) if !metadata.is_file() => {
                Err(FileError::NotRegular { path: path.to_owned() })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns the metadata of the file, if there is one.
    fn metadata(&self) -> io::Result<Option<Metadata>> {
        match self.dir.symlink_metadata(&self.name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            metadata => metadata.map(Some),
        }
    }

    /// Replaces the file by one that `fill` writes, with the owner and the mode bits of the old
    /// one.
    ///
    /// The old file is locked until the rename. A concurrent append happens either before, and is
    /// replaced, or after, to the new file; it is never written to the unlinked old file. `check`
    /// runs under the lock, and again right before the rename; it can refuse to replace the file.
    ///
    /// A file that cannot be replaced is overwritten in place: one that is mounted, or whose
    /// directory does not permit new files. Returns notes about what the new file does not have, for
    /// the model.
    pub(super) fn replace(
        &self,
        key: &str,
        wait: &LockWait,
        check: impl Fn(&LockedTarget) -> Result<(), WriteError>,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<Vec<String>, WriteError> {
        let old = self.metadata()?;
        let mut temporary = match Temporary::create(self, key, old.is_some()) {
            Err(error) if old.is_some() && permits_no_new_file(&error) => {
                let target = LockedTarget::lock_existing(self, wait)?;
                check(&target)?;
                return self.overwrite(&target, wait, fill);
            }
            created => created?,
        };
        fill(&mut temporary.file)?;
        // Appends to the new file have to wait until its name is durable, or they would not be.
        lock(&temporary.file, wait)?;
        let notes = loop {
            let target = LockedTarget::lock_existing(self, wait)?;
            check(&target)?;
            let mut notes = Vec::new();
            let existing = match &target {
                LockedTarget::Locked(file) => Some(file.metadata()?),
                LockedTarget::Missing | LockedTarget::Inaccessible => None,
            };
            if let Some(old) = existing.as_ref().or(old.as_ref()) {
                temporary.copy_owner_and_mode(old)?;
            }
            if let LockedTarget::Locked(file) = &target {
                notes.extend(changes::copy_attributes(file, &temporary.file));
                notes.extend(changes::of_links(file)?);
            }
            temporary.file.sync_all()?;
            point!("fs.write.before_rename");
            // A process that does not take the lock may have changed the file during the sync.
            check(&target)?;
            wait.check_lease()?;
            match temporary.persist(&target) {
                // Another process created the file meanwhile; it has to be locked first.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // The name is a mount point.
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    let mut content = temporary.open_reader()?;
                    let copy = |file: &mut File| io::copy(&mut content, file).map(drop);
                    return self.overwrite(&target, wait, copy);
                }
                persisted => {
                    persisted?;
                    break notes;
                }
            }
        };
        point!("fs.write.after_rename");
        sync_directory(&self.dir).map_err(|error| {
            let reason = format!("written, but it may not survive a power failure: {error}");
            WriteError::Unknown(io::Error::new(error.kind(), reason))
        })?;
        Ok(notes)
    }

    /// Overwrites a locked file that cannot be replaced. Readers may see a part of the content
    /// meanwhile, and a crash can leave one; a probe determines that.
    fn overwrite(
        &self,
        target: &LockedTarget,
        wait: &LockWait,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<Vec<String>, WriteError> {
        let LockedTarget::Locked(locked) = target else {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied).into());
        };
        let mut file = open_writer(self, locked)?;
        wait.check_lease()?;
        let write = || {
            fill(&mut file)?;
            let end = file.stream_position()?;
            file.set_len(end)?;
            file.sync_all()
        };
        write().map_err(WriteError::Unknown)?;
        let note = "written in place, because the file cannot be replaced: a crash during the write \
                    could have left a part of the content";
        Ok(vec![note.to_owned()])
    }

    /// Lists the temporary files of an interrupted call with this key that were not changed for at least
    /// `age`, with paths relative to the workspace; removes them if `remove` is set.
    pub(super) fn drafts(&self, key: &str, age: Duration, remove: bool) -> io::Result<Vec<Draft>> {
        let mut found = Vec::new();
        for number in 0..MAX_TEMPORARIES {
            let name = temporary_name(&self.name, key, number);
            let metadata = match self.dir.symlink_metadata(&name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                found => found?,
            };
            // One from the future is new.
            let unchanged = metadata.modified()?.into_std().elapsed().unwrap_or_default();
            if unchanged < age {
                continue;
            }
            if remove {
                self.dir.remove_file(&name)?;
            }
            found.push(Draft::new(self.directory.join(name), metadata.len()));
        }
        Ok(found)
    }
}

/// A temporary file that is removed on drop unless it is persisted.
struct Temporary<'a> {
    location: &'a FileLocation,
    file: File,
    name: Option<String>,
}

impl<'a> Temporary<'a> {
    fn create(location: &'a FileLocation, key: &str, private: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if private {
            // The content must not be readable by other users before the old file's mode is set.
            options.mode(0o600);
        }
        let mut number = 0;
        loop {
            let name = temporary_name(&location.name, key, number);
            match location.dir.open_with(&name, &options) {
                Ok(file) => return Ok(Self { location, file, name: Some(name) }),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Err(error) if number + 1 == MAX_TEMPORARIES => return Err(error),
                Err(_) => number += 1,
            }
        }
    }

    /// Opens the file once more, for reading.
    fn open_reader(&self) -> io::Result<File> {
        match &self.name {
            Some(name) => self.location.dir.open(name),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Sets the owner and the mode bits to those of another file.
    fn copy_owner_and_mode(&self, old: &Metadata) -> io::Result<()> {
        let new = self.file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root can change the owner; otherwise the file belongs to the current user.
            let (uid, gid) = (Some(old.uid()), Some(old.gid()));
            std::os::unix::fs::fchown(self.file.as_fd(), uid, gid).ok();
        }
        self.file.set_permissions(old.permissions())
    }

    /// Renames the file to its final name; fails if `target` is missing but a file exists by now.
    fn persist(&mut self, target: &LockedTarget) -> io::Result<()> {
        let FileLocation { dir, name: to, .. } = self.location;
        if let Some(name) = &self.name {
            match target {
                LockedTarget::Missing => rename_new(dir, name, to)?,
                LockedTarget::Locked(_) | LockedTarget::Inaccessible => {
                    dir.rename(name, dir, to)?;
                }
            }
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            self.location.dir.remove_file(name).ok();
        }
    }
}

/// Returns the name of a temporary file, which depends only on the arguments: it is found again
/// after a crash.
pub(super) fn temporary_name(name: &Path, key: &str, number: u32) -> String {
    let hash = Sha256::new().chain_update(key).chain_update([0]);
    let hash = hex(&hash.chain_update(name.as_os_str().as_encoded_bytes()).finalize());
    let short: String = hash.chars().take(12).collect();
    format!(".az-{short}-{number}.tmp")
}

/// Returns whether no file can be created in a directory, although one in it may be writable.
fn permits_no_new_file(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Renames a file unless the new name exists.
fn rename_new(dir: &Dir, from: &str, to: &Path) -> io::Result<()> {
    match renameat_with(dir.as_fd(), from, dir.as_fd(), to, RenameFlags::NOREPLACE) {
        // Not all filesystems support this flag; without it, a file that is created at the same
        // moment is replaced.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => dir.rename(from, dir, to),
        renamed => Ok(renamed?),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Write};
    use std::mem::ManuallyDrop;
    use std::time::Duration;

    use az_core::tool::Invocation;
    use cap_std::ambient_authority;
    use cap_std::fs::{Dir, File};
    use serde_json::json;
    use tempfile::TempDir;

    use super::{FileLocation, LockedTarget, Temporary};
    use crate::builtin::filesystem::error::WriteError;
    use crate::builtin::filesystem::lock::LockWait;

    fn location() -> (TempDir, FileLocation) {
        let directory = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(directory.path(), ambient_authority()).unwrap();
        (directory, FileLocation { dir, directory: "".into(), name: "f".into() })
    }

    fn wait() -> LockWait {
        LockWait::of(&Invocation::bare("filesystem.write", json!({})).unwrap())
    }

    /// Replaces the file, without a check of its state.
    fn replace(
        location: &FileLocation,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<Vec<String>, WriteError> {
        location.replace("t:1", &wait(), |_| Ok(()), fill)
    }

    fn count_entries(directory: &TempDir) -> usize {
        fs::read_dir(directory.path()).unwrap().count()
    }

    #[test]
    fn temporary_files_of_a_killed_write_block_no_other_and_are_removed_by_its_key() {
        let (directory, location) = location();
        // A killed process does not run destructors.
        let _leaked = ManuallyDrop::new(Temporary::create(&location, "t:1", false).unwrap());
        location.drafts("t:2", Duration::ZERO, true).unwrap();
        assert_eq!(count_entries(&directory), 1);
        replace(&location, |file| file.write_all(b"new")).unwrap();
        assert_eq!(count_entries(&directory), 2);
        location.drafts("t:1", Duration::ZERO, true).unwrap();
        assert_eq!(count_entries(&directory), 1);
        assert_eq!(fs::read_to_string(directory.path().join("f")).unwrap(), "new");
    }

    #[test]
    fn a_file_created_by_another_process_is_not_replaced_before_it_is_locked() {
        let (directory, location) = location();
        let mut temporary = Temporary::create(&location, "t:1", false).unwrap();
        fs::write(directory.path().join("f"), "other").unwrap();
        let refused = temporary.persist(&LockedTarget::Missing).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(directory.path().join("f")).unwrap(), "other");
        temporary.persist(&LockedTarget::lock_existing(&location, &wait()).unwrap()).unwrap();
        assert_eq!(fs::read_to_string(directory.path().join("f")).unwrap(), "");
        assert_eq!(count_entries(&directory), 1);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file_and_removes_the_temporary_one() {
        let (directory, location) = location();
        fs::write(directory.path().join("f"), "old").unwrap();
        let failed = replace(&location, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(matches!(
            failed,
            Err(WriteError::Unchanged(error)) if error.kind() == io::ErrorKind::StorageFull
        ));
        assert_eq!(count_entries(&directory), 1);
        assert_eq!(fs::read_to_string(directory.path().join("f")).unwrap(), "old");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_overwritten_in_place_and_keeps_its_links() {
        let (directory, location) = location();
        let path = directory.path().join("f");
        fs::write(&path, "a longer old content").unwrap();
        fs::hard_link(&path, directory.path().join("link")).unwrap();
        let target = LockedTarget::lock_existing(&location, &wait()).unwrap();
        let notes = location.overwrite(&target, &wait(), |file| file.write_all(b"new")).unwrap();
        assert!(notes[0].starts_with("written in place, because the file cannot be replaced"));
        assert_eq!(fs::read_to_string(directory.path().join("link")).unwrap(), "new");
        let failed =
            location.overwrite(&target, &wait(), |_| Err(io::ErrorKind::StorageFull.into()));
        assert!(matches!(failed, Err(WriteError::Unknown(_))), "{failed:?}");
        let missing = location.overwrite(&LockedTarget::Missing, &wait(), |_| Ok(()));
        assert!(matches!(missing, Err(WriteError::Unchanged(_))), "{missing:?}");
    }
}
