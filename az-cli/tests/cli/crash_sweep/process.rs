//! A process that stops itself at a crash point.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// A process that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(150);
/// The exit code of a process that hung.
pub(super) const HUNG: i32 = -1;

/// How long a process is waited for while another one may hold a file's lock that it needs.
pub(super) const PATIENCE: Duration = Duration::from_millis(700);

#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    started: Instant,
}

/// What a process that was waited for did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// It stopped itself at its crash point.
    Point,
    /// It ended.
    End,
    /// Neither, for a while.
    Nothing,
}

impl Process {
    /// Starts a command; its standard error is added to a file.
    pub(super) fn start(mut command: Command, stderr: &Path) -> Self {
        let stderr = OpenOptions::new().create(true).append(true).open(stderr).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        Self { child: command.spawn().unwrap(), started: Instant::now() }
    }

    /// Waits until it stops or ends.
    pub(super) fn wait_for(&self, patience: Duration) -> Reached {
        let begun = Instant::now();
        loop {
            let options = WaitIdOptions::STOPPED | WaitIdOptions::EXITED;
            // The status stays, for `wait`.
            let options = options | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            match waitid(WaitId::Pid(self.pid()), options).unwrap() {
                Some(status) if status.stopped() => return Reached::Point,
                Some(_) => return Reached::End,
                None if begun.elapsed() > patience => return Reached::Nothing,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end; returns its exit code, or `None` if a signal ended it. One that hangs is killed,
    /// and [`HUNG`] is returned.
    pub(super) fn wait(mut self) -> Option<i32> {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            if self.started.elapsed() > LIMIT {
                return Some(HUNG);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
