//! The log: messages about events, with levels; and the commands that were run, with their durations.

mod command;
mod page;
mod query;
mod record;
mod store;

pub use command::{CommandLog, CommandRun, RunQuery};
pub use page::{LogCursor, LogMark, LogPage, LogRetention, LogTail};
pub use query::LogQuery;
pub use record::{Level, LogRecord};
pub use store::LogStore;
