//! The fallback for systems without `/proc`: only the process group of a command is killed.

use std::os::fd::AsFd;

use az_core::tool::BackgroundProcess;
use rustix::process::Pid;

/// Decides by the environment of a process whether it belongs to a call.
pub(super) type Mark<'a> = &'a dyn Fn(&Environment) -> bool;

/// The environment of a process; never constructed.
#[derive(Debug)]
pub(super) enum Environment {}

/// A process that was found; never constructed.
#[derive(Debug)]
pub(super) enum Process {}

impl Environment {
    /// Returns the value of a variable.
    pub(super) const fn get(&self, _name: &str) -> Option<&str> {
        match *self {}
    }
}

/// Returns nothing.
pub(super) const fn find(_mark: Mark<'_>, _root: Option<Pid>) -> Vec<Process> {
    Vec::new()
}

/// Does nothing; returns that it did not.
pub(super) const fn terminate(_processes: &[Process]) -> bool {
    false
}

/// Does nothing; returns that no process is left.
pub(super) fn kill(_processes: Vec<Process>, _mark: Mark<'_>) -> bool {
    true
}

/// Returns nothing.
pub(super) const fn describe(_processes: &[Process]) -> Vec<BackgroundProcess> {
    Vec::new()
}

/// Returns whether the pipe may be open.
pub(super) const fn has_open(_processes: &[Process], _pipe: impl AsFd) -> bool {
    true
}

/// Returns `None`.
pub(super) const fn start_time(_pid: u32) -> Option<u64> {
    None
}
