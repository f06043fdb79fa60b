//! What a command in namespaces of its own sees of the file system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::readable::canonical;
use super::sockets;
use crate::sandbox::{NetworkAccess, ReadAccess, SandboxError, SandboxPolicy};

/// What is seen of `/run`, which has the sockets of services otherwise: what NixOS has there.
const RUN: [&str; 2] = ["/run/current-system", "/run/opengl-driver"];

/// Where the socket of the proxy is seen.
pub(super) const PROXY: &str = "/run/az-proxy";
/// Where the program is seen that connects the command with it.
pub(super) const BRIDGE: &str = "/run/az-bridge";

/// What is mounted at a path. Of several, the last in this order is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mount {
    /// Another directory, which can be changed.
    Other(PathBuf),
    /// The path itself, which can be changed, but not moved: something is mounted beneath it.
    Held,
    /// The path itself, which can be changed.
    Writable,
    /// The path itself, which cannot be changed.
    ReadOnly,
    /// Another file, which cannot be changed.
    OtherFile(PathBuf),
    /// An empty directory, in which other mounts are.
    Fresh,
    /// An empty directory.
    EmptyDirectory,
    /// An empty file.
    EmptyFile,
}

/// The mounts of a command.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    by_path: BTreeMap<PathBuf, Mount>,
    /// The directories that the command may change.
    write: Vec<PathBuf>,
}

impl Mounts {
    /// Returns what a policy allows to see and to change.
    pub(super) fn of(policy: &SandboxPolicy) -> Result<Self, SandboxError> {
        let mut mounts = Self::default();
        for path in &policy.write {
            let found = path.canonicalize();
            let found =
                found.map_err(|error| SandboxError::setup(path.display().to_string(), error))?;
            mounts.add(found.clone(), Mount::Writable);
            mounts.write.push(found);
        }
        mounts.add_base(policy);
        if let ReadAccess::Only(paths) = &policy.read {
            canonical(paths).into_iter().for_each(|path| mounts.add(path, Mount::ReadOnly));
        }
        for path in canonical(&policy.hide) {
            if mounts.is_seen(&path) && (mounts.root_of(&path).is_some() || can_read(&path)) {
                mounts.hide(path);
            }
        }
        for path in sockets::bound() {
            if mounts.root_of(&path).is_none() && mounts.is_seen(&path) {
                mounts.add(path, Mount::EmptyFile);
            }
        }
        for path in canonical(&policy.protect) {
            mounts.protect(path);
        }
        mounts.remove_held_in_read_only();
        mounts.make_room_in_empty();
        Ok(mounts)
    }

    /// Adds what does not depend on the workspace.
    fn add_base(&mut self, policy: &SandboxPolicy) {
        self.add("/tmp", Mount::Other(policy.temp.clone()));
        self.add("/var/tmp", Mount::Other(policy.temp.clone()));
        self.add("/run", Mount::Fresh);
        for path in RUN.iter().filter(|path| Path::new(path).exists()) {
            self.add(path, Mount::ReadOnly);
        }
        match &policy.network {
            NetworkAccess::Off => {}
            NetworkAccess::Proxy(access) => {
                self.add(PROXY, Mount::OtherFile(access.socket.clone()));
                self.add(BRIDGE, Mount::OtherFile(access.bridge.program.clone()));
            }
            NetworkAccess::On => {
                // With systemd, it is a link to a file in `/run`.
                let found = Path::new("/etc/resolv.conf").canonicalize();
                found.into_iter().for_each(|path| self.add(path, Mount::ReadOnly));
            }
        }
    }

    fn add(&mut self, path: impl Into<PathBuf>, mount: Mount) {
        let kept = self.by_path.entry(path.into()).or_insert_with(|| mount.clone());
        if *kept < mount {
            *kept = mount;
        }
    }

    fn hide(&mut self, path: PathBuf) {
        let empty = if path.is_dir() { Mount::EmptyDirectory } else { Mount::EmptyFile };
        self.hold_above(&path);
        self.add(path, empty);
    }

    /// Makes a path read-only, unless it cannot be changed anyway.
    fn protect(&mut self, path: PathBuf) {
        let above = path.ancestors().skip(1).find_map(|above| self.by_path.get(above));
        let is_writable = matches!(above, Some(Mount::Writable | Mount::Held));
        if is_writable && self.root_of(&path).is_some() {
            self.hold_above(&path);
            self.add(path, Mount::ReadOnly);
        }
    }

