//! The output of calls: files for what background processes print, and the tool that reads recorded
//! output.

mod files;
mod read;

pub use files::OutputFiles;
pub(super) use files::OutputWriter;
pub use read::{OutputReadArgs, OutputReadTool};
