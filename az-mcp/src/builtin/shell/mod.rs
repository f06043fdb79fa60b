//! `shell.execute`: a command, what it started, and the certainty that it ends.

mod capture;
mod last_line;
mod options;
mod report;
mod run;
mod tool;

#[cfg(target_os = "linux")]
#[path = "sweep/linux.rs"]
mod sweep;
#[cfg(not(target_os = "linux"))]
#[path = "sweep/other.rs"]
mod sweep;

pub use options::ShellOptions;
pub use tool::{ShellArgs, ShellTool};