    /// Keeps what is above a mount in a directory that can be changed from being moved, and with it
    /// the mount: something else could be put in its place.
    fn hold_above(&mut self, path: &Path) {
        let Some(root) = self.root_of(path).map(Path::to_owned) else { return };
        let above = path.ancestors().skip(1).take_while(|above| *above != root);
        for above in above.map(Path::to_owned).collect::<Vec<_>>() {
            self.add(above, Mount::Held);
        }
    }

    /// Held directories would become writable again.
    fn remove_held_in_read_only(&mut self) {
        let fixed: Vec<_> =
            self.by_path.iter().filter(|(_, mount)| **mount == Mount::ReadOnly).collect();
        let fixed: Vec<_> = fixed.into_iter().map(|(path, _)| path.clone()).collect();
        let is_fixed = |path: &PathBuf| fixed.iter().any(|fixed| path.starts_with(fixed));
        self.by_path.retain(|path, mount| *mount != Mount::Held || !is_fixed(path));
    }

    /// Lets directories be created in hidden ones in which something else is mounted.
    fn make_room_in_empty(&mut self) {
        let paths: Vec<_> = self.by_path.keys().cloned().collect();
        for (path, mount) in &mut self.by_path {
            let has_mounts = || paths.iter().any(|other| other != path && other.starts_with(path));
            if *mount == Mount::EmptyDirectory && has_mounts() {
                *mount = Mount::Fresh;
            }
        }
    }

    /// Returns the directory that can be changed in which a path is.
    fn root_of(&self, path: &Path) -> Option<&Path> {
        let roots = self.write.iter().filter(|root| path != **root && path.starts_with(root));
        roots.map(PathBuf::as_path).max_by_key(|root| root.components().count())
    }

    /// Returns whether the file at a path is seen, and nothing else where it would be.
    fn is_seen(&self, path: &Path) -> bool {
        let nearest = path.ancestors().find_map(|above| self.by_path.get(above));
        matches!(nearest, None | Some(Mount::Held | Mount::Writable | Mount::ReadOnly))
    }

    /// Returns the mounts outside of the directories that the command may change, parents first.
    /// Only `az` and its user can exchange what is there.
    pub(super) fn outside(&self) -> impl Iterator<Item = (&Path, &Mount)> {
        self.iter().filter(|(path, _)| self.root_of(path).is_none())
    }

    /// Returns the mounts in directories that the command may change, parents first.
    pub(super) fn inside(&self) -> impl Iterator<Item = (&Path, &Mount)> {
        self.iter().filter(|(path, _)| self.root_of(path).is_some())
    }

    fn iter(&self) -> impl Iterator<Item = (&Path, &Mount)> {
        // A path is before those beneath it.
        self.by_path.iter().map(|(path, mount)| (path.as_path(), mount))
    }
}

/// Returns whether this user can read a file, or what is in a directory.
fn can_read(path: &Path) -> bool {
    access(path, Access::READ_OK).is_ok() || access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn relative<'a>(
        root: &Path,
        mounts: impl Iterator<Item = (&'a Path, &'a Mount)>,
    ) -> Vec<(String, Mount)> {
        let beneath = mounts.filter_map(|(path, mount)| {
            Some((path.strip_prefix(root).ok()?.display().to_string(), mount.clone()))
        });
        beneath.collect()
    }

    #[test]
    fn what_is_above_a_mount_in_the_workspace_is_held() {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["work/.git/hooks", "work/a/b/keys", "work/ro/keys/deep", "home/.ssh"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let policy = SandboxPolicy::new(root.join("work"), root.join("home"))
            .with_hidden(
                ["work/a/b/keys", "work/ro/keys", "home/.ssh", "none"].map(|it| root.join(it)),
            )
            .with_protected(["work/.git/hooks", "work/ro", "home"].map(|it| root.join(it)));
        let mounts = Mounts::of(&policy).unwrap();
        let expect = [
            ("work/.git", Mount::Held),
            ("work/.git/hooks", Mount::ReadOnly),
            ("work/a", Mount::Held),
            ("work/a/b", Mount::Held),
            ("work/a/b/keys", Mount::EmptyDirectory),
            ("work/ro", Mount::ReadOnly),
            ("work/ro/keys", Mount::EmptyDirectory),
        ];
        let expect = expect.map(|(name, mount)| (name.to_owned(), mount));
        assert_eq!(relative(&root, mounts.inside()), expect);
        // `/var/tmp` is another directory, so that what is in it need not be hidden.
        assert_eq!(relative(&root, mounts.outside()), [("work".to_owned(), Mount::Writable)]);
    }
}
