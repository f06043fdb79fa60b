//! What `bwrap` reports while it runs.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::io::ioctl_fionbio;
use serde::Deserialize;

use super::memory_file::memory_file;
use crate::sandbox::CommandExit;
use crate::sandbox::child::ReadReport;

/// What is reported about the command.
#[derive(Debug)]
pub(super) struct Status {
    /// The status in JSON: `{"child-pid": 1, …}` when the sandbox is created, and `{"exit-code": 0}`
    /// when the command has exited. The second line is missing if the command was not started.
    ///
    /// It is a file, and not a pipe: when its reader is killed, `bwrap` would fail to write its first
    /// line, and its other process would wait for it for ever.
    json: File,
    /// What the shell that runs the command prints: the name of the signal that has ended it.
    signal: PipeReader,
}

/// The other ends of what is reported.
#[derive(Debug)]
pub(super) struct Reporters {
    /// For `bwrap`.
    pub(super) json: OwnedFd,
    /// For the shell, as its standard input.
    pub(super) signal: OwnedFd,
}

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "exit-code")]
    exit_code: Option<i32>,
}

/// A script for a shell that runs a command, and says by a message whether a signal has ended it.
/// `bwrap` does not tell that from an exit code. The standard input is where the message goes.
pub(super) const SCRIPT: &str =
    r#"exec 3>&2 2>&0 < /dev/null; trap : TERM; (exec "$@" 2>&3 3>&-); exit"#;

impl Status {
    /// Creates it with a file in memory and a pipe.
    pub(super) fn new() -> io::Result<(Self, Reporters)> {
        let json = File::from(memory_file("az-status", b"")?);
        let to_json = json.try_clone()?;
        let (signal, to_signal) = io::pipe()?;
        // Processes that the command has left may have it open.
        ioctl_fionbio(&signal, true)?;
        let reporters = Reporters { json: to_json.into(), signal: to_signal.into() };
        Ok((Self { json, signal }, reporters))
    }
}

impl ReadReport for Status {
    fn exit(&mut self, status: ExitStatus) -> CommandExit {
        let json = read_file(&self.json).unwrap_or_default();
        let mut lines = serde_json::Deserializer::from_slice(&json).into_iter::<Line>();
        let has_ended = lines.any(|line| line.is_ok_and(|line| line.exit_code.is_some()));
        let has_signal = !read(&mut self.signal).is_empty();
        match status.code() {
            // Without an exit code, the process that runs the command was killed, and all others.
            Some(code) if code > 128 && (has_signal || !has_ended) => {
                CommandExit::Exited(ExitStatus::from_raw(code - 128))
            }
            Some(_) if !has_ended => CommandExit::NotRun,
            _ => CommandExit::Exited(status),
        }
    }
}

/// Reads a file from its beginning. Its position is that of the writer.
fn read_file(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Reads what is in a pipe.
fn read(pipe: &mut PipeReader) -> Vec<u8> {
    let mut text = Vec::new();
    // It ends with an error if another process still has the pipe open.
    pipe.read_to_end(&mut text).ok();
    text
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_signal_an_exit_code_and_a_failed_start_differ() {
        let exit = |code: i32, json: &str, signal: &str| {
            let (mut status, reporters) = Status::new().unwrap();
            File::from(reporters.json).write_all(json.as_bytes()).unwrap();
            File::from(reporters.signal).write_all(signal.as_bytes()).unwrap();
            status.exit(ExitStatus::from_raw(code << 8))
        };
        let started = "{ \"child-pid\": 7, \"mnt-namespace\": 8 }\n";
        let ended = format!("{started}{{ \"exit-code\": 143 }}\n");
        let exited = |code: i32| CommandExit::Exited(ExitStatus::from_raw(code << 8));
        let killed = |signal: i32| CommandExit::Exited(ExitStatus::from_raw(signal));
        assert_eq!(exit(143, &ended, ""), exited(143));
        assert_eq!(exit(143, &ended, "Terminated\n"), killed(15));
        assert_eq!(exit(127, &ended, "sh: not found\n"), exited(127));
        assert_eq!(exit(137, started, ""), killed(9));
        assert_eq!(exit(1, started, ""), CommandExit::NotRun);
        assert_eq!(exit(1, "", ""), CommandExit::NotRun);
    }
}
