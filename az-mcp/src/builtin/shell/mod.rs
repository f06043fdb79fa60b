//! `shell.execute`: runs a command, and ends its whole process tree when it is stopped.

mod capture;
mod last_line;
mod options;
mod report;
mod run;
mod tool;

#[cfg(target_os = "linux")]
#[path = "process_tree/linux.rs"]
mod process_tree;
#[cfg(not(target_os = "linux"))]
#[path = "process_tree/other.rs"]
mod process_tree;

pub use options::ShellOptions;
pub use tool::{ShellArgs, ShellTool};
