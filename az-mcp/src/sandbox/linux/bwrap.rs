//! The sandbox of namespaces, which the program `bwrap` creates.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus, Stdio};

use async_trait::async_trait;
use tokio::process::{Child, Command};

use super::memory_file::memory_file;
use super::mounts::{BRIDGE, Mounts, PROXY};
use super::seccomp::Filters;
use crate::sandbox::session::in_own_session;
use crate::sandbox::thread::on_own_thread;
use crate::sandbox::{
    HELPER, NetworkAccess, Sandbox, SandboxError, SandboxPolicy, SandboxTier, SandboxedCommand,
};

/// Where `bwrap` is looked for. `PATH` may name directories that commands can change.
const PLACES: [&str; 3] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];

/// Where the private directory for temporary files is seen.
const TEMP: &str = "/tmp";

/// Confines commands in namespaces of their own, which `bwrap` (bubblewrap 0.8) creates, and by a
/// seccomp filter. The kernel has to allow users to create namespaces.
///
/// A command sees no other processes, services and hosts, and its own `/tmp`. What is hidden is
/// covered by empty files and directories, also in directories that may be changed, and what is to
/// be protected in them is read-only.
#[derive(Debug, Clone)]
pub struct Bwrap {
    program: Option<PathBuf>,
}

impl Bwrap {
    /// Creates the sandbox with this program.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: Some(program.into()) }
    }

    fn program(&self) -> Result<&Path, SandboxError> {
        self.program.as_deref().ok_or_else(|| unavailable("bubblewrap is not installed".to_owned()))
    }
}

impl Default for Bwrap {
    /// Creates the sandbox with the program that is installed.
    fn default() -> Self {
        let found = PLACES.iter().map(Path::new).find(|path| path.is_file());
        Self { program: found.map(Path::to_owned) }
    }
}

#[async_trait]
impl Sandbox for Bwrap {
    fn tier(&self) -> SandboxTier {
        SandboxTier::Bwrap
    }

    fn probe(&self) -> Result<(), SandboxError> {
        let filters = Filters::namespaces()?;
        let mut arguments = namespaces(&NetworkAccess::Off);
        arguments.extend(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"].map(into));
        let descriptors = inherit(&mut arguments, filters)?;
        arguments.extend(["--", "/bin/sh", "-c", ":"].map(into));
        let mut command = process(self.program()?, &[], &arguments, descriptors)?;
        command.stderr(Stdio::piped());
        // It is awaited here, and not by a runtime, which the caller may not have.
        let output = command.into_std().output();
        let output = output.map_err(|error| unavailable(error.to_string()))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(unavailable(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        }
    }

    /// `bwrap` exits with 128 and the number of the signal that has ended the command. A command
    /// can exit with such a number by itself; shells do it for the commands that they run.
    fn end_of(&self, status: ExitStatus) -> ExitStatus {
        let signal = status.code().map(|code| code - 128).filter(|signal| DEADLY.contains(signal));
        signal.map_or(status, ExitStatus::from_raw)
    }

    async fn spawn(
        &self,
        command: SandboxedCommand,
        policy: SandboxPolicy,
    ) -> Result<Child, SandboxError> {
        let program = self.program()?.to_owned();
        on_own_thread(move || {
            let mut arguments = namespaces(&policy.network);
            let mounts = Mounts::of(&policy)?;
            arguments.extend(mounts.arguments(&policy.read).into_iter().map(OsString::from));
            arguments.extend([into("--chdir"), command.directory.into_os_string()]);
            arguments.push(into("--clearenv"));
            let variables = command.env.iter().chain(&command.marks);
            let own = [("TMPDIR".to_owned(), TEMP.to_owned())];
            let own = own.iter().map(|(name, value)| (name, value));
            for (name, value) in variables.chain(own) {
                arguments.extend(["--setenv", name, value].map(into));
            }
            let descriptors = inherit(&mut arguments, Filters::namespaces()?)?;
            arguments.push(into("--"));
            if let NetworkAccess::Proxy(access) = &policy.network {
                arguments.push(into(BRIDGE));
                arguments.extend(access.bridge.args.iter().map(into));
                arguments.extend([PROXY, &access.credential].map(into));
            }
            arguments.push(command.program.into_os_string());
            arguments.extend(command.args.iter().map(OsString::from));
            let marks: Vec<_> = command.marks.into_iter().collect();
            let mut process = process(&program, &marks, &arguments, descriptors)?;
            process.stdout(Stdio::piped()).stderr(Stdio::piped());
            Ok(process.spawn()?)
        })
        .await?
    }
}

/// The signals that end a program by themselves or by the system, and not by its own decision.
const DEADLY: [i32; 8] = [
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGKILL,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGTERM,
];

/// Returns the arguments for the namespaces of a command.
fn namespaces(network: &NetworkAccess) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"].map(into).into();
    arguments.extend(["--unshare-cgroup-try", "--cap-drop", "ALL"].map(into));
    match network {
        NetworkAccess::Off | NetworkAccess::Proxy(_) => arguments.push(into("--unshare-net")),
        NetworkAccess::On => {}
    }
    arguments
}

/// Passes the filters of system calls: adds the arguments, and returns the files to inherit.
fn inherit(arguments: &mut Vec<OsString>, filters: &Filters) -> Result<Vec<OwnedFd>, SandboxError> {
    let mut descriptors = Vec::new();
    for program in &filters.0 {
        let mut bytes = Vec::with_capacity(program.len() * 8);
        for instruction in program {
            bytes.extend(instruction.code.to_ne_bytes());
            bytes.extend([instruction.jt, instruction.jf]);
            bytes.extend(instruction.k.to_ne_bytes());
        }
        let file = memory_file("az-filter", &bytes);
        let file =
            file.map_err(|error| SandboxError::setup("the filter of system calls", error))?;
        arguments.extend([into("--add-seccomp-fd"), file.as_raw_fd().to_string().into()]);
        descriptors.push(file);
    }
    Ok(descriptors)
}

/// Returns the process of `bwrap`. It has only the variables by which it is found: those of a
/// command could change what it does. Its arguments are in a file, which other users cannot read:
/// the command's variables are among them.
fn process(
    program: &Path,
    marks: &[(String, String)],
    arguments: &[OsString],
    mut descriptors: Vec<OwnedFd>,
) -> Result<Command, SandboxError> {
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let (options, command) = arguments.split_at(end);
    let mut list = Vec::new();
    for option in options {
        list.extend_from_slice(option.as_bytes());
        list.push(0);
    }
    let file = memory_file("az-arguments", &list);
    let file = file.map_err(|error| SandboxError::setup("the arguments of bwrap", error))?;
    let mut process = process::Command::new(program);
    process.arg("--args").arg(file.as_raw_fd().to_string()).args(command);
    process.env_clear().env(HELPER, "1").stdin(Stdio::null());
    process.envs(marks.iter().map(|(name, value)| (name, value)));
    descriptors.push(file);
    let mut process = Command::from(process);
    process.kill_on_drop(true);
    in_own_session(&mut process, descriptors);
    Ok(process)
}

fn into(word: impl AsRef<OsStr>) -> OsString {
    word.as_ref().to_owned()
}

const fn unavailable(reason: String) -> SandboxError {
    SandboxError::Unavailable { tier: SandboxTier::Bwrap, reason }
}
