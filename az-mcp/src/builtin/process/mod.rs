//! `process.list`, and what is read of processes.

mod entry;
mod list;
mod users;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::processes;
#[cfg(target_os = "linux")]
pub(in crate::builtin) use linux::{ProcessStat, command_words, pids, stat};

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other::processes;

pub use entry::ProcessEntry;
pub use list::{ProcessListArgs, ProcessListTool};
