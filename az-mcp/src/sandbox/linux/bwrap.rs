//! The sandbox of namespaces, which the program `bwrap` creates.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

use async_trait::async_trait;
use tokio::process::Command;

use super::seccomp::Filters;
use super::stages::{Prepared, namespaces};
use crate::sandbox::session::in_own_session;
use crate::sandbox::thread::on_own_thread;
use crate::sandbox::{
    HELPER, NetworkAccess, ReadAccess, Sandbox, SandboxError, SandboxPolicy, SandboxTier,
    SandboxedChild, SandboxedCommand,
};

/// Where `bwrap` is looked for. `PATH` may name directories that commands can change.
const PLACES: [&str; 3] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"];

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
        let mut arguments = namespaces(&NetworkAccess::Off);
        arguments.push_system(&ReadAccess::Everything);
        arguments.push(["--remount-ro", "/proc"]);
        arguments.push_filters(Filters::namespaces()?)?;
        let (words, inherited) = arguments.into_file()?;
        let command = ["--", "/bin/sh", "-c", ":"].map(Into::into);
        let mut process =
            process(self.program()?, &[], words.into_iter().chain(command), inherited);
        process.stderr(Stdio::piped());
        // It is awaited here, and not by a runtime, which the caller may not have.
        let output = process.into_std().output();
        let output = output.map_err(|error| unavailable(error.to_string()))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(unavailable(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        }
    }

    async fn spawn(
        &self,
        command: SandboxedCommand,
        policy: SandboxPolicy,
    ) -> Result<SandboxedChild, SandboxError> {
        let program = self.program()?.to_owned();
        on_own_thread(move || {
            let prepared = Prepared::of(&program, &command, &policy)?;
            let marks: Vec<_> = command.marks.into_iter().collect();
            let mut process = process(&program, &marks, prepared.words, prepared.inherited);
            process.stdin(prepared.input).stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = process.spawn()?;
            // Closes what the process has inherited: when it closes the lock, others may start.
            drop(process);
            Ok(SandboxedChild::with_report(child, prepared.status))
        })
        .await
    }
}

/// Returns the process of `bwrap`. It has only the variables by which it is found: those of a
/// command could change what it does.
fn process(
    program: &Path,
    marks: &[(String, String)],
    words: impl IntoIterator<Item = OsString>,
    inherited: Vec<OwnedFd>,
) -> Command {
    let mut process = process::Command::new(program);
    process.args(words).env_clear().env(HELPER, "1").stdin(Stdio::null());
    process.envs(marks.iter().map(|(name, value)| (name, value)));
    let mut process = Command::from(process);
    process.kill_on_drop(true);
    in_own_session(&mut process, inherited);
    process
}

const fn unavailable(reason: String) -> SandboxError {
    SandboxError::Unavailable { tier: SandboxTier::Bwrap, reason }
}
