//! The built-in tools.

pub mod filesystem;
pub mod shell;

mod all;

pub use all::builtin_tools;
