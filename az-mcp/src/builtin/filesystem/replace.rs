//! A file replaced in one step: whoever looks sees the old content or the new, also after a crash.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use az_core::point;
use cap_std::fs::{Dir, File, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::fs::{RenameFlags, renameat_with};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::lock::{Patience, Target, lock};
use super::problem::Problem;
use super::root::Root;

/// How many temporary files one call may find taken before it gives up.
const TEMPORARIES: u32 = 16;

/// Where a file is, or is to be: its directory, held open, and its name in there.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: Dir,
    pub(super) name: PathBuf,
}

impl Place {
    /// Finds the place of a path whose directory exists.
    ///
    /// A symbolic link is followed, so that it stays a link: its target's place is asked of the
    /// confined directory, and opened through it like any other.
    pub(super) fn find(root: &Root, path: &str) -> Result<Self, Problem> {
        let at = |error| Problem::at(path, error);
        let inside = root.relative(path)?;
        let place = Self::of(root.dir(), &inside, path)?;
        match place.dir.symlink_metadata(&place.name) {
            Ok(metadata) if metadata.is_symlink() => {
                let target = root.dir().canonicalize(&inside).map_err(at)?;
                Self::of(root.dir(), &target, path)
            }
            Ok(_) => Ok(place),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(place),
            Err(error) => Err(at(error)),
        }
    }

    /// Finds the place of a path, making the directories that are missing.
    pub(super) fn make(root: &Root, path: &str) -> Result<Self, Problem> {
        let found = Self::find(root, path);
        let inside = root.relative(path)?;
        let Some(parent) = inside.parent() else { return found };
        if !matches!(found, Err(Problem::Missing { .. })) || parent.as_os_str().is_empty() {
            return found;
        }
        let at = |error| Problem::at(path, error);
        root.dir().create_dir_all(parent).map_err(at)?;
        for made in parent.ancestors() {
            let made = if made.as_os_str().is_empty() { Path::new(".") } else { made };
            root.dir().open_dir(made).and_then(|dir| sync(&dir)).map_err(at)?;
        }
        Self::find(root, path)
    }

    fn of(root: &Dir, inside: &Path, path: &str) -> Result<Self, Problem> {
        let (Some(parent), Some(name), false) =
            (inside.parent(), inside.file_name(), path.ends_with('/'))
        else {
            return Err(Problem::IsDirectory { path: path.to_owned() });
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let dir = root.open_dir(parent).map_err(|error| Problem::at(path, error))?;
        Ok(Self { dir, name: PathBuf::from(name) })
    }

    /// Looks at the file that is there, which must be a regular one.
    pub(super) fn existing(&self, path: &str) -> Result<Option<Metadata>, Problem> {
        match self.dir.symlink_metadata(&self.name) {
            Ok(metadata) if metadata.is_dir() => {
                Err(Problem::IsDirectory { path: path.to_owned() })
            }
            Ok(metadata) if !metadata.is_file() => {
                Err(Problem::NotRegular { path: path.to_owned() })
            }
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Problem::at(path, error)),
        }
    }

    /// Puts a file here that `fill` writes, with the owner and the mode bits of the `old` one.
    ///
    /// The old file is held meanwhile, so that what is added to it is added before and gone, or
    /// added to the new one; it never goes to a file that has no name any more.
    pub(super) fn replace(
        &self,
        key: &str,
        old: Option<&Metadata>,
        patience: &Patience,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut temporary = Temporary::create(self, key, old.is_some())?;
        fill(&mut temporary.file)?;
        // Whoever adds to the new file waits until its name is durable: what they add must be, too.
        lock(&temporary.file, patience)?;
        loop {
            let target = Target::hold(self, patience)?;
            let there = match &target {
                Target::Held(file) => Some(file.metadata()?),
                Target::Missing | Target::Closed => None,
            };
            if let Some(old) = there.as_ref().or(old) {
                temporary.take_after(old)?;
            }
            temporary.file.sync_all()?;
            point!("fs.write.before_rename");
            match temporary.keep(&target) {
                // A file that was made since, and may have been added to, has to be held first.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                kept => break kept?,
            }
        }
        point!("fs.write.after_rename");
        sync(&self.dir)
    }

