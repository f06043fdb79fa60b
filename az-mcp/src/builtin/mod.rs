//! The built-in tools.

#[cfg(feature = "ai-tools")]
pub mod aichat;
pub mod filesystem;
pub mod output;
pub mod person;
pub mod process;
#[cfg(feature = "data-tools")]
pub mod semantic;
pub mod shell;

mod all;
mod bytes;

pub use all::builtin_tools;
