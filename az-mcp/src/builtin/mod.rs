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
pub mod task;
pub mod todo;
#[cfg(feature = "web-tools")]
pub mod web;

mod all;
mod bytes;
#[cfg(any(feature = "ai-tools", feature = "web-tools"))]
mod limit;

pub use all::builtin_tools;