    /// Removes what a call with this key left behind when it was interrupted.
    pub(super) fn clean(&self, key: &str) -> io::Result<()> {
        for number in 0..TEMPORARIES {
            match self.dir.remove_file(temporary_name(&self.name, key, number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// A file that is removed unless it is kept.
struct Temporary<'a> {
    place: &'a Place,
    file: File,
    name: Option<String>,
}

impl<'a> Temporary<'a> {
    fn create(place: &'a Place, key: &str, private: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if private {
            // Nobody may read in passing what the old file's mode will hide.
            options.mode(0o600);
        }
        let mut number = 0;
        loop {
            let name = temporary_name(&place.name, key, number);
            match place.dir.open_with(&name, &options) {
                Ok(file) => return Ok(Self { place, file, name: Some(name) }),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                Err(error) if number + 1 == TEMPORARIES => return Err(error),
                Err(_) => number += 1,
            }
        }
    }

    /// Takes over the owner and the mode bits of another file.
    fn take_after(&self, old: &Metadata) -> io::Result<()> {
        let new = self.file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root can give files away; for anybody else the file becomes theirs.
            let (uid, gid) = (Some(old.uid()), Some(old.gid()));
            std::os::unix::fs::fchown(self.file.as_fd(), uid, gid).ok();
        }
        self.file.set_permissions(old.permissions())
    }

    /// Moves the file to its place, where that is, or is missing, as it was seen to be.
    fn keep(&mut self, target: &Target) -> io::Result<()> {
        let Place { dir, name: to } = self.place;
        if let Some(name) = &self.name {
            match target {
                Target::Missing => rename_new(dir, name, to)?,
                Target::Held(_) | Target::Closed => dir.rename(name, dir, to)?,
            }
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            self.place.dir.remove_file(name).ok();
        }
    }
}

/// Returns a name that the same call finds again after a crash.
pub(super) fn temporary_name(name: &Path, key: &str, number: u32) -> String {
    let hash = Sha256::new().chain_update(key).chain_update([0]);
    let hash = hex(&hash.chain_update(name.as_os_str().as_encoded_bytes()).finalize());
    let short: String = hash.chars().take(12).collect();
    format!(".az-{short}-{number}.tmp")
}

/// Renames a file, unless there is one of the new name.
fn rename_new(dir: &Dir, from: &str, to: &Path) -> io::Result<()> {
    match renameat_with(dir.as_fd(), from, dir.as_fd(), to, RenameFlags::NOREPLACE) {
        // Not every filesystem can; there, a file made in this very moment may be replaced.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => dir.rename(from, dir, to),
        renamed => Ok(renamed?),
    }
}

/// Makes the names in a directory durable, where the filesystem knows how.
pub(super) fn sync(dir: &Dir) -> io::Result<()> {
    match rustix::fs::fsync(dir.as_fd()) {
        Err(Errno::INVAL | Errno::BADF | Errno::NOTSUP) => Ok(()),
        synced => Ok(synced?),
    }
}

/// Writes bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Write};
    use std::mem::ManuallyDrop;

    use az_core::tool::Invocation;
    use cap_std::ambient_authority;
    use cap_std::fs::Dir;
    use serde_json::json;
    use tempfile::TempDir;

    use super::{Place, Target, Temporary};
    use crate::builtin::filesystem::lock::Patience;

    fn place() -> (TempDir, Place) {
        let held = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(held.path(), ambient_authority()).unwrap();
        (held, Place { dir, name: "f".into() })
    }

    fn patience() -> Patience {
        Patience::of(&Invocation::bare("filesystem.write", json!({})).unwrap())
    }

    fn names(held: &TempDir) -> usize {
        fs::read_dir(held.path()).unwrap().count()
    }

    #[test]
    fn what_a_killed_write_left_is_found_by_its_key_and_is_in_nobodys_way() {
        let (held, place) = place();
        // A killed process drops nothing.
        let _left = ManuallyDrop::new(Temporary::create(&place, "t:1", false).unwrap());
        place.clean("t:2").unwrap();
        assert_eq!(names(&held), 1);
        place.replace("t:1", None, &patience(), |file| file.write_all(b"new")).unwrap();
        assert_eq!(names(&held), 2);
        place.clean("t:1").unwrap();
        assert_eq!(names(&held), 1);
        assert_eq!(fs::read_to_string(held.path().join("f")).unwrap(), "new");
    }

    #[test]
    fn a_file_that_was_made_in_the_meantime_is_not_replaced_without_being_held() {
        let (held, place) = place();
        let mut temporary = Temporary::create(&place, "t:1", false).unwrap();
        fs::write(held.path().join("f"), "made").unwrap();
        let refused = temporary.keep(&Target::Missing).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(held.path().join("f")).unwrap(), "made");
        temporary.keep(&Target::hold(&place, &patience()).unwrap()).unwrap();
        assert_eq!(fs::read_to_string(held.path().join("f")).unwrap(), "");
        assert_eq!(names(&held), 1);
    }

    #[test]
    fn a_write_that_breaks_off_leaves_the_old_file_and_no_other() {
        let (held, place) = place();
        fs::write(held.path().join("f"), "old").unwrap();
        let broken = place.replace("t:1", None, &patience(), |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(broken.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(names(&held), 1);
        assert_eq!(fs::read_to_string(held.path().join("f")).unwrap(), "old");
    }
}
