//! Settings that are stored with the data.

mod manager;

pub use manager::{ConfigManager, ConfigManagerExt, check_key};
