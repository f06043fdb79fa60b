//! How `bwrap` is called for a command: once, or in two stages.
//!
//! `bwrap` finds by its name what it mounts in the workspace. A process of another sandbox could
//! exchange it for a link to a file that is hidden, or outside of the workspace. If no other sandbox
//! runs, that cannot happen, and all is mounted at once. Otherwise, a first `bwrap` creates a sandbox
//! in which the workspace is as it is, and a second one mounts in it what is in the workspace. A link
//! then leads at most to what the command may change or read anyway.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use super::mounts::{BRIDGE, Mounts, PROXY};
use super::running::{Entry, PATIENCE};
use super::seccomp::Filters;
use super::status::{Reporters, SCRIPT, Status};
use crate::sandbox::{HELPER, NetworkAccess, SandboxError, SandboxPolicy, SandboxedCommand};

/// Where the private directory for temporary files is seen.
const TEMP: &str = "/tmp";
/// A file that `bwrap` creates when everything is mounted.
const MOUNTED: &str = "/run/az-mounted";
/// Settings of the kernel in `/proc`, which root could change.
const KERNEL: [&str; 5] =
    ["/proc/acpi", "/proc/bus", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// A call of `bwrap`.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Its arguments.
    pub(super) words: Vec<OsString>,
    /// The file descriptors that they name.
    pub(super) inherited: Vec<OwnedFd>,
    /// Its standard input.
    pub(super) input: OwnedFd,
    /// What it reports.
    pub(super) status: Status,
}

impl Prepared {
    /// Prepares the call for a command.
    pub(super) fn of(
        program: &Path,
        command: &SandboxedCommand,
        policy: &SandboxPolicy,
    ) -> Result<Self, SandboxError> {
        let failed = |error| SandboxError::setup("the sandbox", error);
        let directory = policy.temp.parent().unwrap_or(&policy.temp);
        let empty = create_empty(directory).map_err(failed)?;
        let entry = Entry::new(directory, PATIENCE).map_err(failed)?;
        let mounts = Mounts::of(policy)?;
        let (status, Reporters { json, signal }) = Status::new().map_err(failed)?;
        let mut first = namespaces(&policy.network);
        first.push_file("--sync-fd", entry.running);
        first.push_system(&policy.read);
        first.push_mounts(mounts.outside().collect::<Vec<_>>().into_iter(), Some(&empty));
        let words = match entry.alone {
            Some(starting) => {
                first.push_mounts(mounts.inside().collect::<Vec<_>>().into_iter(), Some(&empty));
                // `bwrap` copies the empty file as its last mount, and closes it: others may start.
                first.push_file("--file", starting);
                first.push([MOUNTED]);
                first.push_end_of_system(&mounts, &policy.read);
                first.push_command(command, json)?;
                Vec::new()
            }
            None => {
                first.push_end_of_system(&mounts, &policy.read);
                let mut second = Arguments::default();
                second.push(["--unshare-user", "--cap-drop", "ALL", "--dev-bind", "/", "/"]);
                second.push_mounts(mounts.inside().collect::<Vec<_>>().into_iter(), None);
                second.push_command(command, json)?;
                first.nest(program, command, second)?
            }
        };
        let (own, inherited) = first.into_file()?;
        let words = own.into_iter().chain([OsString::from("--")]).chain(words);
        let words = words.chain(in_words(command, policy)).collect();
        Ok(Self { words, inherited, input: signal, status })
    }
}

impl Arguments {
    /// Adds what is done last, before the command is started.
    fn push_command(
        &mut self,
        command: &SandboxedCommand,
        report: OwnedFd,
    ) -> Result<(), SandboxError> {
        self.push(["--remount-ro", "/proc", "--chdir"]);
        self.push([&command.directory]);
        let own = [("TMPDIR".to_owned(), TEMP.to_owned())];
        let own = own.iter().map(|(name, value)| (name, value));
        self.push_variables(command.env.iter().chain(&command.marks).chain(own));
        self.push_filters(Filters::namespaces()?)?;
        self.push_file("--json-status-fd", report);
        Ok(())
    }

    /// Makes another `bwrap` with these arguments the command of this one; returns its words.
    fn nest(
        &mut self,
        program: &Path,
        command: &SandboxedCommand,
        second: Self,
    ) -> Result<Vec<OsString>, SandboxError> {
        for path in KERNEL {
            self.push(["--ro-bind-try", path, path]);
        }
        if rustix::process::geteuid().is_root() {
            // Without it, a user namespace cannot be created in which there is root.
            self.push(["--cap-add", "CAP_SETFCAP"]);
        }
        let helper = [(HELPER.to_owned(), "1".to_owned())];
        let helper = helper.iter().map(|(name, value)| (name, value));
        self.push_variables(command.marks.iter().chain(helper));
        let (words, files) = second.into_file()?;
        self.inherit(files);
        let program = program.as_os_str().to_owned();
        Ok([program].into_iter().chain(words).chain(["--".into()]).collect())
    }
}

/// Returns the arguments for the namespaces of a command.
pub(super) fn namespaces(network: &NetworkAccess) -> Arguments {
    let mut arguments = Arguments::default();
    arguments.push(["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]);
    arguments.push(["--unshare-cgroup-try", "--cap-drop", "ALL"]);
    match network {
        NetworkAccess::Off | NetworkAccess::Proxy(_) => arguments.push(["--unshare-net"]),
        NetworkAccess::On => {}
    }
    arguments
}

/// Returns the words of a command, which a shell runs, and the bridge before it if there is one.
fn in_words(command: &SandboxedCommand, policy: &SandboxPolicy) -> Vec<OsString> {
    let mut words = Vec::new();
    if let NetworkAccess::Proxy(access) = &policy.network {
        words.push(BRIDGE.into());
        words.extend(access.bridge.args.iter().map(Into::into));
        words.extend([PROXY, &access.credential].map(Into::into));
    }
    words.extend(["/bin/sh", "-c", SCRIPT, "sh"].map(Into::into));
    words.push(command.program.clone().into_os_string());
    words.extend(command.args.iter().map(Into::into));
    words
}

/// Creates an empty directory, unless it exists already.
fn create_empty(directory: &Path) -> io::Result<PathBuf> {
    let empty = directory.join("empty");
    match DirBuilder::new().mode(0o500).create(&empty) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(empty),
    }
}
