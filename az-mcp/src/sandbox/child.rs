//! A command that a sandbox has started, and how it ends.

use std::fmt;
use std::io;
use std::process::{ExitStatus, Output};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// A command that a sandbox has started.
#[derive(Debug)]
#[non_exhaustive]
pub struct SandboxedChild {
    /// The process, which leads a session and a process group. Some sandboxes run the command as a
    /// descendant of it.
    pub process: Child,
    report: Option<Report>,
}

/// Reads what a sandbox reports about the command once its process has exited.
pub(super) trait ReadReport: Send + Sync {
    /// Returns how the command has ended, if the process of the sandbox has exited with this status.
    fn exit(&mut self, status: ExitStatus) -> CommandExit;
}

/// How a command has ended.
///
/// Exhaustive, so that what runs commands handles each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandExit {
    /// It has exited with this status.
    Exited(ExitStatus),
    /// The sandbox was not set up: nothing of the command was run.
    NotRun,
}

struct Report(Box<dyn ReadReport>);

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}

impl SandboxedChild {
    /// Creates the child of a process that becomes the command.
    pub const fn new(process: Child) -> Self {
        Self { process, report: None }
    }

    /// Creates the child of a process that runs the command as a descendant, and reports about it.
    pub(super) fn with_report(process: Child, report: impl ReadReport + 'static) -> Self {
        Self { process, report: Some(Report(Box::new(report))) }
    }

    /// Waits until the command has exited. Dropping the future is allowed.
    ///
    /// # Errors
    ///
    /// That of the system.
    pub async fn wait(&mut self) -> io::Result<CommandExit> {
        let status = self.process.wait().await?;
        Ok(match &mut self.report {
            Some(Report(report)) => report.exit(status),
            None => CommandExit::Exited(status),
        })
    }

    /// Waits until the command has exited, and returns what it has printed.
    ///
    /// # Errors
    ///
    /// That of the system.
    pub async fn wait_with_output(self) -> io::Result<Output> {
        let Self { process, report } = self;
        let output = process.wait_with_output().await;
        // The sandbox would be killed by SIGPIPE if it could not report to it.
        drop(report);
        output
    }

    /// Returns whether the outputs stay open as long as a process of the command runs, even if that
    /// process has closed them.
    pub const fn holds_output(&self) -> bool {
        self.report.is_some()
    }

    /// Kills the process group, and with it all processes of a sandbox that has a process namespace.
    pub(super) fn kill(&self) {
        let id = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(id) = id {
            kill_process_group(id, Signal::KILL).ok();
        }
    }
}
