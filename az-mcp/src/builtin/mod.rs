//! The tools that come with AZ-OS.

pub mod filesystem;
pub mod shell;

mod all;

pub use all::builtin_tools;
