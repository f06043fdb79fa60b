//! Settings, stored with the tasks.

mod manager;

pub use manager::{ConfigManager, ConfigManagerExt, check_key};
