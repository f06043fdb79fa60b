//! The log: messages about events, with levels.

mod record;
mod store;

pub use record::{Level, LogRecord};
pub use store::{LogQuery, LogStore};
