//! What a command in namespaces of its own sees of the file system.

use std::path::{Path, PathBuf};

use super::readable::canonical;
use super::sockets;
use crate::sandbox::{NetworkAccess, ReadAccess, SandboxError, SandboxPolicy};

/// What is seen where only some directories are: programs, libraries, and what they need.
pub(super) const SYSTEM: [&str; 11] =
    ["/bin", "/etc", "/gnu", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/sbin", "/sys", "/usr"];

/// What is seen of `/run`, which has the sockets of services otherwise: what NixOS has there.
const RUN: [&str; 2] = ["/run/current-system", "/run/opengl-driver"];

/// Where the socket of the proxy is seen.
pub(super) const PROXY: &str = "/run/az-proxy";
/// Where the program is seen that connects the command with it.
pub(super) const BRIDGE: &str = "/run/az-bridge";

/// Settings of the kernel in `/proc`, which root could change.
const KERNEL: [&str; 5] =
    ["/proc/acpi", "/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// What is mounted at a path. The order is that of mounts at the same path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Mount {
    /// Another directory, which can be changed.
    Other(PathBuf),
    /// The path itself, which can be changed.
    Writable,
    /// The path itself, which cannot be changed.
    ReadOnly,
    /// Another file, which cannot be changed.
    OtherFile(PathBuf),
    /// An empty directory.
    EmptyDirectory,
    /// An empty file.
    EmptyFile,
}

/// The mounts of a command, parents first.
#[derive(Debug, Default)]
pub(super) struct Mounts(Vec<(PathBuf, Mount)>);

impl Mounts {
    /// Returns what a policy allows to see and to change.
    pub(super) fn of(policy: &SandboxPolicy) -> Result<Self, SandboxError> {
        let mut mounts = Self::default();
        mounts.add("/tmp", Mount::Other(policy.temp.clone()));
        mounts.add("/var/tmp", Mount::Other(policy.temp.clone()));
        mounts.add("/run", Mount::EmptyDirectory);
        for path in RUN.iter().filter(|path| Path::new(path).exists()) {
            mounts.add(path, Mount::ReadOnly);
        }
        match &policy.network {
            NetworkAccess::Off => {}
            NetworkAccess::Proxy(access) => {
                mounts.add(PROXY, Mount::OtherFile(access.socket.clone()));
                mounts.add(BRIDGE, Mount::OtherFile(access.bridge.program.clone()));
            }
            NetworkAccess::On => {
                // With systemd, it is a link to a file in `/run`.
                mounts.0.extend(Path::new("/etc/resolv.conf").canonicalize().ok().map(read_only));
            }
        }
        let mut write = Vec::new();
        for path in &policy.write {
            let found = path.canonicalize();
            write.push(
                found.map_err(|error| SandboxError::setup(path.display().to_string(), error))?,
            );
        }
        mounts.0.extend(write.iter().map(|path| (path.clone(), Mount::Writable)));
        for path in canonical(&policy.hide) {
            let empty = if path.is_dir() { Mount::EmptyDirectory } else { Mount::EmptyFile };
            mounts.0.push((path, empty));
        }
        for path in sockets::bound() {
            if !write.iter().any(|root| path.starts_with(root)) && !mounts.covers(&path) {
                mounts.0.push((path, Mount::EmptyFile));
            }
        }
        for path in canonical(&policy.protect) {
            if write.iter().any(|root| path.starts_with(root)) {
                mounts.protect(path);
            }
        }
        if let ReadAccess::Only(paths) = &policy.read {
            mounts.0.extend(canonical(paths).into_iter().map(read_only));
        }
        mounts.0.sort_by(|one, other| {
            let depth = |(path, _): &(PathBuf, Mount)| path.components().count();
            depth(one).cmp(&depth(other)).then_with(|| one.cmp(other))
        });
        mounts.0.dedup();
        Ok(mounts)
    }

    /// Makes a file read-only. What is mounted cannot be renamed, but the directory that it is in
    /// could be, and another one be put in its place: that of git is mounted, too.
    fn protect(&mut self, path: PathBuf) {
        let git = path.ancestors().find(|path| path.file_name().is_some_and(|name| name == ".git"));
        self.0.extend(git.map(|git| (git.to_owned(), Mount::Writable)));
        self.0.push(read_only(path));
    }

    /// Whether a path is not seen, because something else is where it would be.
    fn covers(&self, path: &Path) -> bool {
        let mut others = self.0.iter().filter(|(_, mount)| {
            matches!(mount, Mount::EmptyDirectory | Mount::Other(_) | Mount::EmptyFile)
        });
        others.any(|(other, _)| path.starts_with(other))
    }

    fn add(&mut self, path: &str, mount: Mount) {
        self.0.push((path.into(), mount));
    }

    /// Returns the arguments of `bwrap` for the mounts.
    pub(super) fn arguments(&self, read: &ReadAccess) -> Vec<PathBuf> {
        let mut arguments: Vec<PathBuf> = Vec::new();
        let mut push = |words: &[&Path]| arguments.extend(words.iter().map(|word| (*word).into()));
        let flag = Path::new;
        match read {
            ReadAccess::Everything => push(&[flag("--ro-bind"), flag("/"), flag("/")]),
            ReadAccess::Only(_) => {
                push(&[flag("--tmpfs"), flag("/")]);
                for path in SYSTEM {
                    push(&[flag("--ro-bind-try"), flag(path), flag(path)]);
                }
            }
        }
        push(&[flag("--dev"), flag("/dev"), flag("--proc"), flag("/proc")]);
        for path in KERNEL {
            push(&[flag("--ro-bind-try"), flag(path), flag(path)]);
        }
        for (path, mount) in &self.0 {
            match mount {
                Mount::Other(source) => push(&[flag("--bind"), source, path]),
                Mount::Writable => push(&[flag("--bind"), path, path]),
                Mount::OtherFile(source) => push(&[flag("--ro-bind"), source, path]),
                Mount::ReadOnly => push(&[flag("--ro-bind"), path, path]),
                Mount::EmptyDirectory => push(&[flag("--tmpfs"), path]),
                Mount::EmptyFile => push(&[flag("--ro-bind"), flag("/dev/null"), path]),
            }
        }
        // Once all that is mounted in them is.
        for (path, _) in self.0.iter().filter(|(_, mount)| *mount == Mount::EmptyDirectory) {
            push(&[flag("--remount-ro"), path]);
        }
        if *read != ReadAccess::Everything {
            push(&[flag("--remount-ro"), flag("/")]);
        }
        arguments
    }
}

const fn read_only(path: PathBuf) -> (PathBuf, Mount) {
    (path, Mount::ReadOnly)
}
