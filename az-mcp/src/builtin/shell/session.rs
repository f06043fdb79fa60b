//! Runs a command in a session of its own, without a terminal.

use tokio::process::Command;

/// Makes the command the leader of a new session and of a process group in it.
///
/// The session has no controlling terminal: a command cannot open `/dev/tty`, so that a program
/// that asks for a password fails at once instead of waiting for input.
#[expect(unsafe_code, reason = "the standard library has no stable method to create a session")]
pub(super) fn in_own_session(command: &mut Command) {
    let create = || Ok(rustix::process::setsid().map(drop)?);
    // SAFETY: between `fork` and `exec`, the closure only makes the system call `setsid`. It does
    // not allocate, takes no lock, and changes no memory that is shared with the parent.
    unsafe { command.pre_exec(create) };
}
