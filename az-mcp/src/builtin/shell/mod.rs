//! `shell.execute`: runs a command, and ends its whole process tree when it is stopped.

mod background;
mod capture;
mod confinement;
mod environment;
mod escapes;
mod homes;
mod input_request;
mod marks;
mod options;
mod program;
mod recent_lines;
mod redraw;
mod refusal;
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
