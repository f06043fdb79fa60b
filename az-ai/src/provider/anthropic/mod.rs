//! Anthropic's Messages API.

mod usage;

pub use usage::usage;
