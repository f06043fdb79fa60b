//! Prepares a process: a session of its own without a terminal, and no inherited file descriptors.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use rustix::io::{FdFlags, fcntl_setfd};
use tokio::process::Command;

use super::SandboxedCommand;

/// Returns a process that runs a command as it is: with its directory and variables, this directory
/// for temporary files, without input, and with output that is read through pipes.
pub(super) fn piped(command: &SandboxedCommand, temp: &Path) -> Command {
    let mut process = Command::new(&command.program);
    process.args(&command.args).current_dir(&command.directory).env_clear().envs(&command.env);
    process.envs(&command.marks).env("TMPDIR", temp).stdin(Stdio::null()).stdout(Stdio::piped());
    process.stderr(Stdio::piped()).kill_on_drop(true);
    process
}

/// Makes the process the leader of a new session and of a process group in it, and lets it inherit
/// only its standard input and outputs and these file descriptors.
///
/// The session has no controlling terminal: a command cannot open `/dev/tty`, so that a program
/// that asks for a password fails at once instead of waiting for input.
#[expect(unsafe_code, reason = "the standard library has no stable method to create a session")]
pub(crate) fn in_own_session(process: &mut Command, inherited: Vec<OwnedFd>) {
    let prepare = move || {
        rustix::process::setsid()?;
        close_others_on_exec();
        for descriptor in &inherited {
            fcntl_setfd(descriptor, FdFlags::empty())?;
        }
        Ok(())
    };
    // SAFETY: between `fork` and `exec`, the closure only makes system calls. It does not allocate,
    // takes no lock, and changes no memory that is shared with the parent.
    unsafe { process.pre_exec(prepare) };
}

/// Marks all file descriptors but the first three to be closed by `exec`: what started this process
/// may have left some open in it. Linux before 5.11 cannot do it; no sandbox runs on it.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate that is used has a safe form of close_range")]
fn close_others_on_exec() {
    // SAFETY: the call reads no memory, and changes only flags of file descriptors of the process
    // between `fork` and `exec`, in which no other code uses them.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

#[cfg(not(target_os = "linux"))]
const fn close_others_on_exec() {}
