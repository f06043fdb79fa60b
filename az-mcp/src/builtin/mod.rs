//! The built-in tools.

pub mod filesystem;
pub mod output;
pub mod process;
pub mod shell;

mod all;
mod bytes;

pub use all::builtin_tools;
