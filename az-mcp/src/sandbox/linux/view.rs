//! The arguments of `bwrap` for what a command sees.

use std::path::Path;

use super::arguments::Arguments;
use super::mounts::{Mount, Mounts};
use crate::sandbox::ReadAccess;

/// What is seen where only some directories are: programs, libraries, and what they need.
const SYSTEM: [&str; 11] =
    ["/bin", "/etc", "/gnu", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/sbin", "/sys", "/usr"];

impl Arguments {
    /// Adds the file system without the mounts of a policy.
    pub(super) fn push_system(&mut self, read: &ReadAccess) {
        match read {
            ReadAccess::Everything => self.push(["--ro-bind", "/", "/"]),
            ReadAccess::Only(_) => {
                self.push(["--tmpfs", "/"]);
                for path in SYSTEM {
                    self.push(["--ro-bind-try", path, path]);
                }
            }
        }
        self.push(["--dev", "/dev", "--proc", "/proc"]);
    }

    /// Adds mounts. An empty directory is used for empty ones, if there is one where they are made.
    pub(super) fn push_mounts<'a>(
        &mut self,
        mounts: impl Iterator<Item = (&'a Path, &'a Mount)> + Clone,
        empty: Option<&Path>,
    ) {
        let option = Path::new;
        for (path, mount) in mounts.clone() {
            match (mount, empty) {
                (Mount::Other(source), _) => self.push([option("--bind"), source, path]),
                (Mount::Held | Mount::Writable, _) => self.push([option("--bind"), path, path]),
                (Mount::OtherFile(source), _) => self.push([option("--ro-bind"), source, path]),
                (Mount::ReadOnly, _) => self.push([option("--ro-bind"), path, path]),
                (Mount::EmptyDirectory, Some(empty)) => {
                    self.push([option("--ro-bind"), empty, path]);
                }
                (Mount::Fresh | Mount::EmptyDirectory, _) => self.push([option("--tmpfs"), path]),
                (Mount::EmptyFile, _) => {
                    self.push([option("--ro-bind"), option("/dev/null"), path]);
                }
            }
        }
        if empty.is_none() {
            let is_empty = |mount| matches!(mount, &Mount::Fresh | &Mount::EmptyDirectory);
            for (path, _) in mounts.filter(|(_, mount)| is_empty(*mount)) {
                self.push([option("--remount-ro"), path]);
            }
        }
    }

    /// Makes read-only what had to be changed while other mounts were made in it.
    pub(super) fn push_end_of_system(&mut self, mounts: &Mounts, read: &ReadAccess) {
        for (path, _) in mounts.outside().filter(|(_, mount)| **mount == Mount::Fresh) {
            self.push([Path::new("--remount-ro"), path]);
        }
        if *read != ReadAccess::Everything {
            self.push(["--remount-ro", "/"]);
        }
    }
}
