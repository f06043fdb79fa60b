//! What happened, in words.

mod record;
mod store;

pub use record::{Level, LogRecord};
pub use store::{LogQuery, LogStore};
